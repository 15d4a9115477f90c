/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert.h - the operator's alerts, judged inside: every `every_ms` from counters, two bounded reads and a walk over
 * the endpoints. Main thread.
 *
 * An alert is ok or firing; each change raises a notice (alert-firing, alert-resolved), which is mailed and posted
 * (engine/notice_mail.h). States live in memory: what is still so after a restart fires again. On the way customers
 * are told of an endpoint that is down and of a high failure rate of their own.
 */
#ifndef ENGINE_ALERT_H
#define ENGINE_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct alerts;
struct engine;
struct loop;
struct notices;
struct outbox;
struct readers;
struct registry;
struct writer;

enum {
    ALERT_SAMPLES = 256,   /* of the window; more often is judged over less */
    ALERT_APPS_ROUNDS = 4, /* apps are looked at in every fourth round */
    ALERT_APPS_MAX = 1000, /* whose last hour is read */
    ALERT_HOUR_MS = 3600 * 1000
};

/* X(NAME, "token", "severity", "what it says") */
#define ALERT_TABLE(X)                                                                         \
    X(PENDING, "pending-deliveries", "page", "deliveries wait to be sent")                     \
    X(FAILURE_RATE, "failure-rate", "page", "percent of all attempts failed in the window")    \
    X(WORKER_ERRORS, "worker-errors", "page",                                                  \
      "sending processes ended or writes failed in the window")                                \
    X(ENDPOINT_DOWN, "endpoint-down", "notify", "endpoints have been down for too long")       \
    X(CUSTOMER_FAILURE_RATE, "customer-failure-rate", "notify",                                \
      "apps had a high failure rate in the last hour")                                         \
    X(MAIL_FAILING, "mail-failing", "notify",                                                  \
      "mails or alerts were given up or had no room in the window")

enum alert_kind {
#define ALERT_ENUM(name, token, severity, text) ALERT_##name,
    ALERT_TABLE(ALERT_ENUM)
#undef ALERT_ENUM
        ALERT_KINDS
};

struct alert {
    const char *name, *severity, *text;
    bool is_firing;
    int64_t since;     /* wall ms of the last change; 0 = none yet */
    int64_t value;     /* as of the last round */
    int64_t threshold; /* it fires above */
};

struct alerts_options {
    struct loop *loop;
    struct registry *registry;
    struct engine *engine;
    struct readers *readers;
    struct writer *writer;
    struct notices *notices;
    struct outbox *outbox;
    int64_t every_ms, window_ms;
    int64_t pending_max;
    int64_t failure_percent, app_failure_percent;
    int64_t attempts_min; /* fewer say nothing about a rate */
    int64_t down_ms;
};

struct alerts *alerts_start(const struct alerts_options *options);
void alerts_stop(struct alerts *a);                                  /* NULL allowed in both */
void alerts_free(struct alerts *a);                                  /* after the readers */
const struct alert *alerts_at(const struct alerts *a, size_t index); /* NULL past the end */
int64_t alerts_judged_at(const struct alerts *a); /* wall ms of the last round, 0 = none */

#endif
