/* SPDX-License-Identifier: Apache-2.0 */
/* registry_secret.c - what is sealed in an endpoint or an app, and the little of it that memory keeps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/clock.h"
#include "crypto/keyring.h"
#include "engine/registry_internal.h"
#include "json/json.h"

enum { SEALED_PLAIN_MAX = 256 * 1024, AD_SIZE = 40 };

/* Bound to kind and number: the ciphertext of another row does not open. */
static struct str seal_ad(char text[AD_SIZE], enum config_kind kind, int64_t no)
{
    int n;

    ASSERT(kind == CONFIG_ENDPOINT || kind == CONFIG_APP || kind == CONFIG_MEMBER);
    n = snprintf(text, AD_SIZE, "%s:%lld",
                 kind == CONFIG_ENDPOINT ? "endpoint"
                 : kind == CONFIG_APP    ? "app"
                                         : "member",
                 (long long)no);
    return (struct str){ text, (size_t)n };
}

int registry_unseal(const struct registry *r, const struct object *object, struct buf *out)
{
    char ad[AD_SIZE];

    return box_open(r->options.keyring, seal_ad(ad, object->kind, object->no), object->sealed,
                    out);
}

int registry_seal(const struct registry *r, enum config_kind kind, int64_t no, struct str plain,
                  struct buf *out)
{
    char ad[AD_SIZE];

    return box_seal(r->options.keyring, seal_ad(ad, kind, no), plain, out);
}

const struct secret_brief *registry_secret(const struct endpoint *endpoint)
{
    return endpoint->uses_app_secret ? &endpoint->app->secret : &endpoint->secret;
}

static struct secret_brief *brief_of(struct object *o)
{
    return o->kind == CONFIG_APP ? &((struct app *)(void *)o)->secret
                                 : &((struct endpoint *)(void *)o)->secret;
}

static const struct project *project_of(const struct object *o)
{
    return o->kind == CONFIG_APP ? ((const struct app *)(const void *)o)->project
                                 : ((const struct endpoint *)(const void *)o)->app->project;
}

/* --- fingerprints of secrets: a keyed hash within the project */
static void print_make(const struct registry *r, const struct project *p, struct str secret,
                       unsigned char ret_print[32])
{
    char domain[AD_SIZE];
    int n = snprintf(domain, sizeof(domain), "secret:%lld", (long long)p->object.no);

    keyring_hash(r->options.keyring, (struct str){ domain, (size_t)n }, secret, ret_print);
}

bool registry_secret_used(const struct registry *r, const struct project *p, struct str secret)
{
    unsigned char print[32];

    print_make(r, p, secret, print);
    return map_get(&r->prints, (struct str){ (const char *)print, 32 }) != NULL;
}

void registry_brief_drop(struct registry *r, struct object *object)
{
    struct secret_brief *brief = brief_of(object);

    for (size_t i = 0; i < brief->print_count; i++) {
        struct str key = { (const char *)brief->prints[i], 32 };

        if (map_get(&r->prints, key) == object) {
            (void)map_remove(&r->prints, key);
        }
    }
    free(brief->prints);
    *brief = (struct secret_brief){ .is_set = false };
}

static void brief_fill(struct registry *r, struct object *object, const struct json *doc)
{
    const struct json *secrets = json_member(doc, "secrets");
    struct secret_brief *brief = brief_of(object);
    struct secret_list list;

    secret_list_read(doc, clock_wall_ms(), &list);
    brief->has_ended = secrets != NULL && json_count(secrets) > list.count;
    brief->is_set = list.count > 0;
    if (!brief->is_set) {
        return;
    }
    brief->previous_expires_at = secret_list_window(&list);
    secret_hint(list.items[0].secret, brief->hint);
    brief->prints = xcalloc(list.count, 32);
    for (uint32_t i = 0; i < list.count; i++) {
        struct str key = { (const char *)brief->prints[i], 32 };

        print_make(r, project_of(object), list.items[i].secret, brief->prints[i]);
        brief->print_count++;
        if (map_get(&r->prints, key) == NULL) {
            (void)map_put(&r->prints, key, object);
        }
    }
}

int registry_brief_make(struct registry *r, struct object *object)
{
    struct json_doc *doc = NULL;
    struct buf plain;
    int rc;

    registry_brief_drop(r, object);
    if (object->sealed.len == 0) {
        return 0;
    }
    buf_init(&plain, SEALED_PLAIN_MAX);
    rc = registry_unseal(r, object, &plain);
    if (rc == 0) {
        rc = json_parse(buf_str(&plain), JSON_DEPTH_MAX, &doc, NULL);
    }
    if (rc == 0) {
        brief_fill(r, object, json_root(doc));
    }
    json_doc_free(doc);
    explicit_bzero(plain.p, plain.len);
    buf_done(&plain);
    return rc;
}
