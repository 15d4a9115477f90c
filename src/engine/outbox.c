/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.c - one message in memory is a number and a time; its body is read when its turn comes.
 *
 *   waiting -> reading -> sending -> storing -> gone
 *      ^                                |
 *      `------------ put off -----------'
 */
#include "engine/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/log.h"
#include "crypto/keyring.h"
#include "egress/token.h"
#include "engine/egress_pool.h"
#include "engine/mail_message.h"
#include "net/ipguard.h"
#include "net/loop.h"
#include "store/reader.h"
#include "store/writer.h"

enum { AD_SIZE = 32, BUSY_AGAIN_MS = 1000 };

enum posting_end { POSTING_SENT, POSTING_PUT_OFF, POSTING_GIVEN_UP };

struct posting {
    struct heap_node heap;   /* while it waits */
    struct list_node active; /* while it is read, sent or stored */
    struct outbox *outbox;
    int64_t seq, created_at, attempts, due_at;
    struct arena arena;
    struct outbox_row row;
    struct read read;
    struct write write;
    enum posting_end end;
};

struct outbox {
    struct outbox_options options;
    char *host, *from, *user, *password;
    struct heap waiting;
    struct list active;
    struct loop_timer timer;
    int64_t last_seq;
    bool is_stopped;
    struct outbox_stats stats;
};

static void outbox_turn(struct outbox *ob);

/* --- numbers and seals */
static struct str posting_ad(int64_t seq, char text[AD_SIZE])
{
    int n = snprintf(text, AD_SIZE, "outbox:%lld", (long long)seq);

    return (struct str){ text, (size_t)n };
}

int outbox_plan(struct outbox *ob, enum outbox_channel channel, struct str target,
                struct str body, int64_t now, struct arena *arena, struct outbox_row *ret_row)
{
    struct outbox_row row = { .channel = channel, .created_at = now, .due_at = now };
    char ad[AD_SIZE];
    struct buf sealed;
    int rc;

    if (ob->waiting.count + ob->active.count >= OUTBOX_MAX || ob->is_stopped) {
        ob->stats.dropped++;
        return -E_LIMIT;
    }
    row.seq = ++ob->last_seq;
    row.target = arena_str(arena, target);
    buf_init(&sealed, body.len + BOX_OVERHEAD);
    rc = box_seal(ob->options.keyring, posting_ad(row.seq, ad), body, &sealed);
    row.body = arena_str(arena, buf_str(&sealed));
    buf_done(&sealed);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

static void posting_wait(struct outbox *ob, struct posting *p)
{
    heap_push(&ob->waiting, &p->heap, p->due_at, (uint64_t)p->seq);
}

static void outbox_arm(struct outbox *ob)
{
    const struct heap_node *first = heap_first(&ob->waiting);
    int64_t delay;

    if (first == NULL || ob->is_stopped || ob->active.count >= OUTBOX_SENDING_MAX) {
        loop_timer_cancel(ob->options.loop, &ob->timer);
        return;
    }
    delay = first->key - clock_wall_ms();
    delay = delay < 0 ? 0 : delay > OUTBOX_RETRY_MAX_MS ? OUTBOX_RETRY_MAX_MS : delay;
    loop_timer_set(ob->options.loop, &ob->timer, clock_boot_ms() + delay);
}

static void posting_add(struct outbox *ob, const struct outbox_row *row)
{
    struct posting *p = xalloc(sizeof(*p));

    p->outbox = ob;
    p->seq = row->seq;
    p->created_at = row->created_at;
    p->attempts = row->attempts;
    p->due_at = row->due_at;
    posting_wait(ob, p);
}

void outbox_take(struct outbox *ob, const struct outbox_row *row)
{
    if (!ob->is_stopped) {
        posting_add(ob, row);
        outbox_arm(ob);
    }
}

/* --- what became of a try */
static void posting_free(struct posting *p)
{
    arena_done(&p->arena);
    free(p);
}

static int end_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    const struct posting *p = CONTAINER_OF(w, struct posting, write);

    (void)seqs;
    return p->end == POSTING_PUT_OFF ? outbox_put_off(db, p->seq, p->attempts, p->due_at)
                                     : outbox_delete(db, p->seq);
}

/* A failure to store it is no harm: the row stands, and the next start tries again. */
static void end_done(struct write *w, int result)
{
    struct posting *p = CONTAINER_OF(w, struct posting, write);
    struct outbox *ob = p->outbox;

    if (result != 0) {
        LOG_W("the outbox could not be stored", "seq=%lld error=%s", (long long)p->seq,
              err_token(result));
    }
    arena_done(&p->arena);
    arena_init(&p->arena);
    list_remove(&ob->active, &p->active);
    if (p->end == POSTING_PUT_OFF) {
        posting_wait(ob, p);
    } else {
        posting_free(p);
    }
    outbox_turn(ob);
}

static void posting_end(struct posting *p, enum posting_end end)
{
    struct outbox *ob = p->outbox;

    p->end = end;
    p->write = (struct write){
        .class = WRITE_BACKGROUND, .rows = 1, .bytes = 64, .run = end_run, .on_done = end_done
    };
    if (writer_submit(ob->options.writer, &p->write) == 0) {
        return;
    }
    /* The store is overloaded: what is known stays in memory, and the row is tried again later. */
    list_remove(&ob->active, &p->active);
    arena_done(&p->arena);
    arena_init(&p->arena);
    p->due_at = clock_wall_ms() + BUSY_AGAIN_MS;
    if (end == POSTING_PUT_OFF) {
        posting_wait(ob, p);
    } else {
        posting_free(p);
    }
}

static int64_t backoff_ms(const struct outbox *ob, int64_t attempts)
{
    int64_t ms = ob->options.retry_ms;

    for (int64_t i = 1; i < attempts && ms < OUTBOX_RETRY_MAX_MS; i++) {
        ms *= 2;
    }
    return ms < OUTBOX_RETRY_MAX_MS ? ms : OUTBOX_RETRY_MAX_MS;
}

static void posting_failed(struct posting *p, bool for_good, const char *token, int32_t code,
                           struct str detail)
{
    struct outbox *ob = p->outbox;
    int64_t now = clock_wall_ms();

    p->attempts++;
    p->due_at = now + backoff_ms(ob, p->attempts);
    for_good = for_good || p->due_at - p->created_at > OUTBOX_AGE_MS;
    LOG_W(for_good ? "a message was given up" : "a message was not taken; it is tried again",
          "channel=%s attempt=%lld error=%s code=%d detail=\"%.*s\"",
          p->row.channel == OUTBOX_MAIL ? "mail" : "url", (long long)p->attempts, token,
          (int)code, STR_ARG(detail));
    if (for_good) {
        ob->stats.failed++;
    } else {
        ob->stats.retried++;
    }
    posting_end(p, for_good ? POSTING_GIVEN_UP : POSTING_PUT_OFF);
}

static void on_posted(void *ctx, uint64_t handle, const struct frame_done *done)
{
    struct posting *p = ctx;
    bool is_mail = p->row.channel == OUTBOX_MAIL;

    (void)handle;
    if (done == NULL) {
        posting_failed(p, false, token_name(TOKEN_SENDER_CRASH), 0, STR_NONE);
    } else if (done->token == TOKEN_NONE &&
               (is_mail || (done->status_code >= 200 && done->status_code < 300))) {
        p->outbox->stats.sent++;
        posting_end(p, POSTING_SENT);
    } else {
        /* 535 is a wrong login of ours: the operator may mend it. */
        bool for_good = (is_mail && done->status_code >= 500 && done->token != TOKEN_AUTH) ||
                        done->token == TOKEN_URL_REFUSED;

        posting_failed(p, for_good, token_name(done->token), done->status_code,
                       is_mail ? done->detail : STR_NONE);
    }
}

/* --- a try */
static int posting_mail(struct posting *p, struct str body)
{
    const struct outbox *ob = p->outbox;
    struct str from = mail_address_of(ob->options.from);
    struct frame_mail mail = { .timeout_ms = OUTBOX_TIMEOUT_MS,
                               .port = ob->options.port,
                               .tls = (uint8_t)ob->options.tls,
                               .host = ob->options.host,
                               .helo = mail_domain_of(from),
                               .from = from,
                               .to = p->row.target,
                               .user = ob->options.user,
                               .password = ob->options.password,
                               .body = body };
    uint64_t handle;

    if (!outbox_has_mail(ob)) {
        return -E_CONFIG;
    }
    return egress_pool_side_mail(ob->options.pool, &mail, on_posted, p, &handle);
}

static int posting_url(struct posting *p, struct str body)
{
    struct frame_send send = { .timeout_ms = OUTBOX_TIMEOUT_MS,
                               .url = p->row.target,
                               .headers = STR("Content-Type: application/json\r\n"
                                              "Accept-Encoding: identity\r\n"),
                               .body = body };
    uint64_t handle;

    return egress_pool_side_send(p->outbox->options.pool, &send, on_posted, p, &handle);
}

static void posting_put_back(struct posting *p, int64_t delay_ms)
{
    struct outbox *ob = p->outbox;

    list_remove(&ob->active, &p->active);
    arena_done(&p->arena);
    arena_init(&p->arena);
    p->due_at = clock_wall_ms() + delay_ms;
    posting_wait(ob, p);
    outbox_arm(ob);
}

static void posting_send(struct posting *p)
{
    char ad[AD_SIZE];
    struct buf body;
    int rc;

    buf_init(&body, p->row.body.len + 1);
    rc = box_open(p->outbox->options.keyring, posting_ad(p->seq, ad), p->row.body, &body);
    if (rc == 0) {
        rc = p->row.channel == OUTBOX_MAIL ? posting_mail(p, buf_str(&body))
                                           : posting_url(p, buf_str(&body));
    }
    if (body.p != NULL) {
        explicit_bzero(body.p, body.len);
    }
    buf_done(&body);
    if (rc == -E_BUSY) {
        posting_put_back(p, BUSY_AGAIN_MS);
    } else if (rc != 0) {
        posting_failed(p, false, err_token(rc), 0, STR_NONE);
    }
}

static int posting_read(struct read *r, struct db *db)
{
    struct posting *p = CONTAINER_OF(r, struct posting, read);

    return outbox_get(db, p->seq, &p->arena, &p->row);
}

static void posting_was_read(struct read *r, int result)
{
    struct posting *p = CONTAINER_OF(r, struct posting, read);
    struct outbox *ob = p->outbox;

    if (ob->is_stopped || result == -E_NOT_FOUND) {
        list_remove(&ob->active, &p->active);
        posting_free(p);
    } else if (result != 0) {
        posting_put_back(p, BUSY_AGAIN_MS);
    } else {
        posting_send(p);
    }
}

static void outbox_turn(struct outbox *ob)
{
    struct heap_node *first = heap_first(&ob->waiting);
    int64_t now = clock_wall_ms();

    while (first != NULL && !ob->is_stopped && first->key <= now &&
           ob->active.count < OUTBOX_SENDING_MAX) {
        struct posting *p = CONTAINER_OF(first, struct posting, heap);

        heap_remove(&ob->waiting, &p->heap);
        list_push_back(&ob->active, &p->active);
        arena_init(&p->arena);
        p->read = (struct read){ .run = posting_read, .on_done = posting_was_read };
        if (readers_submit(ob->options.readers, &p->read) != 0) {
            posting_put_back(p, BUSY_AGAIN_MS);
            return;
        }
        first = heap_first(&ob->waiting);
    }
    outbox_arm(ob);
}

static void on_due(struct loop_timer *t)
{
    outbox_turn(t->ctx);
}

/* --- life */
static int on_stored(void *ctx, const struct outbox_row *row)
{
    struct outbox *ob = ctx;

    ob->last_seq = row->seq;
    posting_add(ob, row);
    return 0;
}

static int outbox_read_all(void *ctx, struct db *db, struct err *err)
{
    (void)err;
    return outbox_load(db, OUTBOX_MAX, on_stored, ctx);
}

int outbox_new(const struct outbox_options *options, const struct db_options *db,
               struct outbox **ret_outbox, struct err *err)
{
    struct outbox *ob = xalloc(sizeof(*ob));
    int rc;

    ob->options = *options;
    ob->host = xstrndup(options->host);
    ob->from = xstrndup(options->from);
    ob->user = xstrndup(options->user);
    ob->password = xstrndup(options->password);
    ob->options.host = str_from(ob->host);
    ob->options.from = str_from(ob->from);
    ob->options.user = str_from(ob->user);
    ob->options.password = str_from(ob->password);
    heap_init(&ob->waiting);
    list_init(&ob->active);
    ob->timer = (struct loop_timer){ .on_due = on_due, .ctx = ob };
    /* Numbers never come back, also when the table was empty: they begin at the clock. */
    rc = reader_once(db, outbox_read_all, ob, err);
    if (rc != 0) {
        outbox_free(ob);
        return rc;
    }
    if (ob->last_seq < clock_wall_ms() * 1000) {
        ob->last_seq = clock_wall_ms() * 1000;
    }
    outbox_arm(ob);
    *ret_outbox = ob;
    return 0;
}

void outbox_stop(struct outbox *ob)
{
    if (ob != NULL) {
        ob->is_stopped = true;
        loop_timer_cancel(ob->options.loop, &ob->timer);
    }
}

void outbox_free(struct outbox *ob)
{
    struct heap_node *h;
    struct list_node *n;

    if (ob == NULL) {
        return;
    }
    while ((h = heap_first(&ob->waiting)) != NULL) {
        heap_remove(&ob->waiting, h);
        posting_free(CONTAINER_OF(h, struct posting, heap));
    }
    while ((n = list_pop_front(&ob->active)) != NULL) {
        posting_free(CONTAINER_OF(n, struct posting, active));
    }
    heap_done(&ob->waiting);
    explicit_bzero(ob->password, strlen(ob->password));
    free(ob->host);
    free(ob->from);
    free(ob->user);
    free(ob->password);
    free(ob);
}

bool outbox_has_mail(const struct outbox *ob)
{
    return ob->options.host.len > 0;
}

struct str outbox_from(const struct outbox *ob)
{
    return ob->options.from;
}

void outbox_stats(const struct outbox *ob, struct outbox_stats *ret_stats)
{
    *ret_stats = ob->stats;
    ret_stats->waiting = ob->waiting.count + ob->active.count;
}

/* --- the setting */
static bool is_host(struct str s)
{
    struct ip ip;

    if (ip_parse(s, &ip) == 0) {
        return true;
    }
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];

        if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '.' &&
            c != '-') {
            return false;
        }
    }
    return s.len > 0 && s.len <= 253;
}

int outbox_parse_url(struct str url, bool plain, struct str *ret_host, uint32_t *ret_port,
                     enum frame_mail_tls *ret_tls, struct err *err)
{
    bool is_tls = str_starts(url, STR("smtps://"));
    struct str rest = str_sub(url, is_tls ? 8 : 7, url.len);
    int64_t port = is_tls ? 465 : 587;
    struct str host = rest;
    size_t colon;

    if (!is_tls && !str_starts(url, STR("smtp://"))) {
        return err_set(err, -E_CONFIG, "smtp_url begins with smtp:// or smtps://.");
    }
    if (rest.len > 0 && rest.p[rest.len - 1] == '/') {
        rest.len--;
    }
    host = rest;
    if (rest.len > 0 && rest.p[0] == '[') {
        colon = str_find(rest, ']');
        host = str_sub(rest, 1, colon - 1);
        rest = str_sub(rest, colon + 1, rest.len);
    } else {
        colon = str_find(rest, ':');
        host = str_sub(rest, 0, colon);
        rest = str_sub(rest, colon, rest.len);
    }
    if (rest.len > 0 &&
        (rest.p[0] != ':' || str_to_int(str_sub(rest, 1, rest.len), 1, 65535, &port) != 0)) {
        return err_set(err, -E_CONFIG, "The port of smtp_url is a number from 1 to 65535.");
    }
    if (!is_host(host)) {
        return err_set(err, -E_CONFIG, "smtp_url is smtp://HOST:PORT or smtps://HOST:PORT.");
    }
    *ret_host = host;
    *ret_port = (uint32_t)port;
    *ret_tls = is_tls ? FRAME_MAIL_TLS : plain ? FRAME_MAIL_PLAIN : FRAME_MAIL_STARTTLS;
    return 0;
}
