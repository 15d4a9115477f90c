/* SPDX-License-Identifier: Apache-2.0 */
/* stats_span.c - windows, intervals and local time of statistics; numbers in JSON. */
#include <stdio.h>

#include "api/call.h"
#include "api/routes.h"
#include "api/stats.h"
#include "base/assert.h"

enum { RATE_SIZE = 48, RATE_PLACES = 10000 };

static const struct {
    const char *name;
    int64_t ms; /* 0: since local midnight */
    enum tally_span source;
    int64_t interval_ms;
} windows[] = {
    [WINDOW_1H] = { "1h", TALLY_HOUR_MS, TALLY_MINUTE, TALLY_MINUTE_MS },
    [WINDOW_24H] = { "24h", TALLY_DAY_MS, TALLY_MINUTE, TALLY_HOUR_MS },
    [WINDOW_TODAY] = { "today", 0, TALLY_MINUTE, TALLY_HOUR_MS },
    [WINDOW_7D] = { "7d", 7 * TALLY_DAY_MS, TALLY_HOUR, TALLY_HOUR_MS },
    [WINDOW_30D] = { "30d", 30 * TALLY_DAY_MS, TALLY_HOUR, TALLY_DAY_MS },
};

static const struct {
    const char *name;
    int64_t ms;
} intervals[] = {
    { "minute", TALLY_MINUTE_MS },
    { "hour", TALLY_HOUR_MS },
    { "day", TALLY_DAY_MS },
};

const char *stats_window_name(enum stats_window window)
{
    return windows[window].name;
}

/* Z, +02:00, -0330. A + that was not percent-encoded came as a blank. */
static bool read_offset(struct str s, int64_t *ret_ms)
{
    int64_t hours;
    int64_t minutes;
    bool has_colon = s.len == 6 && s.p[3] == ':';

    if (str_eq_c(s, "Z")) {
        *ret_ms = 0;
        return true;
    }
    if ((s.len != 5 && !has_colon) || (s.p[0] != '+' && s.p[0] != '-' && s.p[0] != ' ') ||
        str_to_int(str_sub(s, 1, 2), 0, 14, &hours) != 0 ||
        str_to_int(str_sub(s, has_colon ? 4 : 3, 2), 0, 59, &minutes) != 0) {
        return false;
    }
    *ret_ms = (hours * 60 + minutes) * TALLY_MINUTE_MS * (s.p[0] == '-' ? -1 : 1);
    return true;
}

static void read_window(struct call *call, struct stats_span *span)
{
    struct str text = call_query(call, "window");

    span->window = WINDOW_24H;
    if (text.p == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        if (str_eq_c(text, windows[i].name)) {
            span->window = (enum stats_window)i;
            return;
        }
    }
    call_query_fault(call, "window", "pattern", "This is 1h, 24h, today, 7d or 30d.");
}

static void read_interval(struct call *call, struct stats_span *span)
{
    struct str text =
        route_has_query(call->route, STR("interval")) ? call_query(call, "interval") : STR_NONE;

    span->interval_ms = windows[span->window].interval_ms;
    if (text.p == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof(intervals) / sizeof(intervals[0]); i++) {
        if (str_eq_c(text, intervals[i].name)) {
            span->interval_ms = intervals[i].ms;
            if (intervals[i].ms < tally_span_ms(windows[span->window].source)) {
                call_query_fault(call, "interval", "range",
                                 "Minutes are there for 1h, 24h and today.");
            }
            return;
        }
    }
    call_query_fault(call, "interval", "pattern", "This is minute, hour or day.");
}

/* The begin of the local piece of time of that width. */
static int64_t local_begin(const struct stats_span *span, int64_t wall_ms, int64_t width)
{
    int64_t local = wall_ms + span->offset_ms;

    return local - local % width - span->offset_ms;
}

void stats_span_read(struct call *call, struct stats_span *ret_span)
{
    struct stats_span span = { .until = call->now };
    struct str tz = call_query(call, "tz");
    int64_t width;

    read_window(call, &span);
    read_interval(call, &span);
    if (tz.p != NULL && !read_offset(tz, &span.offset_ms)) {
        call_query_fault(call, "tz", "pattern",
                         "This is the distance to UTC such as +02:00, or Z.");
    }
    span.source = windows[span.window].source;
    width = tally_span_ms(span.source);
    if (span.window == WINDOW_TODAY) {
        span.from = local_begin(&span, span.until, TALLY_DAY_MS);
    } else {
        span.from = span.until - windows[span.window].ms;
    }
    span.from -= span.from % width;
    *ret_span = span;
}

size_t stats_point(const struct stats_span *span, int64_t wall_ms)
{
    int64_t first = local_begin(span, span->from, span->interval_ms);

    return (size_t)((wall_ms - first) / span->interval_ms);
}

int64_t stats_point_at(const struct stats_span *span, size_t point)
{
    return local_begin(span, span->from, span->interval_ms) +
           (int64_t)point * span->interval_ms;
}

size_t stats_points(const struct stats_span *span)
{
    size_t points = stats_point(span, span->until - 1) + 1;

    ASSERT(points <= STATS_POINTS_MAX);
    return points;
}

void stats_put_span(struct json_out *o, const struct stats_span *span)
{
    json_put_c(o, "window", stats_window_name(span->window));
    json_put_time(o, "from", span->from);
    json_put_time(o, "until", span->until);
}

void stats_put_rate(struct json_out *o, const char *name, int64_t n, int64_t of)
{
    char text[RATE_SIZE];

    if (of == 0) {
        json_put_c(o, name, NULL);
        return;
    }
    n = (n * RATE_PLACES + of / 2) / of;
    (void)snprintf(text, sizeof(text), "%lld.%04lld", (long long)(n / RATE_PLACES),
                   (long long)(n % RATE_PLACES));
    json_put_raw(o, name, str_from(text));
}

void stats_put_latency(struct json_out *o, const char *name, const struct rollup *r)
{
    int64_t n = r->ok + r->failed;

    json_out_name(o, name);
    if (n == 0) {
        json_out_null(o);
        return;
    }
    json_out_object(o);
    json_put_int(o, "min", r->ms_min);
    json_put_int(o, "avg", (r->ms_sum + n / 2) / n);
    json_put_int(o, "max", r->ms_max);
    json_put_int(o, "p50", rollup_percentile(r, 50));
    json_put_int(o, "p95", rollup_percentile(r, 95));
    json_put_int(o, "p99", rollup_percentile(r, 99));
    json_out_object_end(o);
}
