/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/recipients.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/map.h"
#include "crypto/keyring.h"
#include "engine/notice.h"
#include "json/json.h"
#include "store/notification.h"
#include "store/reader.h"
#include "store/writer.h"

enum { CONFIG_MAX = 16 * 1024, MAC_SIZE = 16, HEAD_SIZE = 17, CONFIG_DEPTH = 8 };

struct entry {
    struct recipient_list list;
    struct arena arena;
};

struct recipients {
    struct writer *writer;
    const struct keyring *keyring;
    struct map apps; /* 8 bytes number -> struct entry */
};

static const char *const status_names[] = { "pending", "confirmed", "unsubscribed" };

const char *recipient_status_name(enum recipient_status status)
{
    return status_names[status];
}

uint64_t recipients_all_kinds(void)
{
    uint64_t kinds = 0;

    for (int64_t kind = 1; kind < 64; kind++) {
        if (notice_kind_name(kind) != NULL && !notice_is_operators(kind)) {
            kinds |= UINT64_C(1) << kind;
        }
    }
    return kinds;
}

/* --- the document */
static int config_write(const struct recipient_list *list, struct buf *out)
{
    struct json_out o;

    json_out_begin(&o, out);
    json_out_object(&o);
    json_out_name(&o, "emails");
    json_out_array(&o);
    for (size_t i = 0; i < list->count; i++) {
        const struct recipient *r = &list->rows[i];

        json_out_object(&o);
        json_put_str(&o, "email", r->email);
        json_put_c(&o, "status", recipient_status_name(r->status));
        json_put_time(&o, "asked_at", r->asked_at);
        json_put_time(&o, "confirmed_at", r->confirmed_at);
        json_out_object_end(&o);
    }
    json_out_array_end(&o);
    json_out_name(&o, "kinds");
    json_out_array(&o);
    for (int64_t kind = 1; kind < 64; kind++) {
        if ((list->kinds >> kind & 1) != 0) {
            json_out_c(&o, notice_kind_name(kind));
        }
    }
    json_out_array_end(&o);
    json_out_object_end(&o);
    return json_out_end(&o);
}

static int64_t time_of(const struct json *v)
{
    int64_t at = 0;

    return json_type(v) == JSON_STRING && clock_parse(json_string(v), &at) == 0 ? at : 0;
}

static void row_read(const struct json *v, struct recipient *row, struct arena *arena)
{
    struct str status = json_string(json_member(v, "status"));

    row->email = arena_str(arena, json_string(json_member(v, "email")));
    for (size_t i = 0; i < sizeof(status_names) / sizeof(status_names[0]); i++) {
        if (str_eq_c(status, status_names[i])) {
            row->status = (enum recipient_status)i;
        }
    }
    row->asked_at = time_of(json_member(v, "asked_at"));
    row->confirmed_at = time_of(json_member(v, "confirmed_at"));
}

static int config_read(struct entry *e, struct str config)
{
    struct json_doc *doc = NULL;
    struct json_iter it;
    const struct json *v;
    int rc = json_parse(config, CONFIG_DEPTH, &doc, NULL);

    if (rc != 0) {
        return rc;
    }
    it = json_iter(json_member(json_root(doc), "emails"));
    while ((v = json_next(&it, NULL)) != NULL && e->list.count < RECIPIENTS_MAX) {
        row_read(v, &e->list.rows[e->list.count++], &e->arena);
    }
    it = json_iter(json_member(json_root(doc), "kinds"));
    while ((v = json_next(&it, NULL)) != NULL) {
        int32_t kind = notice_kind_parse(json_string(v));

        e->list.kinds |= kind > 0 ? UINT64_C(1) << kind : 0;
    }
    json_doc_free(doc);
    return 0;
}

static struct str app_key(const int64_t *app)
{
    return (struct str){ (const char *)app, sizeof(*app) };
}

static void entry_free(struct entry *e)
{
    if (e != NULL) {
        arena_done(&e->arena);
        free(e);
    }
}

static int entry_put(struct recipients *r, int64_t app, int64_t version, struct str config)
{
    struct entry *e = xalloc(sizeof(*e));
    int rc;

    arena_init(&e->arena);
    e->list.app = app;
    e->list.version = version;
    rc = config_read(e, config);
    if (rc != 0) {
        entry_free(e);
        return rc;
    }
    entry_free(map_remove(&r->apps, app_key(&app)));
    (void)map_put(&r->apps, app_key(&e->list.app), e);
    return 0;
}

const struct recipient_list *recipients_of(const struct recipients *r, int64_t app)
{
    static const struct recipient_list none = { .version = 0 };
    const struct entry *e = map_get(&r->apps, app_key(&app));

    return e == NULL ? &none : &e->list;
}

/* --- changing */
static int save_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct recipients_save *save = CONTAINER_OF(w, struct recipients_save, write);
    int rc =
        notification_set(db, save->list.app, save->list.version, save->config, &save->changes);

    (void)seqs;
    for (size_t i = 0; rc == 0 && i < save->mail_count; i++) {
        rc = outbox_insert(db, &save->mails[i]);
    }
    return rc;
}

static void save_done(struct write *w, int result)
{
    struct recipients_save *save = CONTAINER_OF(w, struct recipients_save, write);

    if (result == 0 && save->changes == 0) {
        result = -E_CONFLICT;
    }
    if (result == 0) {
        result = entry_put(save->recipients, save->list.app, save->list.version, save->config);
    }
    save->on_done(save, result);
}

int recipients_save(struct recipients *r, struct recipients_save *save, struct arena *arena)
{
    struct buf config;
    int rc;

    ASSERT(save->list.app != 0 && save->list.count <= RECIPIENTS_MAX);
    /* In memory the version is the newest: a change that lost is known before it is stored. */
    if (save->list.version != recipients_of(r, save->list.app)->version + 1) {
        return -E_CONFLICT;
    }
    buf_init(&config, CONFIG_MAX);
    rc = config_write(&save->list, &config);
    save->config = arena_str(arena, buf_str(&config));
    buf_done(&config);
    if (rc != 0) {
        return rc;
    }
    save->recipients = r;
    save->write = (struct write){ .class = WRITE_PUBLISH,
                                  .rows = 1 + (uint32_t)save->mail_count,
                                  .bytes = 1024 + save->config.len,
                                  .run = save_run,
                                  .on_done = save_done };
    return writer_submit(r->writer, &save->write);
}

/* --- links: action, app, expiry, hash over those and the address, then the address; in hex */
static void token_mac(const struct recipients *r, const unsigned char head[HEAD_SIZE],
                      struct str email, unsigned char ret_mac[MAC_SIZE])
{
    unsigned char hash[KEYRING_HASH_SIZE];
    struct buf text;
    int rc;

    buf_init(&text, HEAD_SIZE + RECIPIENTS_TOKEN_MAX);
    rc = buf_add(&text, head, HEAD_SIZE);
    rc = rc == 0 ? buf_add_str(&text, email) : rc;
    ASSERT(rc == 0);
    keyring_hash(r->keyring, STR("notification link"), buf_str(&text), hash);
    memcpy(ret_mac, hash, MAC_SIZE);
    buf_done(&text);
}

static void put_u64(unsigned char *p, uint64_t v)
{
    for (size_t i = 0; i < 8; i++) {
        p[i] = (unsigned char)(v >> (56 - 8 * i));
    }
}

static uint64_t get_u64(const unsigned char *p)
{
    uint64_t v = 0;

    for (size_t i = 0; i < 8; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

struct str recipients_token(const struct recipients *r, enum recipient_action action,
                            int64_t app, struct str email, int64_t expires_at,
                            struct arena *arena)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char head[HEAD_SIZE + MAC_SIZE];
    size_t size = sizeof(head) + email.len;
    char *text = arena_alloc(arena, 2 * size + 1);

    head[0] = (unsigned char)action;
    put_u64(head + 1, (uint64_t)app);
    put_u64(head + 9, (uint64_t)expires_at);
    token_mac(r, head, email, head + HEAD_SIZE);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = i < sizeof(head) ? head[i] : (unsigned char)email.p[i - sizeof(head)];

        text[2 * i] = hex[c >> 4];
        text[2 * i + 1] = hex[c & 15];
    }
    return (struct str){ text, 2 * size };
}

static int hex_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int recipients_token_read(const struct recipients *r, enum recipient_action action,
                          struct str token, int64_t now, struct arena *arena, int64_t *ret_app,
                          struct str *ret_email)
{
    const size_t fixed = HEAD_SIZE + MAC_SIZE;
    unsigned char mac[MAC_SIZE];
    unsigned char *bytes;
    struct str email;
    int64_t expires_at;

    if (token.len % 2 != 0 || token.len <= 2 * fixed || token.len > RECIPIENTS_TOKEN_MAX) {
        return -E_NOT_FOUND;
    }
    bytes = arena_alloc(arena, token.len / 2);
    for (size_t i = 0; i < token.len / 2; i++) {
        int high = hex_of(token.p[2 * i]);
        int low = hex_of(token.p[2 * i + 1]);

        if (high < 0 || low < 0) {
            return -E_NOT_FOUND;
        }
        bytes[i] = (unsigned char)(high * 16 + low);
    }
    email = (struct str){ (const char *)bytes + fixed, token.len / 2 - fixed };
    token_mac(r, bytes, email, mac);
    expires_at = (int64_t)get_u64(bytes + 9);
    if (!crypto_equal(mac, bytes + HEAD_SIZE, MAC_SIZE) || bytes[0] != (unsigned char)action ||
        (expires_at != 0 && now > expires_at)) {
        return -E_NOT_FOUND;
    }
    *ret_app = (int64_t)get_u64(bytes + 1);
    *ret_email = email;
    return 0;
}

/* --- life */
static int on_stored(void *ctx, int64_t app, int64_t version, struct str config)
{
    return entry_put(ctx, app, version, config);
}

static int load(void *ctx, struct db *db, struct err *err)
{
    (void)err;
    return notification_load(db, on_stored, ctx);
}

int recipients_new(struct writer *writer, const struct keyring *keyring,
                   const struct db_options *db, struct recipients **ret_recipients,
                   struct err *err)
{
    struct recipients *r = xalloc(sizeof(*r));
    int rc;

    r->writer = writer;
    r->keyring = keyring;
    map_init(&r->apps);
    rc = reader_once(db, load, r, err);
    if (rc != 0) {
        recipients_free(r);
        return rc;
    }
    *ret_recipients = r;
    return 0;
}

void recipients_free(struct recipients *r)
{
    size_t at = 0;
    struct entry *e;

    if (r == NULL) {
        return;
    }
    while ((e = map_next(&r->apps, &at)) != NULL) {
        entry_free(e);
    }
    map_done(&r->apps);
    free(r);
}
