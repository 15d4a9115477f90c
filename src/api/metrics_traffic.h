/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_traffic.h - the metrics of what happened: by event type, by app, times, what waits. */
#ifndef API_METRICS_TRAFFIC_H
#define API_METRICS_TRAFFIC_H

#include "base/err.h"

struct buf;
struct meter;
struct registry;

enum { METRICS_APPS_MAX = 50, METRICS_TYPES_MAX = 50 };

/* Append them in Prometheus' text form. */
NODISCARD int metrics_traffic(const struct meter *meter, const struct registry *registry,
                              struct buf *out);

#endif
