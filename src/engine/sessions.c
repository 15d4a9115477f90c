/* SPDX-License-Identifier: Apache-2.0 */
/* sessions.c - sessions and tickets in memory, and sessions in the store. */
#include "engine/sessions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/base62.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "crypto/keyring.h"
#include "store/audit.h"
#include "store/reader.h"
#include "store/writer.h"

enum { TOKEN_BYTES = 32, TOKEN_DIGITS = 43, TOKEN_PREFIX = 4 };

struct kept_ticket {
    unsigned char hash[SESSION_HASH_SIZE];
    struct ticket ticket;
};

struct sessions {
    struct sessions_options options;
    struct map sessions; /* hash -> struct session */
    struct map tickets;  /* hash -> struct kept_ticket */
};

/* --- tokens */
static struct str hash_str(const unsigned char hash[SESSION_HASH_SIZE])
{
    return (struct str){ (const char *)hash, SESSION_HASH_SIZE };
}

static void token_hash(const struct sessions *ss, struct str token,
                       unsigned char ret_hash[SESSION_HASH_SIZE])
{
    keyring_hash(ss->options.keyring, STR("session"), token, ret_hash);
}

static void token_make(const char *prefix, char ret_token[SESSION_TOKEN_SIZE])
{
    unsigned char bytes[TOKEN_BYTES];

    random_bytes(bytes, sizeof(bytes));
    (void)snprintf(ret_token, TOKEN_PREFIX + 1, "%s", prefix);
    base62_encode(bytes, sizeof(bytes), ret_token + TOKEN_PREFIX, TOKEN_DIGITS);
    ret_token[TOKEN_PREFIX + TOKEN_DIGITS] = '\0';
    explicit_bzero(bytes, sizeof(bytes));
}

void sessions_csrf(const struct sessions *ss, struct str token,
                   char ret_csrf[SESSION_CSRF_SIZE])
{
    unsigned char hash[KEYRING_HASH_SIZE];

    keyring_hash(ss->options.keyring, STR("csrf"), token, hash);
    for (size_t i = 0; i < sizeof(hash); i++) {
        (void)snprintf(ret_csrf + 2 * i, 3, "%02x", hash[i]);
    }
}

bool sessions_csrf_fits(const struct sessions *ss, struct str token, struct str csrf)
{
    char right[SESSION_CSRF_SIZE];

    sessions_csrf(ss, token, right);
    return csrf.len == sizeof(right) - 1 && crypto_equal(csrf.p, right, csrf.len);
}

/* --- life */
struct sessions *sessions_new(const struct sessions_options *options)
{
    struct sessions *ss = xalloc(sizeof(*ss));

    ss->options = *options;
    map_init(&ss->sessions);
    map_init(&ss->tickets);
    return ss;
}

void sessions_free(struct sessions *ss)
{
    void *value;
    size_t at = 0;

    if (ss == NULL) {
        return;
    }
    while ((value = map_next(&ss->sessions, &at)) != NULL) {
        free(value);
    }
    at = 0;
    while ((value = map_next(&ss->tickets, &at)) != NULL) {
        free(value);
    }
    map_done(&ss->sessions);
    map_done(&ss->tickets);
    free(ss);
}

size_t sessions_count(const struct sessions *ss)
{
    return ss->sessions.count;
}

int64_t sessions_end(const struct sessions *ss, const struct session *s)
{
    int64_t idle =
        s->row.seen_at + (s->member != NULL ? ss->options.idle_ms : ss->options.portal_idle_ms);

    return idle < s->row.ends_at ? idle : s->row.ends_at;
}

static bool session_lives(const struct sessions *ss, const struct session *s, int64_t now)
{
    if (now >= sessions_end(ss, s) || s->project->object.deleted_at != 0) {
        return false;
    }
    if (s->member != NULL) {
        return s->member->object.deleted_at == 0 && s->row.created_at >= s->member->valid_from;
    }
    return s->app->object.deleted_at == 0;
}

static void session_forget(struct sessions *ss, struct session *s)
{
    (void)map_remove(&ss->sessions, hash_str(s->row.hash));
    free(s);
}

static void forget_ended(struct sessions *ss, int64_t now)
{
    struct session *s;
    size_t at = 0;

    while ((s = map_next(&ss->sessions, &at)) != NULL) {
        if (!session_lives(ss, s, now)) {
            session_forget(ss, s);
        }
    }
}

/* From its row to what it names; NULL when one of them is not there. */
static struct session *session_make(struct sessions *ss, const struct session_row *row)
{
    const struct registry *r = ss->options.registry;
    struct session *s = xalloc(sizeof(*s));

    s->row = *row;
    (void)snprintf(s->origin, sizeof(s->origin), "%.*s", STR_ARG(row->origin));
    s->row.origin = str_from(s->origin);
    s->stored_seen_at = row->seen_at;
    s->project = (struct project *)(void *)registry_object_no(r, CONFIG_PROJECT, row->project);
    s->member = (struct member *)(void *)registry_object_no(r, CONFIG_MEMBER, row->member);
    s->app = registry_app_no(r, row->app);
    if (s->project == NULL || (s->member == NULL) == (s->app == NULL)) {
        free(s);
        return NULL;
    }
    return s;
}

static int load_row(void *ctx, const struct session_row *row)
{
    struct sessions *ss = ctx;
    struct session *s = session_make(ss, row);

    if (s == NULL) {
        return 0;
    }
    if (!session_lives(ss, s, clock_wall_ms()) || ss->sessions.count >= ss->options.count_max) {
        free(s);
        return 0;
    }
    (void)map_put(&ss->sessions, hash_str(s->row.hash), s);
    return 0;
}

static int load_all(void *ctx, struct db *db, struct err *err)
{
    (void)err;
    return session_load(db, load_row, ctx);
}

int sessions_load(struct sessions *ss, const struct db_options *db, struct err *err)
{
    return reader_once(db, load_all, ss, err);
}

/* --- opening */
struct opening {
    struct write write;
    struct sessions *ss;
    struct session *session;
    struct audit_entry *audit;
    sessions_opened *on_opened;
    void *ctx;
};

static int open_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct opening *o = CONTAINER_OF(w, struct opening, write);
    int rc = session_expire(db, o->session->row.created_at);

    (void)seqs;
    if (rc == 0) {
        rc = session_insert(db, &o->session->row);
    }
    return rc == 0 ? audit_append(db, o->audit) : rc;
}

static void open_done(struct write *w, int result)
{
    struct opening *o = CONTAINER_OF(w, struct opening, write);

    if (result == 0) {
        (void)map_put(&o->ss->sessions, hash_str(o->session->row.hash), o->session);
    }
    o->on_opened(o->ctx, result, result == 0 ? o->session : NULL);
    if (result != 0) {
        free(o->session);
    }
    free(o->audit);
    free(o);
}

static struct session *session_new(struct sessions *ss, const struct session_draft *draft,
                                   struct str token)
{
    const struct ticket *ticket = draft->ticket;
    const struct project *project =
        draft->member != NULL ? draft->member->project : ticket->project;
    struct session_row row = { .project = project->object.no,
                               .origin = STR(""),
                               .created_at = draft->now,
                               .seen_at = draft->now,
                               .ends_at = draft->now + ss->options.max_ms };
    struct session *s;

    if (draft->member != NULL) {
        row.member = draft->member->object.no;
    } else {
        row.app = ticket->app->object.no;
        row.role = (int32_t)ticket->role;
        row.ticket = ticket->id;
        row.origin = str_from(ticket->origin);
    }
    token_hash(ss, token, row.hash);
    s = session_make(ss, &row);
    ASSERT(s != NULL);
    s->proven_at = draft->member != NULL ? draft->now : 0;
    return s;
}

int sessions_open(struct sessions *ss, const struct session_draft *draft,
                  char ret_token[SESSION_TOKEN_SIZE], sessions_opened *on_opened, void *ctx)
{
    char token[SESSION_TOKEN_SIZE];
    struct opening *o;
    int rc;

    ASSERT((draft->member == NULL) != (draft->ticket == NULL));
    if (ss->sessions.count >= ss->options.count_max) {
        forget_ended(ss, draft->now);
    }
    if (ss->sessions.count >= ss->options.count_max) {
        return -E_BUSY;
    }
    token_make("pss_", token);
    o = xalloc(sizeof(*o));
    o->ss = ss;
    o->session = session_new(ss, draft, str_from(token));
    o->audit = audit_copy(draft->audit);
    o->on_opened = on_opened;
    o->ctx = ctx;
    o->write = (struct write){
        .class = WRITE_PUBLISH, .rows = 2, .bytes = 1024, .run = open_run, .on_done = open_done
    };
    rc = writer_submit(ss->options.writer, &o->write);
    if (rc != 0) {
        free(o->session);
        free(o->audit);
        free(o);
        return rc;
    }
    memcpy(ret_token, token, sizeof(token));
    explicit_bzero(token, sizeof(token));
    return 0;
}

/* --- using */
struct seen {
    struct write write;
    unsigned char hash[SESSION_HASH_SIZE];
    int64_t at;
};

static int seen_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct seen *seen = CONTAINER_OF(w, struct seen, write);

    (void)seqs;
    return session_seen(db, seen->hash, seen->at);
}

static void seen_done(struct write *w, int result)
{
    if (result != 0) {
        LOG_W("the use of a session was not stored", "error=%s", err_token(result));
    }
    free(CONTAINER_OF(w, struct seen, write));
}

static void store_seen(struct sessions *ss, struct session *s)
{
    struct seen *seen = xalloc(sizeof(*seen));

    memcpy(seen->hash, s->row.hash, sizeof(seen->hash));
    seen->at = s->row.seen_at;
    seen->write = (struct write){
        .class = WRITE_BACKGROUND, .rows = 1, .bytes = 64, .run = seen_run, .on_done = seen_done
    };
    if (writer_submit(ss->options.writer, &seen->write) != 0) {
        free(seen); /* the next use tries again */
        return;
    }
    s->stored_seen_at = s->row.seen_at;
}

struct session *sessions_find(struct sessions *ss, struct str token, int64_t now)
{
    unsigned char hash[SESSION_HASH_SIZE];
    struct session *s;

    if (token.len != SESSION_TOKEN_SIZE - 1) {
        return NULL;
    }
    token_hash(ss, token, hash);
    s = map_get(&ss->sessions, hash_str(hash));
    if (s == NULL || !crypto_equal(s->row.hash, hash, sizeof(hash))) {
        return NULL;
    }
    if (!session_lives(ss, s, now)) {
        session_forget(ss, s);
        return NULL;
    }
    s->row.seen_at = now > s->row.seen_at ? now : s->row.seen_at;
    if (s->row.seen_at - s->stored_seen_at >= SESSION_SEEN_MS) {
        store_seen(ss, s);
    }
    return s;
}

bool sessions_live(const struct sessions *ss, const struct session *session, int64_t now)
{
    const struct session *s = map_get(&ss->sessions, hash_str(session->row.hash));

    return s != NULL && session_lives(ss, s, now);
}

/* --- closing */
struct closing {
    struct write write;
    unsigned char hash[SESSION_HASH_SIZE];
    struct audit_entry *audit;
    void (*on_done)(void *ctx, int rc);
    void *ctx;
};

static int close_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct closing *c = CONTAINER_OF(w, struct closing, write);
    int rc = session_delete(db, c->hash);

    (void)seqs;
    return rc == 0 ? audit_append(db, c->audit) : rc;
}

static void close_done(struct write *w, int result)
{
    struct closing *c = CONTAINER_OF(w, struct closing, write);

    c->on_done(c->ctx, result);
    free(c->audit);
    free(c);
}

int sessions_close(struct sessions *ss, const struct session *session,
                   const struct audit_entry *audit, void (*on_done)(void *ctx, int rc),
                   void *ctx)
{
    struct closing *c = xalloc(sizeof(*c));
    struct session *s;
    int rc;

    memcpy(c->hash, session->row.hash, sizeof(c->hash));
    c->audit = audit_copy(audit);
    c->on_done = on_done;
    c->ctx = ctx;
    c->write = (struct write){
        .class = WRITE_PUBLISH, .rows = 2, .bytes = 512, .run = close_run, .on_done = close_done
    };
    rc = writer_submit(ss->options.writer, &c->write);
    if (rc != 0) {
        free(c->audit);
        free(c);
        return rc;
    }
    s = map_get(&ss->sessions, hash_str(session->row.hash));
    if (s != NULL) {
        session_forget(ss, s);
    }
    return 0;
}

/* --- tickets */
static void forget_tickets(struct sessions *ss, int64_t now)
{
    struct kept_ticket *kept;
    size_t at = 0;

    while ((kept = map_next(&ss->tickets, &at)) != NULL) {
        if (kept->ticket.expires_at <= now) {
            (void)map_remove(&ss->tickets, hash_str(kept->hash));
            free(kept);
        }
    }
}

int sessions_ticket(struct sessions *ss, const struct ticket *ticket, int64_t now,
                    char ret_token[SESSION_TOKEN_SIZE])
{
    struct kept_ticket *kept;

    if (ss->tickets.count >= ss->options.count_max) {
        forget_tickets(ss, now);
    }
    if (ss->tickets.count >= ss->options.count_max) {
        return -E_BUSY;
    }
    token_make("ptk_", ret_token);
    kept = xalloc(sizeof(*kept));
    kept->ticket = *ticket;
    token_hash(ss, str_from(ret_token), kept->hash);
    (void)map_put(&ss->tickets, hash_str(kept->hash), kept);
    return 0;
}

bool sessions_take(struct sessions *ss, struct str token, int64_t now,
                   struct ticket *ret_ticket)
{
    unsigned char hash[SESSION_HASH_SIZE];
    struct kept_ticket *kept;
    bool is_good;

    if (token.len != SESSION_TOKEN_SIZE - 1) {
        return false;
    }
    token_hash(ss, token, hash);
    kept = map_remove(&ss->tickets, hash_str(hash));
    if (kept == NULL) {
        return false;
    }
    is_good = kept->ticket.expires_at > now && kept->ticket.app->object.deleted_at == 0 &&
              kept->ticket.project->object.deleted_at == 0;
    if (is_good) {
        *ret_ticket = kept->ticket;
    }
    free(kept);
    return is_good;
}
