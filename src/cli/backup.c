/* SPDX-License-Identifier: Apache-2.0 */
/* backup.c - `postern backup DEST`: a copy of the embedded database while the server runs, checked. */
#include "store/backup.h"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/config_source.h"
#include "server/config.h"

static const char backup_help[] =
    "Examples:\n"
    "  postern backup --data /var/lib/postern /backup/postern-2026-01-31.db\n"
    "  postern backup --config /etc/postern/postern.conf /backup/postern.db\n"
    "\n"
    "Usage: postern backup [--config FILE] [SETTINGS] DEST\n"
    "\n"
    "Copies the embedded database of a running or a stopped server into the new file DEST and\n"
    "looks whether the copy is whole. The key file is not in it: keep it apart, and safe. With "
    "a\n"
    "PostgreSQL database use pg_dump or the server's own backup.\n"
    "\n"
    "To restore: stop the server, put the copy in place of `postern.db` in the data folder,\n"
    "remove `postern.db-wal` and `postern.db-shm` there, put the key file back, start.\n";

static int backup_run(const struct config *config, const char *dest)
{
    struct backup_counts counts;
    struct err err = { 0 };
    int rc;

    if (config->database[0] != '\0') {
        return cli_fail(
            NULL, EXIT_USAGE, "the database is PostgreSQL",
            "its server makes consistent copies itself",
            "pg_dump --format=custom --file=DEST \"$POSTERN_DATABASE\"; and copy the "
            "key file");
    }
    rc = store_backup(config->data, dest, &counts, &err);
    if (rc != 0) {
        return cli_fail(NULL, exit_of_error(rc), "cannot back up", err.text,
                        "postern backup --help");
    }
    cli_note("%s is whole: %lld events, %lld deliveries, %lld endpoints.", dest,
             (long long)counts.events, (long long)counts.deliveries,
             (long long)counts.endpoints);
    cli_note("The key file is not in it. Without %s the secrets in the copy cannot be read: "
             "keep it apart, and safe.",
             config->key_file[0] != '\0' ? config->key_file : "postern.key of the data folder");
    return EXIT_OK;
}

/* DEST is the one word that is no setting; the rest are flags of serve. */
static const char *take_dest(int *argc, char **argv)
{
    const char *dest = NULL;
    int kept = 0;

    for (int i = 0; i < *argc; i++) {
        bool is_value =
            i > 0 && strncmp(argv[i - 1], "--", 2) == 0 && strchr(argv[i - 1], '=') == NULL;

        if (dest == NULL && argv[i][0] != '-' && !is_value) {
            dest = argv[i];
        } else {
            argv[kept++] = argv[i];
        }
    }
    *argc = kept;
    return dest;
}

static int backup_raw(int argc, char **argv)
{
    struct config_source source;
    struct config config;
    struct err err = { 0 };
    const char *dest;
    int code;
    int rc;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return cli_print(str_from(backup_help));
        }
    }
    dest = take_dest(&argc, argv);
    if (dest == NULL) {
        return cli_fail(NULL, EXIT_USAGE, "where to?", "name the file to make",
                        "postern backup --help");
    }
    rc = config_source_take(argc, argv, &source, &err);
    if (rc == 0) {
        rc = config_read(&config, source.path, source.argc, source.argv, &err);
        config_source_done(&source);
    }
    if (rc != 0) {
        return cli_fail(NULL, exit_of_error(rc), "cannot read the settings", err.text,
                        "postern backup --help");
    }
    code = backup_run(&config, dest);
    config_done(&config);
    return code;
}

const struct command command_backup = {
    .name = "backup",
    .summary = "Copy the embedded database while the server runs",
    .run_raw = backup_raw,
};
