/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - the jobs in memory: loading, whose turn it is, pausing and ending.
 *
 *   load -> step: a part that may -> read (replay_step.c) -> bite -> step ...
 *             |                                                 `-- lost, refused: load again
 *             `-- none may yet: the timer
 */
#include "engine/replay.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/engine.h"
#include "engine/registry.h"
#include "engine/replay_internal.h"
#include "json/json.h"
#include "store/audit.h"
#include "store/writer.h"

static struct job *job_of(struct list_node *n)
{
    return CONTAINER_OF(n, struct job, node);
}

static void job_load(struct job *j);

void job_free(struct job *j)
{
    loop_timer_cancel(j->replays->options.loop, &j->timer);
    list_remove(&j->replays->jobs, &j->node);
    arena_done(&j->arena);
    arena_done(&j->step);
    json_doc_free(j->doc);
    free(j);
}

static void on_timer(struct loop_timer *t)
{
    job_step(t->ctx);
}

void job_wait(struct job *j, int64_t boot_ms)
{
    if (!j->replays->is_stopped) {
        loop_timer_set(j->replays->options.loop, &j->timer, boot_ms);
    }
}

struct job *job_find(struct replays *r, int64_t no)
{
    for (struct list_node *n = list_first(&r->jobs); n != NULL; n = list_next(&r->jobs, n)) {
        if (job_of(n)->row.no == no) {
            return job_of(n);
        }
    }
    return NULL;
}

struct job *job_add(struct replays *r, int64_t no)
{
    struct job *j = xalloc(sizeof(*j));

    j->replays = r;
    j->row.no = no;
    j->timer = (struct loop_timer){ .on_due = on_timer, .ctx = j };
    j->is_stale = true;
    arena_init(&j->arena);
    arena_init(&j->step);
    list_push_back(&r->jobs, &j->node);
    return j;
}

/* --- loading: the row and its parts as they are stored */
static int load_run(struct read *read, struct db *db)
{
    struct job *j = CONTAINER_OF(read, struct job, read);
    int64_t no = j->row.no;
    int rc;

    arena_done(&j->arena);
    rc = replay_get_no(db, no, &j->arena, &j->row);
    j->row.no = no;
    return rc != 0 ? rc : replay_parts(db, no, &j->arena, &j->rows, &j->loaded_parts);
}

static int load_take(struct job *j)
{
    bool open = false;
    int rc;

    json_doc_free(j->doc);
    j->doc = NULL;
    rc = json_parse(j->row.spec, JSON_DEPTH_MAX, &j->doc, NULL);
    if (rc == 0) {
        rc = replay_spec_read(json_root(j->doc), &j->arena, &j->spec);
    }
    j->parts = arena_alloc(&j->arena, (j->loaded_parts + 1) * sizeof(*j->parts));
    j->part_count = j->loaded_parts;
    j->part_at = 0;
    for (size_t i = 0; i < j->part_count; i++) {
        j->parts[i] = (struct job_part){ .row = j->rows[i],
                                         .looked = j->rows[i].place,
                                         .is_over = j->rows[i].place == INT64_MAX };
        open = open || !j->parts[i].is_over;
    }
    /* One of them ends the job. */
    if (!open && j->part_count > 0) {
        j->parts[0].is_over = false;
    }
    return rc;
}

static void load_done(struct read *read, int result)
{
    struct job *j = CONTAINER_OF(read, struct job, read);

    j->is_out = false;
    if (result == -E_NOT_FOUND || (result == 0 && !replay_is_active(j->row.state))) {
        job_free(j);
        return;
    }
    if (result != 0) {
        job_wait(j, clock_boot_ms() + REPLAY_AGAIN_MS);
        return;
    }
    result = load_take(j);
    if (result != 0) {
        LOG_E("a replay's document cannot be read", "replay_no=%lld error=%s",
              (long long)j->row.no, err_token(result));
        job_free(j);
        return;
    }
    j->is_stale = false;
    job_step(j);
}

static void job_load(struct job *j)
{
    j->read = (struct read){ .run = load_run, .on_done = load_done };
    j->is_out = readers_submit(j->replays->options.readers, &j->read) == 0;
    if (!j->is_out) {
        job_wait(j, clock_boot_ms() + REPLAY_AGAIN_MS);
    }
}

/* --- whose turn it is: the next part in the round that may have one now */
static struct job_part *next_part(struct job *j, int64_t now, int64_t *ret_wake)
{
    *ret_wake = INT64_MAX;
    for (size_t i = 0; i < j->part_count; i++) {
        struct job_part *p = &j->parts[(j->part_at + i) % j->part_count];

        if (p->is_over) {
            continue;
        }
        if (p->next_at <= now) {
            j->part_at = (j->part_at + i + 1) % j->part_count;
            return p;
        }
        *ret_wake = p->next_at < *ret_wake ? p->next_at : *ret_wake;
    }
    return NULL;
}

void job_step(struct job *j)
{
    int64_t wake;

    if (j->is_out || j->replays->is_stopped) {
        return;
    }
    if (j->is_stale) {
        job_load(j);
        return;
    }
    if (j->row.state == REPLAY_PAUSED) {
        return;
    }
    j->part = next_part(j, clock_boot_ms(), &wake);
    if (j->part != NULL) {
        job_read(j);
    } else if (wake != INT64_MAX) {
        job_wait(j, wake);
    }
}

/* --- the runner */
struct replays *replays_new(const struct replays_options *options)
{
    struct replays *r = xalloc(sizeof(*r));

    r->options = *options;
    list_init(&r->jobs);
    map_init(&r->singles);
    arena_init(&r->arena);
    return r;
}

static int start_run(struct read *read, struct db *db)
{
    struct replays *r = CONTAINER_OF(read, struct replays, read);

    return replay_active(db, &r->arena, REPLAY_JOBS_MAX, &r->rows, &r->row_count);
}

static void start_done(struct read *read, int result)
{
    struct replays *r = CONTAINER_OF(read, struct replays, read);

    if (result != 0) {
        LOG_E("the replays that run could not be read", "error=%s", err_token(result));
    }
    for (size_t i = 0; result == 0 && i < r->row_count && !r->is_stopped; i++) {
        if (job_find(r, r->rows[i].no) == NULL) {
            job_step(job_add(r, r->rows[i].no));
        }
    }
    arena_done(&r->arena);
}

void replays_start(struct replays *r)
{
    r->read = (struct read){ .run = start_run, .on_done = start_done };
    if (readers_submit(r->options.readers, &r->read) != 0) {
        LOG_E("the replays that run could not be read", "error=%s", err_token(-E_BUSY));
    }
}

void replays_stop(struct replays *r)
{
    if (r == NULL) {
        return;
    }
    r->is_stopped = true;
    for (struct list_node *n = list_first(&r->jobs); n != NULL; n = list_next(&r->jobs, n)) {
        loop_timer_cancel(r->options.loop, &job_of(n)->timer);
    }
}

void replays_free(struct replays *r)
{
    struct list_node *n;
    size_t at = 0;
    void *single;

    if (r == NULL) {
        return;
    }
    while ((n = list_first(&r->jobs)) != NULL) {
        job_free(job_of(n));
    }
    while ((single = map_next(&r->singles, &at)) != NULL) {
        free(single);
    }
    map_done(&r->singles);
    arena_done(&r->arena);
    free(r);
}

size_t replays_running(const struct replays *r)
{
    return r->jobs.count;
}

/* --- making one */
static int make_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct replay_make *m = CONTAINER_OF(w, struct replay_make, write);

    (void)seqs;
    return replay_insert(db, &m->made);
}

static void make_done(struct write *w, int result)
{
    struct replay_make *m = CONTAINER_OF(w, struct replay_make, write);
    struct replays *r = m->replays;
    int64_t no = m->made.row.no;
    bool is_new = result == 0 && !m->made.is_repeat && !m->made.is_over;

    m->on_done(m, result);
    if (is_new && !r->is_stopped && job_find(r, no) == NULL) {
        job_step(job_add(r, no));
    }
}

int replays_make(struct replays *r, struct replay_make *m)
{
    m->replays = r;
    m->write = (struct write){ .class = WRITE_PUBLISH,
                               .rows = (uint32_t)m->made.part_count + 1,
                               .bytes = m->made.row.spec.len + 1024,
                               .run = make_run,
                               .on_done = make_done };
    return r->is_stopped ? -E_BUSY : writer_submit(r->options.writer, &m->write);
}

/* --- pause, resume, cancel: the row first, then what is in memory */
struct order {
    struct write write;
    struct replays *replays;
    struct id id;
    int64_t app;
    enum replay_order order;
    struct audit_entry *audit;
    replays_done *on_done;
    void *ctx;
    int found; /* 0, or why not */
    int64_t no;
    int64_t changes;
};

static const struct {
    unsigned from;
    enum replay_state to;
} order_moves[] = {
    [REPLAY_PAUSE] = { 1U << REPLAY_QUEUED | 1U << REPLAY_RUNNING, REPLAY_PAUSED },
    [REPLAY_RESUME] = { 1U << REPLAY_PAUSED, REPLAY_RUNNING },
    [REPLAY_CANCEL] = { 1U << REPLAY_QUEUED | 1U << REPLAY_RUNNING | 1U << REPLAY_PAUSED,
                        REPLAY_CANCELLED },
};

static void order_free(struct order *o)
{
    free(o->audit);
    free(o);
}

static int order_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct order *o = CONTAINER_OF(w, struct order, write);
    struct replay_row row;
    struct arena arena;
    int rc;

    (void)seqs;
    o->changes = 0;
    arena_init(&arena);
    rc = replay_get(db, &o->id, &arena, &row);
    arena_done(&arena);
    o->found = rc == 0 && row.app != o->app ? -E_NOT_FOUND : rc;
    if (rc < 0 && rc != -E_NOT_FOUND) {
        return rc;
    }
    if (o->found != 0) {
        return 0;
    }
    o->no = row.no;
    rc = replay_set_state(db, row.no, order_moves[o->order].from, order_moves[o->order].to,
                          clock_wall_ms(), &o->changes);
    return rc == 0 && o->audit != NULL ? audit_append_if(db, &o->changes, o->audit) : rc;
}

static void order_take(const struct order *o)
{
    struct job *j = job_find(o->replays, o->no);

    if (j == NULL) {
        return;
    }
    j->row.state = order_moves[o->order].to;
    if (o->order == REPLAY_CANCEL) {
        j->row.ended_at = clock_wall_ms();
    }
    job_tell(j, "replay.updated");
    /* A step that is out comes back and finds the state; a cancelled job is read once more, and
     * gone. */
    j->is_stale = j->is_stale || o->order == REPLAY_CANCEL;
    job_step(j);
}

static void order_done(struct write *w, int result)
{
    struct order *o = CONTAINER_OF(w, struct order, write);

    if (result == 0) {
        result = o->found != 0 ? o->found : o->changes == 0 ? -E_STATE : 0;
    }
    if (result == 0) {
        order_take(o);
    }
    o->on_done(o->ctx, result);
    order_free(o);
}

int replays_order(struct replays *r, const struct id *id, int64_t app_no,
                  const struct replay_ask *ask, replays_done *on_done, void *ctx)
{
    struct order *o = xalloc(sizeof(*o));
    int rc;

    *o = (struct order){ .replays = r,
                         .id = *id,
                         .app = app_no,
                         .order = ask->order,
                         .audit = ask->audit == NULL ? NULL : audit_copy(ask->audit),
                         .on_done = on_done,
                         .ctx = ctx };
    o->write = (struct write){
        .class = WRITE_PUBLISH, .rows = 1, .bytes = 64, .run = order_run, .on_done = order_done
    };
    rc = writer_submit(r->options.writer, &o->write);
    if (rc != 0) {
        order_free(o);
    }
    return rc;
}
