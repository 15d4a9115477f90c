/* SPDX-License-Identifier: Apache-2.0 */
/* health.c - /healthz, /readyz, /metrics (Prometheus text 0.0.4). The names of the metrics
 * are a contract. */
#include "api/api_internal.h"
#include "api/handlers.h"
#include "api/metrics_traffic.h"
#include "api/problem.h"
#include "base/assert.h"
#include "engine/alert.h"
#include "engine/engine.h"
#include "engine/notice.h"
#include "engine/outbox.h"
#include "store/writer.h"

enum { METRICS_MAX = 256 * 1024 };

static void reply_status(struct call *call, int status, const char *word, const char *reason)
{
    struct json_out *o = call_json(call);

    json_out_object(o);
    json_put_c(o, "status", word);
    if (reason != NULL) {
        json_put_c(o, "reason", reason);
    }
    json_out_object_end(o);
    if (status == 503) {
        call_header(call, "Retry-After", "%d", PROBLEM_RETRY_AFTER_S);
    }
    call_reply(call, status);
}

void health_live(struct call *call)
{
    reply_status(call, 200, "ok", NULL);
}

void health_ready(struct call *call)
{
    const struct api *api = call->api;
    const char *reason = NULL;

    if (api->is_draining) {
        reply_status(call, 503, "draining", "The server is being stopped.");
    } else if (api->options.is_ready != NULL &&
               !api->options.is_ready(api->options.ctx, &reason)) {
        reply_status(call, 503, "not_ready", reason);
    } else {
        reply_status(call, 200, "ready", NULL);
    }
}

/* --- metrics */
enum metric_kind { COUNTER, GAUGE };

struct metrics {
    struct buf *out;
    int rc;
};

static void metric_head(struct metrics *m, const char *name, enum metric_kind kind,
                        const char *help)
{
    if (m->rc == 0) {
        m->rc = buf_printf(m->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
                           kind == COUNTER ? "counter" : "gauge");
    }
}

static void metric(struct metrics *m, const char *name, enum metric_kind kind, const char *help,
                   uint64_t value)
{
    metric_head(m, name, kind, help);
    if (m->rc == 0) {
        m->rc = buf_printf(m->out, "%s %llu\n", name, (unsigned long long)value);
    }
}

static void metric_us(struct metrics *m, const char *name, enum metric_kind kind,
                      const char *help, uint64_t us)
{
    metric_head(m, name, kind, help);
    if (m->rc == 0) {
        m->rc = buf_printf(m->out, "%s %llu.%06llu\n", name, (unsigned long long)(us / 1000000),
                           (unsigned long long)(us % 1000000));
    }
}

static void put_process(struct metrics *m, const struct api *api)
{
    metric_head(m, "postern_build_info", GAUGE, "The version that runs.");
    if (m->rc == 0) {
        m->rc = buf_printf(m->out, "postern_build_info{version=\"%s\"} 1\n", POSTERN_VERSION);
    }
    metric(m, "postern_start_time_seconds", GAUGE, "When it started, as Unix time.",
           (uint64_t)(api->started_at / 1000));
    metric(m, "postern_apps", GAUGE, "Apps.",
           registry_living(api->options.registry, CONFIG_APP));
    metric(m, "postern_endpoints", GAUGE, "Endpoints.",
           registry_living(api->options.registry, CONFIG_ENDPOINT));
}

static void put_engine(struct metrics *m, const struct engine *engine)
{
    struct engine_stats s;

    engine_stats(engine, &s);
    metric(m, "postern_events_accepted_total", COUNTER, "Events stored and answered 202.",
           s.accepted);
    metric(m, "postern_attempts_started_total", COUNTER, "Requests handed to the senders.",
           s.core.started);
    metric(m, "postern_attempts_failed_total", COUNTER, "Attempts that were not answered 2xx.",
           s.failed_attempts);
    metric(m, "postern_deliveries_delivered_total", COUNTER,
           "Deliveries that were answered 2xx.", s.delivered);
    metric(m, "postern_deliveries_failed_total", COUNTER, "Deliveries given up.", s.failed);
    metric(m, "postern_held_expired_total", COUNTER,
           "Deliveries that were held for as long as events are kept.", s.held_expired);
    metric(m, "postern_open_circuits", GAUGE, "Endpoints whose circuit is not closed.",
           s.core.open_circuits);
    metric(m, "postern_deliveries_retried_total", COUNTER, "Retries planned.", s.retried);
    metric(m, "postern_deliveries_in_memory", GAUGE, "Open deliveries in memory.",
           s.core.deliveries);
    metric(m, "postern_attempts_sending", GAUGE, "Attempts under way.", s.core.sending);
    metric(m, "postern_outcomes_uncommitted", GAUGE, "Outcomes that wait for the store.",
           s.core.uncommitted);
    metric(m, "postern_slow_slots", GAUGE, "Attempts under way to slow endpoints.",
           s.core.slow_slots);
    metric(m, "postern_loads_total", COUNTER, "Reads of open deliveries from the store.",
           s.core.loads);
    metric(m, "postern_dropped_to_table_total", COUNTER, "Open deliveries left to the store.",
           s.core.dropped_to_table);
    metric(m, "postern_sweep_found_total", COUNTER,
           "Open deliveries that stood in no list. Above 0 is a fault of ours.", s.sweep_found);
    metric(m, "postern_egress_restarts_total", COUNTER,
           "Sending processes that were started anew.", s.egress_restarts);
    metric(m, "postern_bodies", GAUGE, "Event bodies in memory.", s.bodies);
    metric(m, "postern_body_bytes", GAUGE, "Bytes of them.", s.body_bytes);
}

static void put_writer(struct metrics *m, struct writer *writer)
{
    struct writer_stats s;

    writer_stats(writer, &s);
    metric(m, "postern_writer_batches_total", COUNTER, "Transactions.", s.batches);
    metric(m, "postern_writer_writes_total", COUNTER, "Units of work in them.", s.writes);
    metric(m, "postern_writer_rows_total", COUNTER, "Rows in them.", s.rows);
    metric(m, "postern_writer_failed_total", COUNTER, "Units of work that failed.", s.failed);
    metric(m, "postern_writer_halved_total", COUNTER, "Transactions run again in halves.",
           s.halved);
    metric(m, "postern_writer_queued", GAUGE, "Units of work that wait.", s.queued);
    metric(m, "postern_writer_queued_bytes", GAUGE, "Bytes of them.", s.queued_bytes);
    metric_us(m, "postern_writer_commit_seconds_total", COUNTER, "Time in transactions.",
              s.commit_us_sum);
    metric_us(m, "postern_writer_commit_seconds_max", GAUGE, "The longest transaction.",
              s.commit_us_max);
}

static void put_notices(struct metrics *m, const struct notices *notices)
{
    struct notices_stats s;

    notices_stats(notices, &s);
    metric(m, "postern_notices_total", COUNTER, "Notices stored.", s.raised);
    metric(m, "postern_notices_grouped_total", COUNTER,
           "Notices counted onto one of the same issue.", s.grouped);
    metric(m, "postern_notices_suppressed_total", COUNTER,
           "Notices over the limits of an app or of the server.", s.suppressed);
    metric(m, "postern_notices_failed_total", COUNTER, "Notices that the store refused.",
           s.failed);
}

static void put_alerts(struct metrics *m, const struct alerts *alerts)
{
    const struct alert *alert;

    metric_head(m, "postern_alert_firing", GAUGE, "1 while this alert fires.");
    for (size_t i = 0; (alert = alerts_at(alerts, i)) != NULL; i++) {
        if (m->rc == 0) {
            m->rc =
                buf_printf(m->out, "postern_alert_firing{alert=\"%s\",severity=\"%s\"} %d\n",
                           alert->name, alert->severity, alert->is_firing ? 1 : 0);
        }
    }
}

static void put_outbox(struct metrics *m, const struct outbox *outbox)
{
    struct outbox_stats s;

    outbox_stats(outbox, &s);
    metric(m, "postern_outbox_sent_total", COUNTER, "Mails and alerts that were taken.",
           s.sent);
    metric(m, "postern_outbox_retried_total", COUNTER, "Tries that were not taken.", s.retried);
    metric(m, "postern_outbox_failed_total", COUNTER, "Mails and alerts given up.", s.failed);
    metric(m, "postern_outbox_dropped_total", COUNTER, "Those for which there was no room.",
           s.dropped);
    metric(m, "postern_outbox_waiting", GAUGE, "Mails and alerts that wait.", s.waiting);
}

static void put_http(struct metrics *m, const struct http_server *http)
{
    struct http_stats s;

    http_stats(http, &s);
    metric(m, "postern_http_requests_total", COUNTER, "Requests.", s.requests);
    metric(m, "postern_http_refused_total", COUNTER, "Requests refused before a route.",
           s.refused);
    metric(m, "postern_http_connections", GAUGE, "Open connections.", s.connections);
    metric(m, "postern_http_waiting", GAUGE, "Requests that wait for their answer.", s.waiting);
    metric(m, "postern_http_streams", GAUGE, "Live streams and exports under way.", s.streams);
    metric(m, "postern_http_body_bytes", GAUGE, "Request bodies in memory.", s.bodies_memory);
}

void metrics_get(struct call *call)
{
    const struct api *api = call->api;
    struct metrics m = { .out = &call->bytes };

    buf_done(&call->bytes);
    buf_init(&call->bytes, METRICS_MAX);
    put_process(&m, api);
    put_engine(&m, api->options.engine);
    put_writer(&m, api->options.writer);
    if (api->options.notices != NULL) {
        put_notices(&m, api->options.notices);
        put_outbox(&m, api->options.outbox);
        put_alerts(&m, api->options.alerts);
    }
    if (api->http != NULL) {
        put_http(&m, api->http);
    }
    if (m.rc == 0) {
        m.rc = metrics_traffic(api->options.meter, api->options.registry, m.out);
    }
    ASSERT(m.rc == 0);
    call_reply_bytes(call, 200, "text/plain; version=0.0.4; charset=utf-8",
                     buf_str(&call->bytes));
}
