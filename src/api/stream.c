/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.c - GET /api/v1/stream: what happens, as server-sent events. A stream is a client of
 * the hub; it holds no queue of its own. When it is written to is decided by the hub, the
 * heartbeat, and by how fast its reader takes what it was given.
 */
#include "api/api_internal.h"
#include "api/filters.h"
#include "api/handlers.h"
#include "api/problem.h"
#include "base/assert.h"
#include "base/clock.h"
#include "engine/hub.h"
#include "net/loop.h"

enum { STREAM_PIECE = 64 * 1024, STREAM_RETRY_MS = 2000 };

struct stream_state {
    struct call *call;
    struct hub_client client;
    struct loop_timer beat;
    bool has_begun, is_due;
};

static void on_wake(struct hub_client *client)
{
    const struct stream_state *s = client->ctx;

    http_stream_wake(s->call->req);
}

static void beat_later(struct stream_state *s)
{
    const struct api_options *options = &s->call->api->options;

    loop_timer_set(options->loop, &s->beat, clock_boot_ms() + options->stream_heartbeat_ms);
}

static void on_beat(struct loop_timer *t)
{
    struct stream_state *s = t->ctx;

    s->is_due = true;
    beat_later(s);
    http_stream_wake(s->call->req);
}

/* What the stream was opened with can be taken away meanwhile. */
static bool may_go_on(const struct call *call)
{
    int64_t now = clock_wall_ms();

    return access_lives(&call->access, call->api->options.sessions, now) &&
           call->project->object.deleted_at == 0 &&
           (call->app == NULL || call->app->object.deleted_at == 0);
}

static int put_message(struct buf *out, const struct hub_message *m, enum hub_got got)
{
    if (got == HUB_RESET) {
        return buf_printf(out, "id: %lld\nevent: reset\ndata: {}\n\n", (long long)m->id);
    }
    return buf_printf(out, "id: %lld\nevent: %s\ndata: %.*s\n\n", (long long)m->id, m->type,
                      STR_ARG(m->data));
}

static enum http_more stream_read(struct call *call, struct buf *out)
{
    struct stream_state *s = call->state;
    struct hub *hub = call->api->options.hub;
    struct hub_message m;
    enum hub_got got;
    int rc = 0;

    if (!may_go_on(call)) {
        return HTTP_END;
    }
    if (!s->has_begun) {
        s->has_begun = true;
        rc = buf_printf(out, "retry: %d\n\n", (int)STREAM_RETRY_MS);
    }
    while (rc == 0 && out->len < STREAM_PIECE &&
           (got = hub_next(hub, &s->client, &m)) != HUB_NOTHING) {
        rc = put_message(out, &m, got);
    }
    if (rc == 0 && s->is_due && out->len == 0) {
        rc = buf_add_c(out, ": hb\n\n");
    }
    s->is_due = false;
    ASSERT(rc == 0); /* a piece has room for the largest message */
    return HTTP_WAIT;
}

static void stream_closed(struct call *call)
{
    struct stream_state *s = call->state;

    loop_timer_cancel(call->api->options.loop, &s->beat);
    hub_leave(call->api->options.hub, &s->client);
}

/* --- what is asked */
static unsigned read_topics(struct call *call)
{
    struct str list = call_query(call, "topics");
    unsigned topics = 0;
    struct str name;

    if (list.p == NULL) {
        return HUB_ALL;
    }
    while (str_split(&list, ',', &name)) {
        unsigned topic = hub_topic_parse(name);

        if (topic == 0) {
            call_query_fault(call, "topics", "pattern",
                             "Topics are deliveries, events, endpoints, jobs, notices and "
                             "stats, with commas between.");
            return 0;
        }
        topics |= topic;
    }
    return topics == 0 ? HUB_ALL : topics;
}

/* The header of a browser that comes back, or the same as a parameter. */
static int64_t read_after(struct call *call)
{
    struct str text = http_header(call->req, "Last-Event-ID");
    struct str query = call_query(call, "after");
    int64_t id = 0;

    if (query.p != NULL && str_to_int(query, 0, INT64_MAX, &id) != 0) {
        call_query_fault(call, "after", "pattern", "This is the id of a message.");
    }
    if (query.p == NULL && text.len > 0 && str_to_int(text, 0, INT64_MAX, &id) != 0) {
        id = 1; /* not one of ours: a reset */
    }
    return id;
}

void stream_get(struct call *call)
{
    struct stream_state *s = arena_alloc(call->arena, sizeof(*s));
    const struct api_options *options = &call->api->options;
    const struct endpoint *endpoint = NULL;
    struct app *app = NULL;
    bool is_known = filter_app(call, &app);
    unsigned topics = read_topics(call);
    int64_t after = read_after(call);

    call->app = app;
    is_known = filter_endpoint(call, &endpoint) && is_known;
    if (call->faults.count > 0) {
        problem_reply(call, -E_INVALID);
        return;
    }
    if (!is_known) {
        problem_reply(call, -E_NOT_FOUND);
        return;
    }
    if (hub_clients(options->hub) >= (size_t)options->streams_max) {
        problem_detail(call, -E_BUSY, "All %lld live streams are taken; try again later.",
                       (long long)options->streams_max);
        return;
    }
    s->call = call;
    s->beat = (struct loop_timer){ .on_due = on_beat, .ctx = s };
    s->client = (struct hub_client){ .topics = topics,
                                     .project = call->project->object.no,
                                     .app = app == NULL ? 0 : app->object.no,
                                     .endpoint = endpoint == NULL ? 0 : endpoint->object.no,
                                     .on_wake = on_wake,
                                     .ctx = s };
    call->state = s;
    hub_join(options->hub, &s->client, after);
    beat_later(s);
    call_header(call, "X-Accel-Buffering", "no");
    call_stream(call, "text/event-stream", true, stream_read, stream_closed);
}
