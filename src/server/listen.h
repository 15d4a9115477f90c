/* SPDX-License-Identifier: Apache-2.0 */
/* listen.h - from settings to a listening API: TLS files, the rule for plain HTTP, the next free port in dev. */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/http.h"

struct config;

enum { LISTEN_DEV_TRIES = 20, LISTEN_PEM_MAX = 1024 * 1024 };

/* Is the address loopback only? */
bool listen_is_loopback(const struct config *c);
/* Plain HTTP on another address needs TLS files or --behind-proxy; -E_CONFIG with the sentence. */
NODISCARD int listen_check(const struct config *c, struct err *err);
/* In dev, when the port is taken, the next one is tried, and said. */
NODISCARD int listen_start(const struct config *c, struct loop *loop, http_handler *on_request,
                           http_refused *on_refused, void *ctx, struct http_server **ret_http,
                           struct err *err);
/* The TLS files once more, for connections from now on; nothing without TLS. A failure goes to the log, and all
 * stays as it was. */
void listen_reload(const struct config *c, struct http_server *http);
/* public_url, or scheme, address and port of the listener. */
void listen_url(const struct config *c, uint16_t port, char *ret_url, size_t size);

#endif
