/* SPDX-License-Identifier: Apache-2.0 */
/* stats.h - what the statistics' files share: the window that is asked for, and writing sums. */
#ifndef API_STATS_H
#define API_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "json/json.h"
#include "store/tally.h"

struct call;

enum stats_window { WINDOW_1H, WINDOW_24H, WINDOW_TODAY, WINDOW_7D, WINDOW_30D };

enum { STATS_POINTS_MAX = 1500, STATS_REASONS_MAX = 50, STATS_TYPES_MAX = 100 };

struct stats_span {
    enum stats_window window;
    int64_t from, until;    /* wall ms; from stands on a bucket of `source` */
    enum tally_span source; /* rows that are read */
    int64_t interval_ms;    /* of the series */
    int64_t offset_ms;      /* of local time */
};

/* `window` (default 24h), `tz` and, if the route has it, `interval`. Faults go to the call. */
void stats_span_read(struct call *call, struct stats_span *ret_span);
const char *stats_window_name(enum stats_window window);
/* The point of the series that holds that time; and where a point begins. */
size_t stats_point(const struct stats_span *span, int64_t wall_ms);
int64_t stats_point_at(const struct stats_span *span, size_t point);
size_t stats_points(const struct stats_span *span);

/* Members window, from, until, interval. */
void stats_put_span(struct json_out *o, const struct stats_span *span);
/* n / of with four places; null when there is nothing. */
void stats_put_rate(struct json_out *o, const char *name, int64_t n, int64_t of);
/* latency_ms: {min, avg, max, p50, p95, p99}; null without attempts. */
void stats_put_latency(struct json_out *o, const char *name, const struct rollup *r);

#endif
