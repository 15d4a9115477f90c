/* SPDX-License-Identifier: Apache-2.0 */
/* replays.c - jobs that send again what was sent before: made, paused, resumed, cancelled. */
#include "api/api_internal.h"
#include "api/audit.h"
#include "api/confirm.h"
#include "api/events_read.h"
#include "api/handlers.h"
#include "api/names.h"
#include "api/problem.h"
#include "api/replay_count.h"
#include "api/replay_form.h"
#include "api/replay_view.h"
#include "base/assert.h"
#include "crypto/keyring.h"
#include "engine/engine.h"
#include "engine/replay.h"
#include "store/event.h"

enum { REPLAY_KEY_MS = 30 * 60 * 1000 };

/* --- making one */
struct making {
    struct replay_make make; /* first */
    struct call *call;
    struct replay_draft draft;
    struct replay_count count;
    struct confirm confirm;
    struct str key;
    struct replay_row repeated;
};

static int64_t estimate(const struct making *m)
{
    return (m->count.most + m->draft.rate - 1) / m->draft.rate;
}

static void reply_dry(struct making *m)
{
    struct call *call = m->call;
    struct confirm c = { .expires_at = call->now + CONFIRM_TTL_MS,
                         .upto_delivery = m->count.upto_delivery,
                         .upto_event = m->count.upto_event,
                         .count = m->count.total };
    char text[CONFIRM_TEXT_SIZE];
    struct json_out *o = call_json(call);

    confirm_write(call, "replay", m->draft.bound, &c, text);
    json_out_object(o);
    json_put_bool(o, "dry_run", true);
    json_put_c(o, "mode", replay_mode_name(m->draft.mode));
    json_put_int(o, "count", m->count.total);
    json_put_int(o, "endpoints", (int64_t)m->count.endpoints);
    json_put_int(o, "rate", m->draft.rate);
    json_put_int(o, "estimated_seconds", estimate(m));
    json_put_time(o, "oldest_at", m->count.oldest);
    json_put_time(o, "newest_at", m->count.newest);
    json_put_c(o, "confirm", text);
    json_put_time(o, "confirm_expires_at", c.expires_at);
    json_out_object_end(o);
    call_reply(call, 200);
}

static void reply_made(struct call *call, const struct replay_row *row)
{
    char id[ID_TEXT_SIZE];
    char app[ID_TEXT_SIZE];

    id_format(ID_REPLAY, &row->id, id);
    id_format(ID_APP, &call->app->object.id, app);
    call_header(call, "Location", "/api/v1/apps/%s/replays/%s", app, id);
    replay_reply(call, 202, row);
}

static void on_made(struct replay_make *make, int result)
{
    struct making *m = (struct making *)(void *)make;
    struct call *call = m->call;

    if (result == 0 && make->made.is_repeat) {
        /* Two at once with one key: the other one won. Ask as if it were the repeat it is. */
        result = -E_CONFLICT;
    }
    if (result == 0 && make->made.is_over) {
        result = -E_REPLAY_CONCURRENCY;
    }
    if (result != 0) {
        problem_reply(call, result);
        return;
    }
    reply_made(call, &make->made.row);
}

static struct str who(struct call *call, const struct audit_entry *entry)
{
    struct json_out o;
    struct buf text;
    struct str by;
    int rc;

    buf_init(&text, CALL_HEADERS_MAX);
    json_out_begin(&o, &text);
    json_out_object(&o);
    json_put_str(&o, "kind", entry->actor_kind);
    json_put_str(&o, "id", entry->actor_id);
    json_put_str(&o, "name", entry->actor_name);
    json_out_object_end(&o);
    rc = json_out_end(&o);
    ASSERT(rc == 0); /* names are limited */
    by = arena_str(call->arena, buf_str(&text));
    buf_done(&text);
    return by;
}

static void put_parts(struct making *m)
{
    struct replay_new *n = &m->make.made;

    n->parts = arena_alloc(m->call->arena, (m->count.part_count + 1) * sizeof(*n->parts));
    for (size_t i = 0; i < m->count.part_count; i++) {
        const struct replay_count_part *p = &m->count.parts[i];

        if (p->total > 0) {
            n->parts[n->part_count++] =
                (struct replay_part){ .endpoint = p->look.endpoint,
                                      .total = p->total,
                                      .list = p->look.list.p == NULL ? STR("") : p->look.list };
            n->row.total += p->total;
        }
    }
}

static struct str details_of(const struct making *m)
{
    const struct replay_row *row = &m->make.made.row;
    struct json_out o;
    struct buf text;
    struct str details;
    int rc;

    buf_init(&text, CALL_HEADERS_MAX);
    json_out_begin(&o, &text);
    json_out_object(&o);
    json_put_c(&o, "mode", replay_mode_name(row->mode));
    json_put_int(&o, "count", row->total);
    json_put_int(&o, "endpoints", (int64_t)m->make.made.part_count);
    json_put_bool(&o, "corrected", replay_corrects(&m->draft.spec));
    json_out_object_end(&o);
    rc = json_out_end(&o);
    ASSERT(rc == 0);
    details = arena_str(m->call->arena, buf_str(&text));
    buf_done(&text);
    return details;
}

/* What was counted is what is made. */
static void make(struct making *m)
{
    struct call *call = m->call;
    struct replay_new *n = &m->make.made;
    struct audit_entry *entry;
    int rc;

    n->row.id = engine_make_id(call->api->options.engine);
    n->row.project = call->project->object.no;
    n->row.app = call->app->object.no;
    n->row.state = REPLAY_QUEUED;
    n->row.mode = m->draft.mode;
    n->row.rate = m->draft.rate;
    n->row.upto_delivery = m->count.upto_delivery;
    n->row.upto_event = m->count.upto_event;
    n->row.created_at = call->now;
    n->active_max = (uint32_t)call->api->options.replay.app_max;
    put_parts(m);
    entry = audit_of_id(call, "replay.created", ID_REPLAY, &n->row.id);
    entry->reason = m->draft.spec.reason;
    entry->details = details_of(m);
    n->audit = entry;
    m->draft.spec.by = who(call, entry);
    buf_done(&call->bytes);
    buf_init(&call->bytes, REPLAY_SPEC_MAX);
    rc = replay_spec_write(&m->draft.spec, &call->bytes);
    n->row.spec = buf_str(&call->bytes);
    m->make.on_done = on_made;
    if (rc == 0) {
        rc = replays_make(call->api->options.replays, &m->make);
    }
    if (rc != 0) {
        problem_reply(call, rc);
    }
}

static int count_run(struct call *call, struct db *db)
{
    struct making *m = call->state;
    struct replay_new *n = &m->make.made;
    int rc = replay_find_key(db, n);

    if (rc == 0 && n->is_repeat && !n->is_conflict) {
        return replay_get(db, &n->row.id, call->arena, &m->repeated);
    }
    if (rc != 0 || n->is_repeat) {
        return rc;
    }
    return replay_count_run(&m->count, db, call->arena);
}

/* False: answered. */
static bool may_make(struct making *m)
{
    struct call *call = m->call;

    if (m->count.total == 0) {
        problem_detail(call, -E_STATE, "Nothing fits; there is nothing to do.");
        return false;
    }
    if (m->draft.ids == NULL && m->count.total != m->confirm.count) {
        problem_detail(call, -E_CONFIRM_STALE,
                       "It would be %lld now, not %lld; ask with `dry_run` again.",
                       (long long)m->count.total, (long long)m->confirm.count);
        return false;
    }
    return true;
}

static void count_done(struct call *call)
{
    struct making *m = call->state;

    if (m->make.made.is_conflict) {
        problem_reply(call, -E_IDEMPOTENCY);
    } else if (m->make.made.is_repeat) {
        call_header(call, "Idempotent-Replayed", "true");
        reply_made(call, &m->repeated);
    } else if (m->count.unknown != 0) {
        form_fault(&call->faults, arena_printf(call->arena, "/ids/%zu", m->count.unknown - 1),
                   "not_found", "The app has no such delivery.");
        problem_faults(call);
    } else if (m->draft.dry_run) {
        reply_dry(m);
    } else if (may_make(m)) {
        make(m);
    }
}

static bool read_ids(struct call *call, struct making *m)
{
    size_t count = json_count(m->draft.ids);
    struct id *ids = arena_alloc(call->arena, (count + 1) * sizeof(*ids));
    struct json_iter it = json_iter(m->draft.ids);
    const struct json *v;
    size_t at = 0;

    while ((v = json_next(&it, NULL)) != NULL) {
        if (id_parse(ID_DELIVERY, json_string(v), &ids[at]) != 0) {
            form_fault(&call->faults, arena_printf(call->arena, "/ids/%zu", at), "pattern",
                       "This is no id of a delivery.");
        }
        at++;
    }
    if (count == 0) {
        form_fault(&call->faults, STR("/ids"), "too_short", "Name one delivery at least.");
    }
    if (call->faults.count > 0) {
        problem_faults(call);
        return false;
    }
    m->count.ids = ids;
    m->count.id_count = count;
    return true;
}

/* False: answered. */
static bool read_key(struct call *call, struct making *m)
{
    struct str key =
        call->alias_key.p != NULL ? call->alias_key : http_header(call->req, "Idempotency-Key");

    if (key.p == NULL || m->draft.dry_run) {
        return true;
    }
    if (!name_is_idempotency_key(key)) {
        problem_detail(call, -E_INVALID,
                       "Idempotency-Key is 1 to 255 visible ASCII characters.");
        return false;
    }
    m->make.made.key = key;
    m->make.made.key_since = call->now - REPLAY_KEY_MS;
    sha256(call->req->body, m->make.made.hash);
    return true;
}

/* A filter may mean a lot: the real call says what a dry run said. False: answered. */
static bool read_confirm(struct call *call, struct making *m)
{
    int rc;

    if (m->draft.dry_run || m->draft.ids != NULL) {
        return true;
    }
    rc = m->draft.confirm.p == NULL
             ? -E_CONFIRM
             : confirm_read(call, "replay", m->draft.bound, m->draft.confirm, &m->confirm);
    if (rc != 0) {
        problem_reply(call, rc);
        return false;
    }
    m->count.upto_delivery = m->confirm.upto_delivery;
    m->count.upto_event = m->confirm.upto_event;
    return true;
}

static void create(struct making *m)
{
    struct call *call = m->call;

    if (!read_key(call, m) || !read_confirm(call, m)) {
        return;
    }
    m->count.app = call->app->object.no;
    m->make.made.row.app = call->app->object.no;
    m->count.mode = m->draft.mode;
    m->count.total_max = call->api->options.replay.total_max;
    if (m->draft.ids != NULL) {
        if (!read_ids(call, m)) {
            return;
        }
    } else {
        replay_count_begin(&m->count, &m->draft, call->arena);
    }
    call->state = m;
    call_read(call, count_run, count_done);
}

void replays_create(struct call *call)
{
    struct making *m = arena_alloc(call->arena, sizeof(*m));

    m->call = call;
    if (replay_form_read(call, &m->draft)) {
        create(m);
    }
}

/* Other work on many at once is a job of the same kind. */
static void create_bulk(struct call *call, enum replay_mode mode)
{
    struct making *m = arena_alloc(call->arena, sizeof(*m));

    m->call = call;
    if (replay_form_read_bulk(call, mode, &m->draft)) {
        create(m);
    }
}

void deliveries_archive(struct call *call)
{
    create_bulk(call, REPLAY_MODE_ARCHIVE);
}

void endpoints_cancel_pending(struct call *call)
{
    create_bulk(call, REPLAY_MODE_CANCEL);
}

/* --- pause, resume, cancel */
static void on_ordered(void *ctx, int result)
{
    if (result != 0) {
        problem_reply(ctx, result);
        return;
    }
    replays_get(ctx);
}

static void order(struct call *call, enum replay_order order, const char *action)
{
    struct replay_ask ask = { order, audit_of_id(call, action, ID_REPLAY, &call->id) };
    int rc = replays_order(call->api->options.replays, &call->id, call->app->object.no, &ask,
                           on_ordered, call);

    if (rc != 0) {
        problem_reply(call, rc);
    }
}

void replays_pause(struct call *call)
{
    order(call, REPLAY_PAUSE, "replay.paused");
}

void replays_resume(struct call *call)
{
    order(call, REPLAY_RESUME, "replay.resumed");
}

void replays_cancel(struct call *call)
{
    order(call, REPLAY_CANCEL, "replay.cancelled");
}

/* --- one delivery */
struct single_state {
    int64_t app;
    struct delivery_row row;
    struct event_row event;
    struct replay_source source;
};

static int single_run(struct call *call, struct db *db)
{
    struct single_state *s = call->state;
    int rc = delivery_get(db, &call->id, call->arena, &s->row);

    if (rc == 0 && s->row.app != s->app) {
        rc = -E_NOT_FOUND;
    }
    if (rc != 0) {
        return rc;
    }
    rc = event_get_seq(db, s->row.event, call->arena, &s->event);
    if (rc == -E_NOT_FOUND ||
        (rc == 0 && (s->event.flags & (EVENT_ERASED | EVENT_TEST)) != 0)) {
        return -E_STATE;
    }
    s->source = (struct replay_source){ .event = s->event.id,
                                        .channels = s->event.channels,
                                        .is_sealed = (s->event.flags & EVENT_SEALED) != 0 };
    return rc != 0 ? rc
                   : event_body(call->api->options.keyring, &s->event, call->arena,
                                &s->source.body);
}

static void on_single(void *ctx, int result, const struct id *made)
{
    struct call *call = ctx;
    struct json_out *o;

    if (result != 0) {
        problem_reply(call, result);
        return;
    }
    o = call_json(call);
    json_out_object(o);
    call_put_id(o, "id", ID_DELIVERY, made);
    call_put_id(o, "replay_of", ID_DELIVERY, &call->id);
    json_put_c(o, "status", "pending");
    json_out_object_end(o);
    call_reply(call, 202);
}

static void single_done(struct call *call)
{
    const struct single_state *s = call->state;
    const struct delivery_row *row = &s->row;
    struct replay_single single = {
        .row = row,
        .source = &s->source,
        .limited = call->access.app != NULL,
        .audit = audit_of_id(call, "delivery.replayed", ID_DELIVERY, &call->id),
    };
    int rc;

    if (row->state == DELIVERY_PENDING || row->state == DELIVERY_RETRYING) {
        problem_detail(call, -E_STATE, "It is still on its way; retry or cancel it instead.");
        return;
    }
    rc = replays_single(call->api->options.replays, &single, on_single, call);
    if (rc == -E_RATE_LIMITED) {
        call_header(call, "Retry-After", "%d", REPLAY_SINGLE_MS / 1000);
    }
    if (rc != 0) {
        problem_reply(call, rc);
    }
}

void deliveries_replay(struct call *call)
{
    struct single_state *s = arena_alloc(call->arena, sizeof(*s));

    s->app = call->app->object.no;
    call->state = s;
    call_read(call, single_run, single_done);
}
