/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_sender.c - what an endpoint signs with: keyed contexts and its own header lines, made from what is
 * sealed, kept while it is busy, and made again when the endpoint, its app's secret or the time changed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/sign.h"
#include "engine/engine_internal.h"
#include "json/json.h"

enum { SEALED_PLAIN_MAX = 256 * 1024 };

static void secret_free(struct str secret)
{
    if (secret.p != NULL) {
        explicit_bzero((void *)(uintptr_t)secret.p, secret.len);
        free((void *)(uintptr_t)secret.p);
    }
}

void sender_done(struct sender *s)
{
    signer_free(s->signer);
    secret_free(s->secret);
    free((void *)(uintptr_t)s->headers.p);
    *s = (struct sender){ 0 };
}

void sender_drop(struct engine *e, uint32_t slot)
{
    struct sender *s = &e->senders[slot];

    if (s->signer == NULL) {
        return;
    }
    list_remove(&e->signers, &s->node);
    sender_done(s);
}

/* The endpoint's own lines. */
static int sender_headers(struct sender *s, const struct json *headers)
{
    struct json_iter it;
    const struct json *v;
    struct str name;
    struct buf lines;
    int rc = 0;

    buf_init(&lines, ENGINE_HEADERS_MAX);
    if (headers != NULL) {
        it = json_iter(headers);
        while (rc == 0 && (v = json_next(&it, &name)) != NULL) {
            rc = buf_printf(&lines, "%.*s: %.*s\r\n", STR_ARG(name), STR_ARG(json_string(v)));
        }
    }
    if (rc == 0) {
        s->headers.p = buf_take(&lines, &s->headers.len);
    }
    buf_done(&lines);
    return rc;
}

static int sender_signer(struct engine *e, unsigned profiles, const struct secret_list *list,
                         struct sender *s)
{
    struct str secrets[SIGN_SECRETS_MAX];
    uint32_t platform = secret_list_platform(list);
    int rc;

    if (list->count == 0) {
        return -E_STORE;
    }
    s->expires_at = INT64_MAX;
    for (uint32_t i = 0; i < list->count; i++) {
        int64_t end = list->items[i].expires_at;

        secrets[i] = list->items[i].secret;
        s->expires_at = end != 0 && end < s->expires_at ? end : s->expires_at;
    }
    rc = signer_new(profiles, secrets, list->count, e->options.header_prefix, &s->signer, NULL);
    if (rc == 0) {
        signer_platform_with(s->signer, platform);
        s->secret = xstr(secrets[profiles == SIGN_PLATFORM ? platform : 0]);
    }
    return rc;
}

int sender_make(struct engine *e, unsigned profiles, const struct secret_list *secrets,
                const struct json *headers, struct sender *ret_sender)
{
    struct sender s = { 0 };
    int rc = sender_signer(e, profiles, secrets, &s);

    if (rc == 0) {
        rc = sender_headers(&s, headers);
    }
    if (rc != 0) {
        sender_done(&s);
        return rc;
    }
    *ret_sender = s;
    return 0;
}

/* The opened document; the bytes are in `plain`, to be wiped. */
static int open_sealed(struct engine *e, const struct object *object, struct buf *plain,
                       struct json_doc **ret_doc)
{
    int rc;

    buf_init(plain, SEALED_PLAIN_MAX);
    rc = registry_unseal(e->options.registry, object, plain);
    return rc != 0 ? rc : json_parse(buf_str(plain), JSON_DEPTH_MAX, ret_doc, NULL);
}

static void close_sealed(struct buf *plain, struct json_doc *doc)
{
    json_doc_free(doc);
    if (plain->p != NULL) {
        explicit_bzero(plain->p, plain->len);
    }
    buf_done(plain);
}

static int sender_of(struct engine *e, const struct endpoint *endpoint, struct sender *s)
{
    struct json_doc *own = NULL;
    struct json_doc *shared = NULL;
    struct buf own_plain;
    struct buf shared_plain;
    struct secret_list list;
    int rc = open_sealed(e, &endpoint->object, &own_plain, &own);

    buf_init(&shared_plain, 0);
    if (rc == 0 && endpoint->uses_app_secret) {
        rc = open_sealed(e, &endpoint->app->object, &shared_plain, &shared);
    }
    if (rc == 0) {
        secret_list_read(json_root(shared != NULL ? shared : own), clock_wall_ms(), &list);
        rc = sender_make(e, endpoint->profiles, &list, json_member(json_root(own), "headers"),
                         s);
    }
    close_sealed(&own_plain, own);
    close_sealed(&shared_plain, shared);
    return rc;
}

static bool sender_is_stale(const struct sender *s, const struct endpoint *endpoint)
{
    return s->version != endpoint->object.version || s->expires_at <= clock_wall_ms() ||
           (endpoint->uses_app_secret && s->app_version != endpoint->app->object.version);
}

struct sender *sender_get(struct engine *e, const struct endpoint *endpoint)
{
    struct sender *s = &e->senders[endpoint->slot];
    int rc;

    if (s->signer != NULL && sender_is_stale(s, endpoint)) {
        sender_drop(e, endpoint->slot);
    }
    if (s->signer != NULL) {
        list_remove(&e->signers, &s->node);
        list_push_back(&e->signers, &s->node);
        return s;
    }
    if (e->signers.count == ENGINE_SIGNERS_MAX) {
        struct sender *oldest = CONTAINER_OF(list_first(&e->signers), struct sender, node);

        sender_drop(e, (uint32_t)(oldest - e->senders));
    }
    rc = sender_of(e, endpoint, s);
    if (rc != 0) {
        LOG_E("an endpoint's secret cannot be used", "endpoint_no=%lld error=%s",
              (long long)endpoint->object.no, err_token(rc));
        return NULL;
    }
    s->version = endpoint->object.version;
    s->app_version = endpoint->app->object.version;
    list_push_back(&e->signers, &s->node);
    return s;
}
