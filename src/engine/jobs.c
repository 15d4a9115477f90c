/* SPDX-License-Identifier: Apache-2.0 */
/* jobs.c - one bite at a time; the next follows at once while there is more, else after a minute. */
#include "engine/jobs.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "engine/registry.h"
#include "engine/rules.h"
#include "net/loop.h"
#include "store/audit.h"
#include "store/event.h"
#include "store/retention.h"
#include "store/success.h"
#include "store/writer.h"

#define MS_PER_S INT64_C(1000)

/* One of the walks of store/retention.h: when its next round is due, and what this one did. */
struct walk {
    int64_t next_at; /* boot ms */
    uint32_t looked, removed;
    struct retention_bite bite;
};

struct jobs {
    struct jobs_options options;
    struct loop_timer timer;
    struct write write;
    struct walk walks[RETENTION_WALKS];
    struct retention retention;
    struct retention_app *apps;
    struct retention_gone *gone;
    int64_t keys_before, audit_before, exhausted_before, replays_before;
    bool more_keys, more_audit, more_exhausted, more_replays, frees_pages;
    struct audit_end ends[AUDIT_ENDS_MAX];
    size_t end_count;
    int64_t ended_at; /* the newest audit row that was told of */
    bool is_out, is_stopped;
};

static int bite_walks(struct jobs *j, struct db *db)
{
    int rc = 0;

    for (int i = RETENTION_EVENTS; i < RETENTION_WALKS && rc == 0; i++) {
        struct walk *w = &j->walks[i];

        if (w->bite.rows_max > 0) {
            rc = retention_bite(db, &j->retention, &w->bite);
        }
    }
    return rc == 0 && j->frees_pages ? expire_free_pages(db) : rc;
}

static int bite_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct jobs *j = CONTAINER_OF(w, struct jobs, write);
    int rc = bite_walks(j, db);

    (void)seqs;
    if (rc == 0) {
        rc = idem_expire(db, j->keys_before, JOBS_BITE_ROWS, &j->more_keys);
    }
    if (rc == 0) {
        rc = audit_expire(db, j->audit_before, JOBS_BITE_ROWS, &j->more_audit);
    }
    if (rc == 0) {
        rc = exhausted_expire(db, j->exhausted_before, JOBS_BITE_ROWS, &j->more_exhausted);
    }
    if (rc == 0) {
        rc = replay_expire(db, j->replays_before, &j->more_replays);
    }
    j->end_count = 0;
    if (rc == 0) {
        rc = audit_ends(db, j->ended_at, j->ends, &j->end_count);
    }
    return rc;
}

/*
 * What only erases passes over what it left, so it begins anew once a day. What removes begins
 * anew every minute, unless it walks over much that is kept longer.
 */
static int64_t walk_pause(int kind, const struct walk *w)
{
    if (kind == RETENTION_BODIES || kind == RETENTION_RESPONSES) {
        return JOBS_DAILY_MS;
    }
    return w->looked > JOBS_REST_LOOKED && w->removed < w->looked / 10 ? JOBS_REST_MS
                                                                       : JOBS_EVERY_MS;
}

/* True when one of them goes on at once. */
static bool walks_done(struct jobs *j)
{
    int64_t now = clock_boot_ms();
    bool more = false;

    j->frees_pages = false;
    for (int i = RETENTION_EVENTS; i < RETENTION_WALKS; i++) {
        struct walk *w = &j->walks[i];

        if (w->bite.rows_max == 0) {
            continue;
        }
        w->looked += w->bite.looked;
        w->removed += w->bite.removed;
        more = more || w->bite.more;
        if (!w->bite.more) {
            w->next_at = now + walk_pause(i, w);
            j->frees_pages = j->frees_pages || w->removed > 0;
            w->looked = 0;
            w->removed = 0;
        }
    }
    return more;
}

/* What stands in the log of the process cannot be taken back by who has the database. */
static void tell_audit(struct jobs *j)
{
    for (size_t i = 0; i < j->end_count; i++) {
        const struct audit_end *end = &j->ends[i];
        char hash[2 * AUDIT_HASH_SIZE + 1];

        for (size_t k = 0; k < AUDIT_HASH_SIZE; k++) {
            (void)snprintf(hash + 2 * k, 3, "%02x", end->hash[k]);
        }
        LOG_I("the audit log ends here", "project_no=%lld number=%lld hash=%s",
              (long long)end->project, (long long)end->number, hash);
        j->ended_at = end->at;
    }
}

static void bite_done(struct write *w, int result)
{
    struct jobs *j = CONTAINER_OF(w, struct jobs, write);
    bool more = false;

    j->is_out = false;
    if (result != 0) {
        LOG_W("a retention bite failed; it is tried again", "error=%s", err_token(result));
    } else {
        more = walks_done(j) || j->more_keys || j->more_audit || j->more_exhausted ||
               j->more_replays;
        tell_audit(j);
    }
    if (!j->is_stopped) {
        loop_timer_set(j->options.loop, &j->timer,
                       clock_boot_ms() + (more ? 1 : JOBS_EVERY_MS));
    }
}

/* Apps with periods of their own, and endpoints that are gone, in order of number. */
static void take_policy(struct jobs *j, int64_t now)
{
    const struct jobs_periods *p = &j->options.periods;
    const struct registry *registry = j->options.registry;
    struct retention *r = &j->retention;
    struct object *o;

    free(j->apps);
    free(j->gone);
    j->apps = NULL;
    j->gone = NULL;
    *r = (struct retention){ .now = now,
                             .events_ms = p->events,
                             .deliveries_ms = p->deliveries == 0 ? p->events : p->deliveries,
                             .bodies_ms = p->bodies,
                             .responses_ms = p->responses,
                             .gone_ms = p->gone };
    for (size_t i = 0; (o = registry_at(registry, CONFIG_APP, i)) != NULL; i++) {
        const struct app *app = (const struct app *)(const void *)o;

        if (app->retention_days != 0) {
            j->apps = xrealloc(j->apps, (r->app_count + 1) * sizeof(*j->apps));
            j->apps[r->app_count++] =
                (struct retention_app){ o->no, app->retention_days * JOBS_DAILY_MS };
        }
    }
    for (size_t i = 0; (o = registry_at(registry, CONFIG_ENDPOINT, i)) != NULL; i++) {
        if (o->deleted_at != 0) {
            j->gone = xrealloc(j->gone, (r->gone_count + 1) * sizeof(*j->gone));
            j->gone[r->gone_count++] = (struct retention_gone){ o->no, o->deleted_at };
        }
    }
    r->apps = j->apps;
    r->gone = j->gone;
}

/* Which walks have a bite this time. */
static void take_walks(struct jobs *j)
{
    int64_t now = clock_boot_ms();

    for (int i = RETENTION_EVENTS; i < RETENTION_WALKS; i++) {
        struct walk *w = &j->walks[i];
        bool is_off = (i == RETENTION_BODIES && j->retention.bodies_ms == 0) ||
                      (i == RETENTION_RESPONSES && j->retention.responses_ms == 0) ||
                      (i == RETENTION_GONE && j->retention.gone_count == 0);

        w->bite =
            (struct retention_bite){ .walk = (enum retention_walk)i,
                                     .rows_max =
                                         is_off || now < w->next_at ? 0 : JOBS_BITE_ROWS };
    }
}

static void on_due(struct loop_timer *t)
{
    struct jobs *j = t->ctx;
    int64_t now = clock_wall_ms();

    j->keys_before = now - j->options.periods.idempotency;
    j->audit_before = now - j->options.periods.audit;
    j->replays_before = now - j->options.periods.replays;
    take_policy(j, now);
    take_walks(j);
    j->exhausted_before = now - RULES_EXHAUSTED_PERIOD_MAX_S * MS_PER_S;
    j->write = (struct write){ .class = WRITE_BACKGROUND,
                               .rows = 2 * JOBS_BITE_ROWS,
                               .bytes = 1024,
                               .run = bite_run,
                               .on_done = bite_done };
    j->is_out = writer_submit(j->options.writer, &j->write) == 0;
    if (!j->is_out) {
        loop_timer_set(j->options.loop, t, clock_boot_ms() + JOBS_EVERY_MS);
    }
}

struct jobs *jobs_start(const struct jobs_options *options)
{
    struct jobs *j = xalloc(sizeof(*j));

    j->options = *options;
    j->ended_at = clock_wall_ms();
    j->timer = (struct loop_timer){ .on_due = on_due, .ctx = j };
    loop_timer_set(options->loop, &j->timer, clock_boot_ms() + JOBS_EVERY_MS);
    return j;
}

void jobs_set_periods(struct jobs *j, const struct jobs_periods *periods)
{
    j->options.periods = *periods;
}

void jobs_stop(struct jobs *j)
{
    if (j != NULL) {
        j->is_stopped = true;
        loop_timer_cancel(j->options.loop, &j->timer);
    }
}

void jobs_free(struct jobs *j)
{
    if (j != NULL) {
        free(j->apps);
        free(j->gone);
    }
    free(j);
}
