/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub.h - the live stream's hub: who watches what, and the last messages of each project. Main
 * thread; knows no HTTP.
 *
 * A project that somebody watches has one ring of messages, numbered in order of publication
 * (after the commit, so in commit order). Every client has only a place in that ring: a slow one
 * costs no memory, and when the ring has overtaken it, it gets HUB_RESET once and goes on with
 * what is new. A project that nobody has watched for HUB_LINGER_MS has no ring, and publishing
 * costs a look-up; so ask hub_listens or hub_take before you build a message.
 *
 * Numbers begin at the wall clock's microseconds: those of an earlier process are smaller, so
 * resuming with one of them is a reset, never a wrong place.
 */
#ifndef ENGINE_HUB_H
#define ENGINE_HUB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "base/list.h"
#include "base/str.h"

struct hub;
struct hub_ring;
struct loop;

enum {
    HUB_RING_MESSAGES = 2048, /* per project */
    HUB_RING_BYTES = 2 * 1024 * 1024,
    HUB_DATA_MAX = 16 * 1024, /* bytes of one message */
    HUB_RATE_APP = 20,        /* sampled messages per app, topic and second */
    HUB_RATE_PROJECT = 200,   /* sampled messages per project and second */
    HUB_APPS_MAX = 10000,     /* apps of a project that are counted apart in one second */
    HUB_TICK_APPS = 200,
    HUB_LINGER_MS = 5 * 60 * 1000, /* so long a project without clients can be resumed */
    HUB_TICK_MS = 1000
};

#define HUB_TOPICS(X)                                                                          \
    X(DELIVERIES, "deliveries") /* delivery.created, delivery.updated */                       \
    X(EVENTS, "events")         /* counted */                                                  \
    X(ENDPOINTS, "endpoints")   /* endpoint.updated: status and health */                      \
    X(JOBS, "jobs")             /* progress of replays and other jobs */                       \
    X(NOTICES, "notices")       /* what people are told */                                     \
    X(STATS, "stats")           /* counted */

enum hub_topic_bit {
#define HUB_BIT(name, text) HUB_BIT_##name,
    HUB_TOPICS(HUB_BIT)
#undef HUB_BIT
        HUB_TOPIC_COUNT
};

enum hub_topic {
#define HUB_FLAG(name, text) HUB_##name = 1 << HUB_BIT_##name,
    HUB_TOPICS(HUB_FLAG)
#undef HUB_FLAG
        HUB_ALL = (1 << HUB_TOPIC_COUNT) - 1
};

/* Numbers, as in the store. */
struct hub_message {
    enum hub_topic topic;
    int64_t project;
    int64_t app;      /* 0: of the whole project; a client bound to an app does not see it */
    int64_t endpoint; /* 0: of none */
    const char *type; /* the event name: a literal such as "delivery.updated" */
    struct str data;  /* a JSON object; copied; at most HUB_DATA_MAX, a longer one is dropped */
    int64_t id;       /* the hub's; set in what hub_next returns */
};

NODISCARD int hub_new(struct loop *loop, struct hub **ret_hub);
void hub_free(struct hub *hub); /* every client has left; NULL allowed */

/* --- publishing. NULL for hub is allowed everywhere here: nobody listens. */
/* Does anybody watch this project, or has lately? */
bool hub_listens(const struct hub *hub, int64_t project);
/*
 * May one sampled message be published now? False when nobody listens, and over the rate: then
 * it is counted as skipped.
 */
bool hub_take(struct hub *hub, enum hub_topic topic, int64_t project, int64_t app,
              const struct id *app_id);
void hub_publish(struct hub *hub, const struct hub_message *message);

enum hub_count { HUB_ACCEPTED, HUB_ATTEMPTS, HUB_DELIVERED, HUB_FAILED, HUB_COUNTS };
/*
 * Add to the counts of this second. At its end they are published per app as `counted` {app_id,
 * accepted, attempts, delivered, failed, skipped} to the topic stats, also to events when
 * something was accepted, and to a topic of which something was skipped. With more than
 * HUB_TICK_APPS apps in a second, those without a client of their own are summed up under
 * app_id null.
 */
void hub_add(struct hub *hub, enum hub_count what, uint32_t n, int64_t project, int64_t app,
             const struct id *app_id);

/* --- watching */
struct hub_client { /* embedded by the owner; zeroed before use */
    /* the owner's, constant while joined */
    unsigned topics; /* enum hub_topic bits */
    int64_t project;
    int64_t app;      /* 0 = all */
    int64_t endpoint; /* 0 = all */
    /* There is something for hub_next; once, until hub_next has said HUB_NOTHING. At the end of
     * a turn of the loop. */
    void (*on_wake)(struct hub_client *client);
    void *ctx;
    /* the hub's */
    struct list_node node;
    struct hub_ring *ring;
    int64_t next; /* id of the first message that was not looked at */
    bool is_reset, is_woken;
};

/* after_id 0: from now on; else behind that message, and HUB_RESET first when it is unknown. */
void hub_join(struct hub *hub, struct hub_client *client, int64_t after_id);
void hub_leave(struct hub *hub, struct hub_client *client); /* no-op when not joined */

enum hub_got { HUB_NOTHING, HUB_MESSAGE, HUB_RESET };
/*
 * The client's next message; its strings are borrowed until the next publish. HUB_RESET: what
 * came between is lost, read the lists again; ret->id is where it goes on.
 */
enum hub_got hub_next(struct hub *hub, struct hub_client *client, struct hub_message *ret);

size_t hub_clients(const struct hub *hub);
/* The bit of a topic by name, 0 when there is none; the name of a bit. */
unsigned hub_topic_parse(struct str name);
const char *hub_topic_name(enum hub_topic topic);

/* What the timer does once a second; for tests. */
void hub_tick(struct hub *hub, int64_t boot_ms);

#endif
