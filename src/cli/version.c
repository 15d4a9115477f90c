/* SPDX-License-Identifier: Apache-2.0 */
/* version.c - `postern version`: ours, and the libraries that are really loaded. */
#include <ares.h>
#include <curl/curl.h>
#include <libpq-fe.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <yyjson.h>

#include "cli/commands.h"
#include "json/json.h"

enum { TEXT_MAX = 4096, LIBRARIES = 8 };

struct library {
    const char *name;
    char version[64];
};

static void set(struct library *library, const char *name, const char *version)
{
    library->name = name;
    (void)snprintf(library->version, sizeof(library->version), "%s", version);
}

static void read_libraries(struct library libraries[LIBRARIES])
{
    uint32_t json = yyjson_version();
    int pq = PQlibVersion();

    set(&libraries[0], "libmicrohttpd", MHD_get_version());
    set(&libraries[1], "libcurl", curl_version_info(CURLVERSION_NOW)->version);
    set(&libraries[2], "c-ares", ares_version(NULL));
    set(&libraries[3], "openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
    set(&libraries[4], "libsodium", sodium_version_string());
    set(&libraries[5], "sqlite", sqlite3_libversion());
    set(&libraries[6], "libpq", "");
    (void)snprintf(libraries[6].version, sizeof(libraries[6].version), "%d.%d", pq / 10000,
                   pq % 10000);
    set(&libraries[7], "yyjson", "");
    (void)snprintf(libraries[7].version, sizeof(libraries[7].version), "%u.%u.%u", json >> 16,
                   json >> 8 & 0xff, json & 0xff);
}

static int write_json(const struct library libraries[LIBRARIES], struct buf *out)
{
    struct json_out o;

    json_out_begin(&o, out);
    json_out_object(&o);
    json_put_c(&o, "version", POSTERN_VERSION);
    json_out_name(&o, "libraries");
    json_out_object(&o);
    for (size_t i = 0; i < LIBRARIES; i++) {
        json_put_c(&o, libraries[i].name, libraries[i].version);
    }
    json_out_object_end(&o);
    json_out_object_end(&o);
    return json_out_end(&o);
}

static int write_text(const struct library libraries[LIBRARIES], struct buf *out)
{
    int rc = buf_printf(out, "postern %s\n", POSTERN_VERSION);

    for (size_t i = 0; i < LIBRARIES && rc == 0; i++) {
        rc = buf_printf(out, "  %-14s %s\n", libraries[i].name, libraries[i].version);
    }
    return rc;
}

static int version_run(struct cli *cli, const struct command *command, const struct args *args)
{
    struct library libraries[LIBRARIES];
    struct buf out;
    int rc;
    int code = EXIT_ERROR;

    (void)command;
    (void)args;
    read_libraries(libraries);
    buf_init(&out, TEXT_MAX);
    if (cli->output == OUTPUT_JSON) {
        rc = write_json(libraries, &out);
        if (rc == 0) {
            rc = buf_add_char(&out, '\n');
        }
    } else if (cli->output == OUTPUT_COMPACT) {
        rc = buf_add_c(&out, POSTERN_VERSION "\n");
    } else {
        rc = write_text(libraries, &out);
    }
    if (rc == 0) {
        code = cli_print(buf_str(&out));
    }
    buf_done(&out);
    return code;
}

const struct command command_version = {
    .name = "version",
    .summary = "Print the version and those of the libraries",
    .examples = "  postern version\n  postern version --json\n",
    .usage = "[--json]",
    .run = version_run,
};
