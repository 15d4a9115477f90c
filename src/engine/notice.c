/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notice.c - from "this happened" to a row: the cool-down, the app's hour, then the texts and the write.
 *
 * An issue that repeats within the cool-down touches memory alone; its count is stored by a timer. The issues are a
 * map with the least recently raised first in a list, so the oldest goes when there are too many.
 */
#include "engine/notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "engine/hub.h"
#include "engine/notice_facts.h"
#include "engine/notice_mail.h"
#include "engine/notice_text.h"
#include "engine/outbox.h"
#include "engine/registry.h"
#include "json/json.h"
#include "net/loop.h"
#include "store/notice.h"
#include "store/reader.h"
#include "store/writer.h"

enum {
    KEY_MAX = 160,
    TOPIC_MAX = 64,
    LOAD_MAX = 2000,
    APPS_MAX = 4096, /* whose hour is counted */
    FLUSH_BATCH = 100,
    HOUR_MS = 3600 * 1000,
    EXPIRE_EVERY_MS = 60 * 1000
};

/* What was raised lately under one key. */
struct group {
    struct list_node node; /* least recently raised first */
    char key[KEY_MAX];
    int64_t seq;
    int64_t first_at, last_at; /* wall ms: begin of the cool-down, last raise */
    int64_t count;
    bool is_dirty; /* count and last_at are not stored yet */
};

struct hour {
    int64_t app;
    int64_t begin;
    int64_t count;
};

struct flushing {
    struct write write;
    struct notices *notices;
    struct {
        int64_t seq, count, at;
    } rows[FLUSH_BATCH];
    size_t row_count;
    bool expires;
    int64_t before, expired;
};

struct notices {
    struct notices_options options;
    char *own_url;
    struct notice_texts *texts;
    struct notice_mailer mailer; /* outbox NULL: nothing is mailed */
    struct id_maker ids;
    struct map groups;
    struct list group_order;
    struct map hours; /* 8 bytes app -> struct hour */
    int64_t last_seq;
    size_t waiting; /* rows on their way */
    struct loop_timer timer;
    struct flushing flushing;
    bool is_flushing, is_stopped;
    int64_t expire_at; /* boot ms */
    struct notices_stats stats;
};

/* One notice on its way to the store. */
struct raising {
    struct write write;
    struct notices *notices;
    struct arena arena;
    struct notice_row row;
    struct outbox_row mails[NOTICE_MAILS_MAX];
    size_t mail_count;
};

/* --- the table of kinds */
static const struct {
    int64_t kind;
    const char *name;
    const char *event_type;
    bool operators;
} kinds[] = {
#define NOTICE_ROW(name, number, token, operators, event) { number, token, event, operators },
    NOTICE_TABLE(NOTICE_ROW)
#undef NOTICE_ROW
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

const char *notice_kind_name(int64_t kind)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].kind == kind) {
            return kinds[i].name;
        }
    }
    return NULL;
}

const char *notice_event_type(int64_t kind)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].kind == kind) {
            return kinds[i].event_type;
        }
    }
    return NULL;
}

bool notice_is_operators(int64_t kind)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].kind == kind) {
            return kinds[i].operators;
        }
    }
    return false;
}

int32_t notice_kind_parse(struct str token)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (str_eq_c(token, kinds[i].name)) {
            return (int32_t)kinds[i].kind;
        }
    }
    return -1;
}

/* --- issues */
static struct str group_key(char text[KEY_MAX], int64_t kind, int64_t app, int64_t endpoint,
                            struct str topic)
{
    int n = snprintf(text, KEY_MAX, "%lld:%lld:%lld:%.*s", (long long)kind, (long long)app,
                     (long long)endpoint, (int)(topic.len < TOPIC_MAX ? topic.len : TOPIC_MAX),
                     topic.p != NULL ? topic.p : "");

    ASSERT(n > 0 && n < KEY_MAX);
    return (struct str){ text, (size_t)n };
}

static void group_drop(struct notices *n, struct group *g)
{
    list_remove(&n->group_order, &g->node);
    (void)map_remove(&n->groups, str_from(g->key));
    free(g);
}

static struct group *group_new(struct notices *n, struct str key)
{
    struct group *g = xalloc(sizeof(*g));

    if (n->groups.count >= NOTICE_GROUPS_MAX) {
        group_drop(n, CONTAINER_OF(list_first(&n->group_order), struct group, node));
    }
    memcpy(g->key, key.p, key.len);
    list_push_back(&n->group_order, &g->node);
    (void)map_put(&n->groups, str_from(g->key), g);
    return g;
}

/* May the app have one more new notice in this hour? Counts it. */
static bool hour_allows(struct notices *n, int64_t app, int64_t now)
{
    struct str key = { (const char *)&app, sizeof(app) };
    struct hour *h = map_get(&n->hours, key);

    if (h == NULL) {
        size_t at = 0;
        struct hour *other;

        if (n->hours.count >= APPS_MAX && (other = map_next(&n->hours, &at)) != NULL) {
            (void)map_remove(&n->hours,
                             (struct str){ (const char *)&other->app, sizeof(other->app) });
            free(other);
        }
        h = xalloc(sizeof(*h));
        h->app = app;
        (void)map_put(&n->hours, (struct str){ (const char *)&h->app, sizeof(h->app) }, h);
    }
    if (now - h->begin >= HOUR_MS || now < h->begin) {
        h->begin = now;
        h->count = 0;
    }
    if (h->count >= n->options.app_hour_max) {
        return false;
    }
    h->count++;
    return true;
}

/* --- one new notice */
static int raising_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    const struct raising *r = CONTAINER_OF(w, struct raising, write);

    int rc = notice_insert(db, &r->row);

    (void)seqs;
    for (size_t i = 0; rc == 0 && i < r->mail_count; i++) {
        rc = outbox_insert(db, &r->mails[i]);
    }
    return rc;
}

/* The live stream: what the lists show of it, without the text. */
static void raising_tell(const struct notices *n, const struct raising *r)
{
    char id[ID_TEXT_SIZE];
    struct json_out o;
    struct buf data;

    if (!hub_listens(n->options.hub, r->row.project)) {
        return;
    }
    id_format(ID_NOTICE, &r->row.id, id);
    buf_init(&data, HUB_DATA_MAX);
    json_out_begin(&o, &data);
    json_out_object(&o);
    json_put_c(&o, "id", id);
    json_put_c(&o, "kind", notice_kind_name(r->row.kind));
    json_put_str(&o, "title", r->row.title);
    json_put_time(&o, "created_at", r->row.created_at);
    json_put_raw(&o, "facts", r->row.facts);
    json_out_object_end(&o);
    if (json_out_end(&o) == 0) {
        hub_publish(n->options.hub, &(struct hub_message){ .topic = HUB_NOTICES,
                                                           .project = r->row.project,
                                                           .app = r->row.app,
                                                           .endpoint = r->row.endpoint,
                                                           .type = "notice.created",
                                                           .data = buf_str(&data) });
    }
    buf_done(&data);
}

static void raising_done(struct write *w, int result)
{
    struct raising *r = CONTAINER_OF(w, struct raising, write);
    struct notices *n = r->notices;

    n->waiting--;
    if (result == 0) {
        n->stats.raised++;
        raising_tell(n, r);
        for (size_t i = 0; i < r->mail_count; i++) {
            outbox_take(n->mailer.outbox, &r->mails[i]);
        }
        LOG_I("notice", "kind=%s app_no=%lld endpoint_no=%lld", notice_kind_name(r->row.kind),
              (long long)r->row.app, (long long)r->row.endpoint);
    } else {
        n->stats.failed++;
        LOG_W("a notice could not be stored", "kind=%s error=%s", notice_kind_name(r->row.kind),
              err_token(result));
    }
    arena_done(&r->arena);
    free(r);
}

static struct str take(struct arena *arena, struct buf *b)
{
    struct str s = arena_str(arena, buf_str(b));

    buf_done(b);
    return s;
}

/* Subject, text and facts of the row. */
static int raising_fill(struct notices *n, struct raising *r, const struct notice *notice,
                        struct notice_facts *facts)
{
    struct buf subject;
    struct buf text;
    struct buf json;
    int rc;

    buf_init(&subject, NOTICE_TEXT_MAX);
    buf_init(&text, NOTICE_TEXT_MAX);
    buf_init(&json, NOTICE_TEXT_MAX);
    rc = notice_texts_plain(n->texts, notice_kind_name((int64_t)notice->kind), facts->rows,
                            facts->count, &subject, &text);
    rc = rc == 0 ? notice_facts_json(notice, &json) : rc;
    r->row.title = take(&r->arena, &subject);
    r->row.text = take(&r->arena, &text);
    r->row.facts = take(&r->arena, &json);
    return rc;
}

static const struct project *project_of(const struct notices *n, const struct notice *notice)
{
    return notice->app != NULL ? notice->app->project
                               : registry_default_project(n->options.registry);
}

static void raising_free(struct raising *r)
{
    arena_done(&r->arena);
    free(r);
}

static int raise_new(struct notices *n, const struct notice *notice, struct group *g,
                     int64_t now)
{
    struct raising *r = xalloc(sizeof(*r));
    const struct project *project = project_of(n, notice);
    struct notice_facts facts = { .arena = &r->arena };
    int rc;

    arena_init(&r->arena);
    r->notices = n;
    r->row = (struct notice_row){
        .seq = ++n->last_seq,
        .id = id_make(&n->ids, now),
        .kind = (int64_t)notice->kind,
        .project = project == NULL ? 0 : project->object.no,
        .app = notice->app == NULL ? 0 : notice->app->object.no,
        .endpoint = notice->endpoint == NULL ? 0 : notice->endpoint->object.no,
        .topic = arena_str(&r->arena, str_sub(notice->topic, 0, TOPIC_MAX)),
        .created_at = now,
        .updated_at = now,
        .count = 1,
    };
    notice_facts_make(&facts, notice, n->options.own_url, now);
    rc = raising_fill(n, r, notice, &facts);
    if (rc == 0) {
        r->mail_count = notice_mails(&n->mailer, n->texts, &r->row, facts.rows, facts.count,
                                     &r->arena, r->mails);
        r->write = (struct write){ .class = WRITE_BACKGROUND,
                                   .rows = 1 + (uint32_t)r->mail_count,
                                   .bytes = 256 + r->arena.total,
                                   .run = raising_run,
                                   .on_done = raising_done };
        rc = writer_submit(n->options.writer, &r->write);
    }
    if (rc != 0) {
        raising_free(r);
        return rc;
    }
    n->waiting++;
    g->seq = r->row.seq;
    return 0;
}

void notice_raise(struct notices *n, const struct notice *notice)
{
    int64_t now = clock_wall_ms();
    int64_t app = notice->app == NULL ? 0 : notice->app->object.no;
    char text[KEY_MAX];
    int64_t cooldown;
    struct str key;
    struct group *g;

    if (n == NULL || n->is_stopped) {
        return;
    }
    ASSERT(notice_kind_name((int64_t)notice->kind) != NULL);
    key = group_key(text, (int64_t)notice->kind, app,
                    notice->endpoint == NULL ? 0 : notice->endpoint->object.no, notice->topic);
    cooldown = notice->cooldown_ms > n->options.cooldown_ms ? notice->cooldown_ms
                                                            : n->options.cooldown_ms;
    g = map_get(&n->groups, key);
    if (g != NULL && !notice->always && now - g->first_at < cooldown && now >= g->first_at) {
        g->count++;
        g->last_at = now;
        g->is_dirty = true;
        n->stats.grouped++;
        list_remove(&n->group_order, &g->node);
        list_push_back(&n->group_order, &g->node);
        return;
    }
    if (n->waiting >= NOTICE_WAITING_MAX || !hour_allows(n, app, now)) {
        n->stats.suppressed++;
        return;
    }
    if (g != NULL) {
        group_drop(n, g);
    }
    g = group_new(n, key);
    g->first_at = now;
    g->last_at = now;
    g->count = 1;
    if (raise_new(n, notice, g, now) != 0) {
        group_drop(n, g);
        n->stats.failed++;
    }
}

/* --- counts of repeats, and what is too old */
static int flush_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct flushing *f = CONTAINER_OF(w, struct flushing, write);
    int rc = 0;

    (void)seqs;
    for (size_t i = 0; rc == 0 && i < f->row_count; i++) {
        rc = notice_update_count(db, f->rows[i].seq, f->rows[i].count, f->rows[i].at);
    }
    if (rc == 0 && f->expires) {
        rc = notice_expire(db, f->before, NOTICE_EXPIRE_ROWS, &f->expired);
    }
    return rc;
}

static void flush_again(struct notices *n, int64_t delay_ms)
{
    if (!n->is_stopped) {
        loop_timer_set(n->options.loop, &n->timer, clock_boot_ms() + delay_ms);
    }
}

static void flush_done(struct write *w, int result)
{
    struct flushing *f = CONTAINER_OF(w, struct flushing, write);
    struct notices *n = f->notices;

    n->is_flushing = false;
    if (result != 0) {
        n->stats.failed++;
    }
    if (f->expires && (result != 0 || f->expired < NOTICE_EXPIRE_ROWS)) {
        n->expire_at = clock_boot_ms() + EXPIRE_EVERY_MS;
    }
    flush_again(n, NOTICE_FLUSH_MS);
}

static void flush_collect(struct notices *n, struct flushing *f)
{
    struct list_node *node;

    f->row_count = 0;
    /* The dirty ones were raised last, so they stand at the end. */
    for (node = n->group_order.head.prev; node != &n->group_order.head; node = node->prev) {
        struct group *g = CONTAINER_OF(node, struct group, node);

        if (f->row_count == FLUSH_BATCH) {
            return;
        }
        if (g->is_dirty) {
            f->rows[f->row_count].seq = g->seq;
            f->rows[f->row_count].count = g->count;
            f->rows[f->row_count].at = g->last_at;
            f->row_count++;
            g->is_dirty = false;
        }
    }
}

static void on_flush(struct loop_timer *t)
{
    struct notices *n = t->ctx;
    struct flushing *f = &n->flushing;

    ASSERT(!n->is_flushing);
    f->notices = n;
    flush_collect(n, f);
    f->expires = clock_boot_ms() >= n->expire_at;
    f->before = clock_wall_ms() - n->options.keep_ms;
    f->expired = 0;
    f->write = (struct write){ .class = WRITE_BACKGROUND,
                               .rows = (uint32_t)f->row_count + 1,
                               .bytes = 1024,
                               .run = flush_run,
                               .on_done = flush_done };
    if ((f->row_count == 0 && !f->expires) ||
        writer_submit(n->options.writer, &f->write) != 0) {
        flush_again(n, NOTICE_FLUSH_MS);
        return;
    }
    n->is_flushing = true;
}

/* --- life */
static int on_stored(void *ctx, const struct notice_row *row)
{
    struct notices *n = ctx;
    char text[KEY_MAX];
    struct str key = group_key(text, row->kind, row->app, row->endpoint, row->topic);

    n->last_seq = row->seq > n->last_seq ? row->seq : n->last_seq;
    /* Newest first: an older one of the same issue says nothing more. */
    if (map_get(&n->groups, key) == NULL && n->groups.count < NOTICE_GROUPS_MAX) {
        struct group *g = group_new(n, key);

        g->seq = row->seq;
        g->first_at = row->created_at;
        g->last_at = row->updated_at;
        g->count = row->count;
    }
    return 0;
}

static int notices_load(void *ctx, struct db *db, struct err *err)
{
    (void)err;
    return notice_newest(db, LOAD_MAX, on_stored, ctx);
}

int notices_new(const struct notices_options *options, const struct db_options *db,
                struct notices **ret_notices, struct err *err)
{
    struct notices *n = xalloc(sizeof(*n));
    int rc;

    n->options = *options;
    n->own_url = xstrndup(options->own_url);
    n->options.own_url = str_from(n->own_url);
    map_init(&n->groups);
    map_init(&n->hours);
    list_init(&n->group_order);
    id_maker_init(&n->ids, NULL);
    rc = notice_texts_new(options->templates_dir, &n->texts, err);
    if (rc == 0) {
        rc = reader_once(db, notices_load, n, err);
    }
    if (rc != 0) {
        notices_free(n);
        return rc;
    }
    n->timer = (struct loop_timer){ .on_due = on_flush, .ctx = n };
    flush_again(n, NOTICE_FLUSH_MS);
    *ret_notices = n;
    return 0;
}

void notices_stop(struct notices *n)
{
    if (n != NULL) {
        n->is_stopped = true;
        loop_timer_cancel(n->options.loop, &n->timer);
    }
}

void notices_free(struct notices *n)
{
    struct list_node *node;
    struct hour *h;
    size_t at = 0;

    if (n == NULL) {
        return;
    }
    ASSERT(n->waiting == 0 && !n->is_flushing);
    while ((node = list_pop_front(&n->group_order)) != NULL) {
        free(CONTAINER_OF(node, struct group, node));
    }
    while ((h = map_next(&n->hours, &at)) != NULL) {
        free(h);
    }
    map_done(&n->groups);
    map_done(&n->hours);
    notice_texts_free(n->texts);
    free(n->own_url);
    free(n);
}

void notices_set_mailer(struct notices *n, const struct notice_mailer *mailer)
{
    n->mailer = *mailer;
    n->mailer.own_url = n->options.own_url;
}

const struct notice_mailer *notices_mailer(const struct notices *n)
{
    return n->mailer.outbox == NULL ? NULL : &n->mailer;
}

const struct notice_texts *notices_texts(const struct notices *n)
{
    return n->texts;
}

void notices_stats(const struct notices *n, struct notices_stats *ret_stats)
{
    *ret_stats = n->stats;
}
