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
#include "engine/rules.h"
#include "net/loop.h"
#include "store/audit.h"
#include "store/event.h"
#include "store/success.h"
#include "store/writer.h"

#define MS_PER_S INT64_C(1000)

struct jobs {
    struct jobs_options options;
    struct loop_timer timer;
    struct write write;
    int64_t events_before, keys_before, audit_before, exhausted_before;
    bool more_events, more_keys, more_audit, more_exhausted;
    struct audit_end ends[AUDIT_ENDS_MAX];
    size_t end_count;
    int64_t ended_at; /* the newest audit row that was told of */
    bool is_out, is_stopped;
};

static int bite_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct jobs *j = CONTAINER_OF(w, struct jobs, write);
    int rc;

    (void)seqs;
    rc = event_expire(db, j->events_before, JOBS_BITE_ROWS, &j->more_events);
    if (rc == 0) {
        rc = idem_expire(db, j->keys_before, JOBS_BITE_ROWS, &j->more_keys);
    }
    if (rc == 0) {
        rc = audit_expire(db, j->audit_before, JOBS_BITE_ROWS, &j->more_audit);
    }
    if (rc == 0) {
        rc = exhausted_expire(db, j->exhausted_before, JOBS_BITE_ROWS, &j->more_exhausted);
    }
    j->end_count = 0;
    if (rc == 0) {
        rc = audit_ends(db, j->ended_at, j->ends, &j->end_count);
    }
    return rc;
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
    bool more =
        result == 0 && (j->more_events || j->more_keys || j->more_audit || j->more_exhausted);

    j->is_out = false;
    if (result != 0) {
        LOG_W("a retention bite failed; it is tried again", "error=%s", err_token(result));
    } else {
        tell_audit(j);
    }
    if (!j->is_stopped) {
        loop_timer_set(j->options.loop, &j->timer,
                       clock_boot_ms() + (more ? 1 : JOBS_EVERY_MS));
    }
}

static void on_due(struct loop_timer *t)
{
    struct jobs *j = t->ctx;
    int64_t now = clock_wall_ms();

    j->events_before = now - j->options.retention_ms;
    j->keys_before = now - j->options.idempotency_ms;
    j->audit_before = now - j->options.audit_ms;
    j->exhausted_before = now - RULES_EXHAUSTED_PERIOD_MAX_S * MS_PER_S;
    j->write = (struct write){ .class = WRITE_BACKGROUND,
                               .rows = JOBS_BITE_ROWS,
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

void jobs_set_periods(struct jobs *j, int64_t retention_ms, int64_t idempotency_ms,
                      int64_t audit_ms)
{
    j->options.audit_ms = audit_ms;
    j->options.retention_ms = retention_ms;
    j->options.idempotency_ms = idempotency_ms;
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
    free(j);
}
