/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics_traffic.c - labels are bounded: the busiest apps and event types by name, the rest as
 * `other`. Names of both are of few characters, so nothing has to be escaped.
 */
#include "api/metrics_traffic.h"

#include "base/assert.h"
#include "base/buf.h"
#include "engine/meter.h"
#include "engine/registry.h"

struct traffic {
    struct buf *out;
    int rc;
};

static void head(struct traffic *t, const char *name, const char *kind, const char *help)
{
    if (t->rc == 0) {
        t->rc = buf_printf(t->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
    }
}

static void line(struct traffic *t, const char *name, const char *label, struct str value,
                 uint64_t n)
{
    if (t->rc == 0) {
        t->rc = buf_printf(t->out, "%s{%s=\"%.*s\"} %llu\n", name, label, STR_ARG(value),
                           (unsigned long long)n);
    }
}

static void plain(struct traffic *t, const char *name, const char *kind, const char *help,
                  uint64_t n)
{
    head(t, name, kind, help);
    if (t->rc == 0) {
        t->rc = buf_printf(t->out, "%s %llu\n", name, (unsigned long long)n);
    }
}

static void put_types(struct traffic *t, const struct meter *meter,
                      const struct registry *registry, const struct meter_stats *stats)
{
    static const char name[] = "postern_events_enqueued_total";
    struct meter_type top[METRICS_TYPES_MAX];
    size_t count = meter_top_types(meter, top, METRICS_TYPES_MAX);
    uint64_t shown = 0;

    head(t, name, "counter", "Events by type; the busiest 50.");
    for (size_t i = 0; i < count; i++) {
        const struct event_type *type = registry_type_no(registry, top[i].type);

        if (type != NULL) {
            shown += top[i].events;
            line(t, name, "type", type->object.slug, top[i].events);
        }
    }
    line(t, name, "type", STR("other"), stats->events - shown);
}

struct app_line {
    const char *name, *help;
    uint64_t (*of)(const struct meter_app *app);
    uint64_t total;
};

static uint64_t app_events(const struct meter_app *app)
{
    return app->events;
}

static uint64_t app_attempts(const struct meter_app *app)
{
    return app->ok + app->failed;
}

static uint64_t app_failed(const struct meter_app *app)
{
    return app->failed;
}

static void put_apps(struct traffic *t, const struct meter *meter,
                     const struct registry *registry, const struct meter_stats *stats)
{
    const struct rollup *all = &stats->all;
    const struct app_line lines[] = {
        { "postern_app_events_total", "Events by app; the busiest 50.", app_events,
          stats->events },
        { "postern_app_attempts_total", "Attempts by app; the busiest 50.", app_attempts,
          (uint64_t)(all->ok + all->failed) },
        { "postern_app_attempts_failed_total", "Failed attempts by app; the busiest 50.",
          app_failed, (uint64_t)all->failed },
    };
    struct meter_app top[METRICS_APPS_MAX];
    size_t count = meter_top_apps(meter, top, METRICS_APPS_MAX);

    for (size_t k = 0; k < sizeof(lines) / sizeof(lines[0]); k++) {
        uint64_t shown = 0;

        head(t, lines[k].name, "counter", lines[k].help);
        for (size_t i = 0; i < count; i++) {
            const struct app *app = registry_app_no(registry, top[i].app);
            char id[ID_TEXT_SIZE];

            if (app != NULL) {
                id_format(ID_APP, &app->object.id, id);
                shown += lines[k].of(&top[i]);
                line(t, lines[k].name, "app", str_from(id), lines[k].of(&top[i]));
            }
        }
        line(t, lines[k].name, "app", STR("other"), lines[k].total - shown);
    }
}

static void put_latency(struct traffic *t, const struct rollup *all)
{
    static const char name[] = "postern_attempt_duration_seconds";
    int64_t below = 0;

    head(t, name, "histogram", "Time of an attempt, from connecting to the last byte.");
    for (size_t i = 0; i < ROLLUP_BARS && t->rc == 0; i++) {
        below += all->bars[i];
        t->rc =
            i < ROLLUP_BARS - 1
                ? buf_printf(t->out, "%s_bucket{le=\"%lld.%03lld\"} %lld\n", name,
                             (long long)(rollup_bounds_ms[i] / 1000),
                             (long long)(rollup_bounds_ms[i] % 1000), (long long)below)
                : buf_printf(t->out, "%s_bucket{le=\"+Inf\"} %lld\n", name, (long long)below);
    }
    if (t->rc == 0) {
        t->rc = buf_printf(t->out, "%s_sum %lld.%03lld\n%s_count %lld\n", name,
                           (long long)(all->ms_sum / 1000), (long long)(all->ms_sum % 1000),
                           name, (long long)below);
    }
}

int metrics_traffic(const struct meter *meter, const struct registry *registry, struct buf *out)
{
    struct traffic t = { .out = out };
    struct meter_stats stats;

    meter_stats(meter, &stats);
    put_types(&t, meter, registry, &stats);
    put_apps(&t, meter, registry, &stats);
    put_latency(&t, &stats.all);
    plain(&t, "postern_attempts_succeeded_total", "counter",
          "Attempts that were answered 2xx and stored.", (uint64_t)stats.all.ok);
    plain(&t, "postern_attempts_retries_total", "counter",
          "Attempts that were not the first of their delivery.", (uint64_t)stats.all.retried);
    plain(&t, "postern_queue_depth", "gauge",
          "Open deliveries in the store some seconds ago; counted to 100,001.",
          (uint64_t)stats.queue_depth);
    plain(&t, "postern_stats_waiting", "gauge", "Folded counts that wait for the store.",
          stats.waiting);
    plain(&t, "postern_stats_lost_total", "counter",
          "Folded counts that were never stored; statistics miss them.", stats.lost);
    return t.rc;
}
