/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - the HTTP client of the commands: one server, one key, one request at a time.
 *
 * The key comes from --key-file, POSTERN_KEY, or ./var/dev.key when the server is on this machine; never from
 * argv. It is not sent in clear to another machine unless --plain-http says so. Redirects are not followed.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/args.h"
#include "cli/cli.h"

enum {
    CLIENT_ANSWER_MAX = 64 * 1024 * 1024,
    CLIENT_TIMEOUT_MS = 60000,
    CLIENT_PATH_MAX = 8192
};

struct client;

struct client_answer {
    long status;
    struct buf body; /* owned: client_answer_done */
    char etag[64];   /* empty when there was none */
};

struct client_request {
    const char *method;
    struct str path;             /* with query, already escaped */
    struct str body;             /* STR_NONE: none */
    const char *idempotency_key; /* NULL: none */
    const char *if_match;        /* NULL: none */
};

/* The flags --server, --key-file, --ca-file, --plain-http. */
extern const struct arg_table client_flags;

/* From flags and environment. Says what is wrong and returns its exit code, else EXIT_OK. */
int client_open(const struct cli *cli, const struct args *args, struct client **ret_client);
/* The same for doctor: says nothing, neither here nor later, and does without a key. */
int client_open_quiet(const struct cli *cli, const struct args *args,
                      struct client **ret_client);
bool client_has_key(const struct client *c);
void client_close(struct client *c);
/* *ret_answer is set on EXIT_OK only, whatever the status; else it was said why. */
int client_send(struct client *c, const struct client_request *request,
                struct client_answer *ret_answer);
void client_answer_done(struct client_answer *answer);
/* EXIT_OK for 2xx; else says the problem of the answer and returns the exit code of its status. */
int client_check(struct client *c, const char *what, const struct client_answer *answer);
/* client_send and client_check; the answer is done when it is not EXIT_OK. */
int client_call(struct client *c, const char *what, const struct client_request *request,
                struct client_answer *ret_answer);
/*
 * GET whose answer has no end: on_bytes gets it as it comes, and returns false for enough. EXIT_OK
 * when the answer was 200, however it ended; else it was said why.
 */
int client_stream(struct client *c, const char *what, struct str path,
                  bool (*on_bytes)(void *ctx, struct str bytes), void *ctx);
const char *client_url(const struct client *c);
/* For bench, whose generator speaks by itself. The caller wipes it. */
void client_copy_key(const struct client *c, char *ret_key, size_t size);

/* Append `/` and the segment, percent-escaped; a query parameter with ? or & as it needs. */
NODISCARD int path_add(struct buf *path, struct str segment);
NODISCARD int path_query(struct buf *path, const char *name, struct str value);
/* "127.0.0.1", "::1", "localhost" and their like, in http://HOST[:PORT]. */
bool url_is_loopback(const char *url);

#endif
