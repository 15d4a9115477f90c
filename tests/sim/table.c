/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store. A batch takes the outcomes first, then publishes, then, when no outcome is left waiting,
 * background work: so a load is a barrier. At its commit all of it runs in that order (a load sees what ran
 * before it), and then the completions are told in the same order. A commit may fail (disk full: known,
 * nothing happened) or be unknown (stored or not); outcomes are then run again, publishes are refused.
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

enum { BATCH_OUTCOMES_MAX = 64, BATCH_PUBLISHES_MAX = 32, BATCH_BACKGROUND_MAX = 16 };

bool table_is_open(const struct row *row)
{
    return row->next_at >= 0;
}

/* 0 stands for fresh, so a retry of exactly that time is told a little late. */
int64_t table_due(const struct world *world, const struct row *row)
{
    int64_t due = world_to_core(world, row->next_at);

    if (row->next_at <= 0) {
        return 0;
    }
    return due == 0 ? 1 : due;
}

/* --- queues ------------------------------------------------------------------------------------------- */

static void push(struct queue *queue, const struct write *write)
{
    if (queue->count == queue->cap) {
        queue->cap = queue->cap == 0 ? 64 : queue->cap * 2;
        queue->writes = realloc(queue->writes, queue->cap * sizeof(*queue->writes));
        if (queue->writes == NULL) {
            abort();
        }
    }
    queue->writes[queue->count++] = *write;
}

static void take(struct queue *from, struct queue *to, uint32_t max)
{
    uint32_t n = from->count < max ? from->count : max;

    if (n == 0) {
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        push(to, &from->writes[i]);
    }
    from->count -= n;
    memmove(from->writes, from->writes + n, from->count * sizeof(*from->writes));
}

static void clear(struct queue *queue)
{
    for (uint32_t i = 0; i < queue->count; i++) {
        free(queue->writes[i].rows);
    }
    queue->count = 0;
}

void table_submit(struct world *world, const struct write *write)
{
    struct writer *writer = &world->writer;

    switch (write->kind) {
    case WRITE_OUTCOME:
        push(&writer->outcomes, write);
        break;
    case WRITE_PUBLISH:
        push(&writer->publishes, write);
        break;
    case WRITE_LOAD:
    case WRITE_CANCEL:
    case WRITE_RETRY_NOW:
    case WRITE_BACKLOG:
    case WRITE_SWEEP:
        push(&writer->background, write);
        break;
    }
    table_run(world);
}

bool table_is_idle(const struct world *world)
{
    const struct writer *writer = &world->writer;

    return !writer->is_busy && writer->outcomes.count == 0 && writer->publishes.count == 0 &&
           writer->background.count == 0;
}

void table_run(struct world *world)
{
    struct writer *writer = &world->writer;
    int64_t at = world->now + sim_between(&world->random, 1, 20);

    /* While the store takes nothing it is tried also without work: else nothing would ever go on. */
    if (writer->is_busy || (table_is_idle(world) && writer->store_ok)) {
        return;
    }
    take(&writer->outcomes, &writer->batch, BATCH_OUTCOMES_MAX);
    take(&writer->publishes, &writer->batch, BATCH_PUBLISHES_MAX);
    if (writer->outcomes.count == 0) {
        take(&writer->background, &writer->batch, BATCH_BACKGROUND_MAX);
    }
    if (writer->fault_until > world->now) {
        at += sim_between(&world->random, 0, 2 * SECOND);
    }
    if (writer->stall_until > at) {
        at = writer->stall_until;
        cover_reach(COVER_STORE_STALL);
    }
    writer->is_busy = true;
    world_at(world, at, EVENT_COMMIT, 0, world->life);
}

/* --- running a write ------------------------------------------------------------------------------------ */

static void run_publish(struct world *world, struct write *write)
{
    write->seq = world->row_count + 1;
    for (uint32_t i = 0; i < write->target_count; i++) {
        struct row *row = &world->rows[++world->row_count];

        if (world->row_count >= ROWS_MAX) {
            world_fail(world, "too many rows");
        }
        *row = (struct row){
            .created_at = world_to_wall(world, world_core_now(world)),
            .logical = write->targets[i],
            .state = ROW_PENDING,
            .is_poison = sim_chance(&world->random, 3),
        };
    }
}

/* A cancelled row changes for a delivery only. */
static void run_outcome(struct world *world, const struct core_action *action)
{
    struct row *row = &world->rows[action->delivery.seq];

    row->attempts = action->delivery.attempts;
    if (row->state == ROW_CANCELLED && action->verdict != CORE_DELIVERED) {
        return;
    }
    if (action->keep_schedule) {
        return;
    }
    row->why = action->why;
    switch (action->verdict) {
    case CORE_DELIVERED:
        row->state = ROW_DELIVERED;
        row->next_at = -1;
        break;
    case CORE_FAILED:
        row->state = ROW_FAILED;
        row->next_at = -1;
        break;
    case CORE_RETRY:
        row->state = ROW_RETRYING;
        row->next_at = world_to_wall(world, action->due);
        break;
    }
}

static int compare_rows(const void *a, const void *b)
{
    const struct core_delivery *x = a;
    const struct core_delivery *y = b;

    if (x->due != y->due) {
        return x->due < y->due ? -1 : 1;
    }
    return x->seq < y->seq ? -1 : 1;
}

static struct core_delivery as_delivery(const struct world *world, int64_t seq)
{
    const struct row *row = &world->rows[seq];

    return (struct core_delivery){
        .seq = seq,
        .event = seq * 7,
        .due = table_due(world, row),
        .accepted = world_to_core(world, row->created_at),
        .ep = world->logicals[row->logical].ep,
        .attempts = row->attempts,
    };
}

static void run_load(struct world *world, struct write *write)
{
    const struct core_action *action = &write->action;
    bool is_fresh = action->load == CORE_LOAD_FRESH;
    int64_t after = world_to_wall(world, action->after_due);
    /* a shell may translate the bound and the due times of a load by clocks read a little apart */
    int64_t jitter = sim_between(&world->random, -1, 1);
    uint32_t count = 0;

    write->rows = malloc(((size_t)world->row_count + 1) * sizeof(*write->rows));
    if (write->rows == NULL) {
        abort();
    }
    for (int64_t seq = 1; seq <= world->row_count; seq++) {
        const struct row *row = &world->rows[seq];

        if (row->logical != write->logical || !table_is_open(row) ||
            (row->next_at == 0) != is_fresh) {
            continue;
        }
        if (is_fresh ? seq > action->after_seq
                     : action->after_due == 0 || row->next_at > after + jitter) {
            write->rows[count++] = as_delivery(world, seq);
        }
    }
    qsort(write->rows, count, sizeof(*write->rows), compare_rows);
    write->row_count = count < action->limit ? count : action->limit;
    write->is_end = count < action->limit;
    write->upto = world->row_count;
    for (uint32_t i = 0; !is_fresh && i < write->row_count; i++) {
        write->rows[i].due += jitter;
    }
}

static void run_write(struct world *world, struct write *write)
{
    struct row *row;

    switch (write->kind) {
    case WRITE_OUTCOME:
        if (!write->is_applied) {
            run_outcome(world, &write->action);
        }
        break;
    case WRITE_PUBLISH:
        run_publish(world, write);
        break;
    case WRITE_LOAD:
        run_load(world, write);
        break;
    case WRITE_CANCEL:
        row = &world->rows[write->seq];
        if (table_is_open(row)) {
            row->state = ROW_CANCELLED;
            row->next_at = -1;
        }
        break;
    case WRITE_RETRY_NOW:
        write->before = world->rows[write->seq];
        break;
    case WRITE_BACKLOG:
    case WRITE_SWEEP:
        break;
    }
    write->is_applied = true;
}

void table_crash(struct world *world)
{
    struct writer *writer = &world->writer;
    bool is_stored = writer->is_busy && sim_chance(&world->random, 500);

    if (writer->is_busy) {
        cover_reach(is_stored ? COVER_CRASH_COMMITTED : COVER_CRASH_LOST);
    }
    for (uint32_t i = 0; is_stored && i < writer->batch.count; i++) {
        run_write(world, &writer->batch.writes[i]);
    }
    clear(&writer->outcomes);
    clear(&writer->publishes);
    clear(&writer->background);
    clear(&writer->batch);
    writer->is_busy = false;
}

void table_free(struct world *world)
{
    table_crash(world);
    free(world->writer.outcomes.writes);
    free(world->writer.publishes.writes);
    free(world->writer.background.writes);
    free(world->writer.batch.writes);
}

/* --- telling the core ------------------------------------------------------------------------------------- */

void table_backlog(struct world *world, uint32_t ep, struct core_input *ret_input)
{
    *ret_input = (struct core_input){ .kind = CORE_IN_ENDPOINT_BACKLOG, .ep = ep };
    for (int64_t seq = 1; seq <= world->row_count; seq++) {
        const struct row *row = &world->rows[seq];

        if (row->logical != world->by_ep[ep] || !table_is_open(row)) {
            continue;
        }
        if (row->next_at == 0) {
            ret_input->has_fresh = true;
        } else if (ret_input->retry_due == 0 || table_due(world, row) < ret_input->retry_due) {
            ret_input->retry_due = table_due(world, row);
        }
    }
}

static void tell_published(struct world *world, const struct write *write)
{
    for (uint32_t i = 0; i < write->target_count; i++) {
        int64_t seq = write->seq + i;
        struct core_input input = { .kind = CORE_IN_COMMITTED,
                                    .delivery = as_delivery(world, seq) };

        world->rows[seq].is_acked = true;
        if (!world->logicals[write->targets[i]].is_deleted) {
            input.delivery.due = 0;
            input.delivery.attempts = 0;
            world_step(world, &input);
            if (core_find(world->core, seq) == CORE_NOWHERE) {
                cover_reach(COVER_COMMITTED_IGNORED);
            }
        }
    }
}

static void tell_loaded(struct world *world, const struct write *write, bool is_failed)
{
    struct core_loaded loaded = { .ep = write->action.ep,
                                  .kind = write->action.load,
                                  .rows = write->rows,
                                  .count = write->row_count,
                                  .failed = is_failed,
                                  .upto = write->upto,
                                  .end = write->is_end };
    struct core_input input = { .kind = CORE_IN_LOADED, .loaded = &loaded };
    const struct logical *logical = &world->logicals[write->logical];

    cover_reach(is_failed                        ? COVER_LOAD_FAILED
                : loaded.kind == CORE_LOAD_FRESH ? COVER_LOAD_FRESH
                                                 : COVER_LOAD_RETRIES);
    if (!is_failed && !loaded.end) {
        cover_reach(COVER_LOAD_PAGE);
    }
    if (logical->is_deleted || logical->config.status != CORE_ACTIVE) {
        cover_reach(COVER_LOAD_STALE);
    }
    if (loaded.kind == CORE_LOAD_RETRIES && loaded.count > 0 && loaded.rows[0].due < 1) {
        cover_reach(COVER_DUE_BEFORE_BOOT);
    }
    if (!logical->is_deleted) {
        world_step(world, &input);
    }
}

static void tell_retry_now(struct world *world, const struct write *write)
{
    const struct row *row = &write->before;
    struct core_input input = { .kind = CORE_IN_RETRY_NOW };
    const struct logical *logical = &world->logicals[row->logical];

    if (row->state == ROW_DELIVERED || logical->is_deleted) {
        return;
    }
    input.delivery = as_delivery(world, write->seq);
    input.delivery.due = table_due(world, row);
    input.delivery.attempts = row->attempts;
    input.is_open = table_is_open(row);
    if (core_find(world->core, write->seq) != CORE_SENDING) {
        static const enum cover covers[] = { COVER_MANUAL_FRESH, COVER_MANUAL_RETRYING,
                                             COVER_COUNT, COVER_MANUAL_FAILED,
                                             COVER_MANUAL_CANCELLED };

        cover_reach(covers[row->state]);
        if (logical->config.status != CORE_ACTIVE) {
            cover_reach(COVER_MANUAL_PAUSED);
        }
    }
    world_step(world, &input);
}

static void tell_cancelled(struct world *world, const struct write *write)
{
    uint32_t logical = world->rows[write->seq].logical;
    struct core_input input = { .kind = CORE_IN_CANCEL,
                                .ep = world->logicals[logical].ep,
                                .seq = write->seq };
    enum core_place place = core_find(world->core, write->seq);

    if (world->rows[write->seq].state != ROW_CANCELLED) {
        return;
    }
    cover_reach(place == CORE_NOWHERE   ? COVER_CANCEL_TABLE
                : place == CORE_WAITING ? COVER_CANCEL_WAITING
                                        : COVER_CANCEL_SENDING);
    world->rows[write->seq].is_cancel_told = true;
    for (uint32_t slot = 0; slot < SLOTS_MAX; slot++) {
        struct attempt *attempt = &world->attempts[slot];

        if (attempt->is_taken && attempt->action.delivery.seq == write->seq) {
            attempt->is_cancelled = true;
        }
    }
    if (place == CORE_NOWHERE && world->rows[write->seq].blocked > 0) {
        cover_reach(COVER_ORDER_FREED);
    }
    world_step(world, &input);
}

static void tell(struct world *world, const struct write *write)
{
    struct core_input input = { .kind = CORE_IN_OUTCOME_STORED, .slot = write->action.slot };

    switch (write->kind) {
    case WRITE_OUTCOME:
        world->rows[write->action.delivery.seq].is_sending = false;
        world->attempts[write->action.slot].is_taken = false;
        world->in_flight--;
        world_step(world, &input);
        break;
    case WRITE_PUBLISH:
        tell_published(world, write);
        break;
    case WRITE_LOAD:
        tell_loaded(world, write, false);
        break;
    case WRITE_CANCEL:
        tell_cancelled(world, write);
        break;
    case WRITE_RETRY_NOW:
        tell_retry_now(world, write);
        break;
    case WRITE_BACKLOG:
        world->writer.is_backlog_owed = false;
        for (uint32_t ep = 0; ep < world->ep_count; ep++) {
            if (world->by_ep[ep] != NOBODY) {
                table_backlog(world, ep, &input);
                world_step(world, &input);
            }
        }
        break;
    case WRITE_SWEEP:
        oracle_sweep(world);
        rules_sweep(world);
        break;
    }
}

/* --- the commit ----------------------------------------------------------------------------------------------- */

static void tell_store(struct world *world, bool is_ok)
{
    struct core_input input = { .kind = CORE_IN_STORE, .store_ok = is_ok };

    if (world->writer.store_ok != is_ok) {
        world->writer.store_ok = is_ok;
        world_step(world, &input);
    }
}

/* Nothing of the batch was confirmed. */
static void refuse(struct world *world, struct queue *batch, bool is_unknown)
{
    struct writer *writer = &world->writer;
    struct queue outcomes = writer->outcomes;
    struct queue background = writer->background;

    writer->outcomes = (struct queue){ 0 };
    writer->background = (struct queue){ 0 };
    if (is_unknown) {
        writer->is_backlog_owed = true;
        world_at(world, world->now + sim_between(&world->random, 0, 20 * SECOND), EVENT_BACKLOG,
                 0, world->life);
    }
    for (uint32_t i = 0; i < batch->count; i++) {
        struct write *write = &batch->writes[i];

        if (write->kind == WRITE_OUTCOME) {
            push(&writer->outcomes, write);
        } else if (write->kind != WRITE_PUBLISH && write->kind != WRITE_LOAD) {
            push(&writer->background, write);
        }
    }
    take(&outcomes, &writer->outcomes, UINT32_MAX);
    take(&background, &writer->background, UINT32_MAX);
    free(outcomes.writes);
    free(background.writes);
    tell_store(world, false);
    for (uint32_t i = 0; i < batch->count; i++) {
        if (batch->writes[i].kind == WRITE_LOAD) {
            tell_loaded(world, &batch->writes[i], true);
        }
    }
}

void table_commit(struct world *world)
{
    struct writer *writer = &world->writer;
    struct queue batch = writer->batch;
    enum fault fault = writer->fault_until > world->now ? writer->fault : FAULT_NONE;
    bool is_stored =
        fault == FAULT_NONE || (fault == FAULT_UNKNOWN && sim_chance(&world->random, 500));

    writer->batch = (struct queue){ 0 };
    writer->is_busy = false;
    for (uint32_t i = 0; is_stored && i < batch.count; i++) {
        run_write(world, &batch.writes[i]);
    }
    if (fault == FAULT_NONE) {
        tell_store(world, true);
        for (uint32_t i = 0; i < batch.count; i++) {
            tell(world, &batch.writes[i]);
        }
    } else {
        cover_reach(fault == FAULT_FULL ? COVER_STORE_FULL
                    : is_stored         ? COVER_UNKNOWN_STORED
                                        : COVER_UNKNOWN_LOST);
        if (fault == FAULT_UNKNOWN) {
            writer->fault_until = 0;
        }
        refuse(world, &batch, fault == FAULT_UNKNOWN);
    }
    clear(&batch);
    free(batch.writes);
    table_run(world);
}
