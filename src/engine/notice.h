/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notice.h - raise a notice: tell a customer, or the operator, that something happened. Main thread.
 *
 * Raising is cheap and never fails for the caller: one look-up when the same issue was raised within the cool-down
 * (then its count grows), else a small row through the writer's background queue. What is over a limit is counted
 * and dropped: the log holds every delivery anyway. From the row come the in-app list (api/notices.c), e-mail
 * (engine/outbox.h) and events into the operator's own app. An issue is kind, app, endpoint and topic.
 */
#ifndef ENGINE_NOTICE_H
#define ENGINE_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "base/str.h"

struct app;
struct db_options;
struct endpoint;
struct hub;
struct loop;
struct notice_texts;
struct notices;
struct project;
struct registry;
struct writer;

enum {
    NOTICE_GROUPS_MAX = 4096,    /* issues remembered for the cool-down; the oldest go first */
    NOTICE_WAITING_MAX = 256,    /* notices on their way to the store */
    NOTICE_FLUSH_MS = 5000,      /* counts of repeated issues are stored so often */
    NOTICE_DETAIL_MAX = 500,     /* bytes of detail and reason that are kept */
    NOTICE_TEXT_MAX = 16 * 1024, /* one rendered text */
    NOTICE_EXPIRE_ROWS = 200     /* deleted at once */
};

/*
 * X(NAME, number, "token", of the operator, "event type of the operator's app")
 * Numbers are stored: never change one. The texts are packaging/notices/<token>.txt.
 */
#define NOTICE_TABLE(X)                                                                        \
    X(DELIVERY_EXHAUSTED, 1, "delivery-exhausted", false, "delivery.exhausted")                \
    X(ENDPOINT_FAILING, 2, "endpoint-failing", false, "endpoint.failing")                      \
    X(AUTO_PAUSED, 3, "auto-paused", false, "endpoint.paused")                                 \
    X(ENDPOINT_DISABLED, 4, "endpoint-disabled", false, "endpoint.disabled")                   \
    X(ENDPOINT_DOWN, 5, "endpoint-down-24h", false, "endpoint.down")                           \
    X(FAILURE_RATE, 6, "failure-rate", false, "app.failing")                                   \
    X(BULK_REPLAYED, 7, "bulk-replayed", false, "events.resent")                               \
    X(REPLAY_DONE, 8, "replay-done", false, "replay.completed")                                \
    X(SECRET_ROLLED, 9, "secret-rolled", false, "system.secret.rotated")                       \
    X(STALE_ENDPOINT, 10, "stale-endpoint", false, "endpoint.stale")                           \
    X(ALERT_FIRING, 11, "alert-firing", true, "alert.firing")                                  \
    X(ALERT_RESOLVED, 12, "alert-resolved", true, "alert.resolved")                            \
    X(QUARTERLY_REVIEW, 13, "quarterly-review", true, "review.due")

enum notice_kind {
#define NOTICE_ENUM(name, number, token, operator_only, event) NOTICE_##name = (number),
    NOTICE_TABLE(NOTICE_ENUM)
#undef NOTICE_ENUM
};

const char *notice_kind_name(int64_t kind);  /* NULL when unknown */
int32_t notice_kind_parse(struct str token); /* -1 when unknown */
bool notice_is_operators(int64_t kind);
const char *notice_event_type(int64_t kind); /* NULL when unknown */

/* Everything is borrowed for the call. Texts are short and of ours: never a secret, never a payload. */
struct notice {
    enum notice_kind kind;
    const struct app *app;           /* NULL: for the operator alone */
    const struct endpoint *endpoint; /* NULL: none */
    const struct id *event;          /* NULL: none */
    const struct id *delivery;       /* NULL: none */
    struct str event_type;
    struct str topic; /* tells issues of one kind and endpoint apart, such as an alert's name */
    struct str detail; /* a token, a reason, a sentence */
    struct str
        reason; /* goes behind the sentence; for a bulk replay " from yesterday's outage" */
    struct str severity; /* of an alert: page or notify */
    int64_t count;       /* failures in a row, events sent again, attempts; 0 = none */
    int64_t percent;     /* 0 = none */
    int64_t since;       /* wall ms; 0 = none */
    int64_t cooldown_ms; /* longer than the server's; 0 = that */
    bool always;         /* no cool-down: every one is told (secrets, replays) */
};

struct notices_options {
    struct loop *loop;
    struct registry *registry;
    struct writer *writer;
    struct hub *hub;          /* told of each; NULL: nobody watches */
    int64_t cooldown_ms;      /* one notice per issue in so long */
    int64_t app_hour_max;     /* new notices of one app in an hour */
    int64_t keep_ms;          /* how long they are kept */
    struct str own_url;       /* for links */
    struct str templates_dir; /* the operator's own texts; empty: those of the build */
};

/* Reads the newest notices, so that the cool-down survives a restart. */
NODISCARD int notices_new(const struct notices_options *options, const struct db_options *db,
                          struct notices **ret_notices, struct err *err);
void notices_free(struct notices *n); /* after the writer has stopped; NULL allowed */
/* From now on notices are mailed too (copied; what it points to lives longer). */
struct notice_mailer;
void notices_set_mailer(struct notices *n, const struct notice_mailer *mailer);
/* NULL before. */
const struct notice_mailer *notices_mailer(const struct notices *n);
const struct notice_texts *notices_texts(const struct notices *n);
/* No timer fires any more. */
void notices_stop(struct notices *n);

/* NULL notices: nothing happens (tests of other parts). */
void notice_raise(struct notices *n, const struct notice *notice);

struct notices_stats {
    uint64_t raised;     /* stored */
    uint64_t grouped;    /* counted onto one that was stored before */
    uint64_t suppressed; /* over a limit */
    uint64_t failed;     /* the store refused */
};
void notices_stats(const struct notices *n, struct notices_stats *ret_stats);

#endif
