/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_machine.c - folder, key file, descriptors, clock and certificates of this machine; PostgreSQL. */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include <curl/curl.h>
#include <errno.h>
#include <libpq-fe.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/doctor.h"
#include "crypto/keyring.h"
#include "server/config.h"

enum { FILES_WANTED = 4096, POSTGRES_OLDEST = 150000 };

static const uint64_t disk_low = 1ULL << 30;
static const uint64_t disk_full = 64ULL << 20;
static const int64_t clock_sane_ms = 1735689600000; /* 2025-01-01 */

static void check_disk(struct findings *f, const char *folder)
{
    struct statvfs fs;
    uint64_t left;

    if (statvfs(folder, &fs) != 0) {
        finding_add(f, "disk", DOCTOR_WARNING, "%s: %s", folder, strerrordesc_np(errno));
        return;
    }
    left = (uint64_t)fs.f_bavail * fs.f_frsize;
    finding_add(f, "disk",
                left < disk_full  ? DOCTOR_FAILED
                : left < disk_low ? DOCTOR_WARNING
                                  : DOCTOR_OK,
                "%llu MiB free in %s", (unsigned long long)(left >> 20), folder);
}

static void check_folder(struct findings *f, const struct config *config)
{
    struct stat st;

    if (stat(config->data, &st) != 0) {
        finding_add(f, "data", errno == ENOENT ? DOCTOR_SKIPPED : DOCTOR_FAILED,
                    errno == ENOENT ? "%s is not there yet; serve makes it" : "%s: no access",
                    config->data);
        return;
    }
    if (!S_ISDIR(st.st_mode) || access(config->data, R_OK | W_OK | X_OK) != 0) {
        finding_add(f, "data", DOCTOR_FAILED, "%s is no folder that this user may write to",
                    config->data);
        return;
    }
    if ((st.st_mode & 077) != 0) {
        finding_add(f, "data", DOCTOR_WARNING, "%s may be read by others; run: chmod 700 %s",
                    config->data, config->data);
    } else {
        finding_add(f, "data", DOCTOR_OK, "%s", config->data);
    }
    check_disk(f, config->data);
}

static void check_key(struct findings *f, const struct config *config)
{
    char path[PATH_MAX];
    char store[PATH_MAX];
    struct keyring *keyring = NULL;
    struct err err = { 0 };
    int rc;

    if (config->key_file[0] != '\0') {
        (void)snprintf(path, sizeof(path), "%s", config->key_file);
    } else if (snprintf(path, sizeof(path), "%s/postern.key", config->data) >=
               (int)sizeof(path)) {
        finding_add(f, "key file", DOCTOR_FAILED, "the path of the data folder is too long");
        return;
    }
    rc = keyring_open(path, false, &keyring, &err);
    if (rc == 0) {
        finding_add(f, "key file", DOCTOR_OK, "%s; keep a copy apart from the database", path);
        keyring_free(keyring);
        return;
    }
    if (snprintf(store, sizeof(store), "%s/postern.db", config->data) < (int)sizeof(store) &&
        rc == -E_NOT_FOUND && access(store, F_OK) != 0) {
        finding_add(f, "key file", DOCTOR_SKIPPED,
                    "%s is not there; serve makes it with a new database", path);
        return;
    }
    finding_add(f, "key file", DOCTOR_FAILED,
                "%s Without it the secrets in the database cannot be read: restore it.",
                err.text);
}

static void check_files(struct findings *f)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    finding_add(f, "open files", limit.rlim_max < FILES_WANTED ? DOCTOR_WARNING : DOCTOR_OK,
                "the limit is %llu%s", (unsigned long long)limit.rlim_max,
                limit.rlim_max < FILES_WANTED ? "; raise it to 65536 (ulimit -Hn, LimitNOFILE)"
                                              : "");
}

static void check_clock(struct findings *f)
{
    struct timex timex = { 0 };
    int state = adjtimex(&timex);

    if (clock_wall_ms() < clock_sane_ms) {
        finding_add(f, "clock", DOCTOR_FAILED,
                    "the clock is wrong: receivers will refuse the signatures as too old");
    } else if (state == TIME_ERROR) {
        finding_add(f, "clock", DOCTOR_WARNING,
                    "not synchronised (NTP); receivers allow five minutes");
    } else {
        finding_add(f, "clock", DOCTOR_OK, "synchronised");
    }
}

const char *doctor_ca_file(const struct config *config)
{
    const char *environment = cli_env("SSL_CERT_FILE");
    const char *system = curl_version_info(CURLVERSION_NOW)->cainfo;

    if (config->ca_file[0] != '\0') {
        return config->ca_file;
    }
    if (environment != NULL) {
        return environment;
    }
    return system != NULL ? system : "/etc/ssl/certs/ca-certificates.crt";
}

static void check_certificates(struct findings *f, const struct config *config)
{
    const char *file = doctor_ca_file(config);

    if (access(file, R_OK) == 0) {
        finding_add(f, "certificates", DOCTOR_OK, "%s", file);
    } else {
        finding_add(f, "certificates", DOCTOR_FAILED,
                    "%s cannot be read; install ca-certificates or set ca_file", file);
    }
    if (config->tls_cert[0] == '\0') {
        return;
    }
    if (access(config->tls_cert, R_OK) == 0 && access(config->tls_key, R_OK) == 0) {
        finding_add(f, "server TLS", DOCTOR_OK, "%s", config->tls_cert);
    } else {
        finding_add(f, "server TLS", DOCTOR_FAILED, "%s or %s cannot be read", config->tls_cert,
                    config->tls_key);
    }
}

void doctor_machine(struct findings *f, const struct config *config)
{
    check_folder(f, config);
    check_key(f, config);
    check_files(f);
    check_clock(f);
    check_certificates(f, config);
}

/* A setting that must be on for a commit to be durable. */
static void check_setting(struct findings *f, PGconn *conn, const char *name, const char *query)
{
    PGresult *result = PQexec(conn, query);

    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1) {
        finding_add(f, "database", DOCTOR_WARNING, "%s cannot be read", name);
    } else {
        bool is_on = strcmp(PQgetvalue(result, 0, 0), "on") == 0;

        finding_add(f, "database", is_on ? DOCTOR_OK : DOCTOR_FAILED, "%s is %s%s", name,
                    PQgetvalue(result, 0, 0),
                    is_on ? "" : "; what was acknowledged can be lost at a power cut");
    }
    PQclear(result);
}

void doctor_database(struct findings *f, const struct config *config)
{
    PGconn *conn;
    int version;

    if (config->database[0] == '\0') {
        finding_add(f, "database", DOCTOR_OK, "SQLite in the data folder");
        return;
    }
    conn = PQconnectdb(config->database);
    if (PQstatus(conn) != CONNECTION_OK) {
        /* libpq's message names host, user and database, never the password. */
        finding_add(f, "database", DOCTOR_FAILED, "%s", PQerrorMessage(conn));
        PQfinish(conn);
        return;
    }
    version = PQserverVersion(conn);
    finding_add(f, "database", version < POSTGRES_OLDEST ? DOCTOR_WARNING : DOCTOR_OK,
                "PostgreSQL %d.%d%s", version / 10000, version % 10000,
                version < POSTGRES_OLDEST ? "; tested with 15 and 17" : "");
    check_setting(f, conn, "fsync", "SHOW fsync");
    check_setting(f, conn, "full_page_writes", "SHOW full_page_writes");
    PQfinish(conn);
}
