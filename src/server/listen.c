/* SPDX-License-Identifier: Apache-2.0 */
#include "server/listen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "server/config.h"

/* "ADDR:PORT" in its parts; the address may be in brackets. */
static int listen_split(const char *text, char *addr, size_t size, int64_t *ret_port)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - text);

    if (colon == NULL || len == 0 || len >= size ||
        str_to_int(str_from(colon + 1), 0, 65535, ret_port) != 0) {
        return -E_CONFIG;
    }
    memcpy(addr, text, len);
    addr[len] = '\0';
    return 0;
}

bool listen_is_loopback(const struct config *c)
{
    char addr[256];
    int64_t port;

    return listen_split(c->listen, addr, sizeof(addr), &port) == 0 &&
           (strncmp(addr, "127.", 4) == 0 || strcmp(addr, "[::1]") == 0 ||
            strcmp(addr, "localhost") == 0);
}

int listen_check(const struct config *c, struct err *err)
{
    char addr[256];
    int64_t port;

    if (listen_split(c->listen, addr, sizeof(addr), &port) != 0) {
        return err_set(err, -E_CONFIG, "listen must be ADDR:PORT, such as 127.0.0.1:8080.");
    }
    if ((c->tls_cert[0] == '\0') != (c->tls_key[0] == '\0')) {
        return err_set(err, -E_CONFIG, "tls_cert and tls_key go together; set both or none.");
    }
    if (!listen_is_loopback(c) && c->tls_cert[0] == '\0' && c->behind_proxy[0] == '\0') {
        return err_set(err, -E_CONFIG,
                       "Plain HTTP on %s is refused: set tls_cert and tls_key, or behind_proxy "
                       "with the addresses of "
                       "your TLS proxy.",
                       addr);
    }
    return 0;
}

static int listen_pem(const char *path, struct buf *out, struct err *err)
{
    FILE *f = fopen(path, "re");
    char chunk[4096];
    size_t n;
    int rc = 0;

    if (f == NULL) {
        return err_set(err, -E_CONFIG, "%s cannot be read.", path);
    }
    while (rc == 0 && (n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
        rc = buf_add(out, chunk, n);
    }
    (void)fclose(f);
    return rc != 0 ? err_set(err, -E_CONFIG, "%s is too large for a PEM file.", path) : 0;
}

static int listen_try(const struct config *c, struct http_options *options, struct loop *loop,
                      http_handler *on_request, http_refused *on_refused, void *ctx,
                      struct http_server **ret_http, struct err *err)
{
    char text[300];
    char addr[256];
    int64_t port = 0;
    int tries = c->dev ? LISTEN_DEV_TRIES : 1;
    int rc = listen_split(c->listen, addr, sizeof(addr), &port);

    for (int i = 0; rc == 0 && i < tries; i++) {
        (void)snprintf(text, sizeof(text), "%s:%lld", addr, (long long)(port + i));
        options->listen = text;
        rc = http_start(loop, options, on_request, on_refused, ctx, ret_http, err);
        if (rc == 0) {
            if (i > 0) {
                LOG_W("the port is taken; another one is used", "wanted=%lld used=%lld",
                      (long long)port, (long long)(port + i));
            }
            return 0;
        }
        if (port == 0 || i + 1 == tries) {
            return rc;
        }
        rc = 0;
    }
    return rc;
}

/* Both files; the key is to be wiped. */
static int listen_read_tls(const struct config *c, struct buf *cert, struct buf *key,
                           struct err *err)
{
    int rc = listen_pem(c->tls_cert, cert, err);

    return rc != 0 ? rc : listen_pem(c->tls_key, key, err);
}

void listen_reload(const struct config *c, struct http_server *http)
{
    struct buf cert;
    struct buf key;
    struct err err;
    int rc;

    if (c->tls_cert[0] == '\0') {
        return;
    }
    buf_init(&cert, LISTEN_PEM_MAX);
    buf_init(&key, LISTEN_PEM_MAX);
    rc = listen_read_tls(c, &cert, &key, &err);
    if (rc == 0) {
        rc = http_reload_tls(http, cert.p, key.p, &err);
    }
    if (key.p != NULL) {
        explicit_bzero(key.p, key.len);
    }
    buf_done(&cert);
    buf_done(&key);
    if (rc != 0) {
        LOG_E("the certificate was not reloaded; the earlier one stays", "detail=\"%s\"",
              err.text);
    } else {
        LOG_I("certificate reloaded", "%s", "");
    }
}

int listen_start(const struct config *c, struct loop *loop, http_handler *on_request,
                 http_refused *on_refused, void *ctx, struct http_server **ret_http,
                 struct err *err)
{
    struct buf cert;
    struct buf key;
    struct http_options options = {
        .body_max = (size_t)c->request_body_max,
        .header_max = (size_t)c->header_max,
        .uri_max = (size_t)c->uri_max,
        .bodies_memory_max = (size_t)c->request_memory_max,
        .connections_max = (uint32_t)c->connections_max,
        .connections_per_address_max = (uint32_t)c->connections_per_address_max,
        .header_deadline_ms = (uint32_t)c->request_header_ms,
        .idle_timeout_ms = (uint32_t)c->request_idle_ms,
        .body_rate_min = 1000,
        .behind_proxy = c->behind_proxy[0] == '\0' ? NULL : c->behind_proxy,
    };
    int rc = 0;

    buf_init(&cert, LISTEN_PEM_MAX);
    buf_init(&key, LISTEN_PEM_MAX);
    if (c->tls_cert[0] != '\0') {
        rc = listen_read_tls(c, &cert, &key, err);
        options.tls_cert_pem = cert.p;
        options.tls_key_pem = key.p;
    }
    if (rc == 0) {
        rc = listen_try(c, &options, loop, on_request, on_refused, ctx, ret_http, err);
    }
    explicit_bzero(key.p, key.len);
    buf_done(&cert);
    buf_done(&key);
    return rc;
}

void listen_url(const struct config *c, uint16_t port, char *ret_url, size_t size)
{
    char addr[256] = "";
    int64_t wanted;

    if (c->public_url[0] != '\0') {
        (void)snprintf(ret_url, size, "%s", c->public_url);
        return;
    }
    (void)listen_split(c->listen, addr, sizeof(addr), &wanted);
    (void)snprintf(ret_url, size, "%s://%s:%u", c->tls_cert[0] != '\0' ? "https" : "http", addr,
                   (unsigned)port);
}
