/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.h - the checks of `postern doctor`: each adds one line to the findings. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <stddef.h>

#include "base/err.h"
#include "cli/args.h"
#include "cli/cli.h"

struct config;

enum { DOCTOR_FINDINGS_MAX = 48, DOCTOR_TEXT_MAX = 320 };

enum doctor_result { DOCTOR_OK, DOCTOR_SKIPPED, DOCTOR_WARNING, DOCTOR_FAILED };

struct finding {
    const char *check;
    enum doctor_result result;
    char text[DOCTOR_TEXT_MAX];
};

struct findings {
    struct finding rows[DOCTOR_FINDINGS_MAX];
    size_t count;
};

void finding_add(struct findings *f, const char *check, enum doctor_result result,
                 const char *fmt, ...) PRINTF_LIKE(4, 5);

/* The file of certificate authorities that the sender uses: ca_file, SSL_CERT_FILE, or the system's. */
const char *doctor_ca_file(const struct config *config);
/* This machine: data folder, key file, descriptors, clock, certificates. */
void doctor_machine(struct findings *f, const struct config *config);
/* PostgreSQL's answer and the settings that durability needs (fsync, full_page_writes). */
void doctor_database(struct findings *f, const struct config *config);
/* The server of --server: alive, ready, key accepted. */
void doctor_server(struct findings *f, const struct cli *cli, const struct args *args);
/* An endpoint's URL: rules, name, addresses, connection, TLS. Nothing is posted to it. */
void doctor_url(struct findings *f, const struct config *config, const char *url);

#endif
