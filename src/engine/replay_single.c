/* SPDX-License-Identifier: Apache-2.0 */
/* replay_single.c - one delivery once more, by a person: no job, no rate, but a pause between two for customers. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "engine/registry.h"
#include "engine/replay_internal.h"
#include "store/audit.h"
#include "store/writer.h"

enum { SINGLES_MAX = 10000 }; /* endpoints remembered; those of before are due again anyway */

struct single {
    int64_t endpoint;
    int64_t at; /* boot ms */
};

struct single_ask {
    struct write write;
    struct replays *replays;
    struct replay_delivery delivery;
    struct replay_bite bite;
    struct arena arena;
    struct audit_entry *audit;
    replays_single_done *on_done;
    void *ctx;
};

static struct str single_key(const int64_t *endpoint)
{
    return (struct str){ (const char *)endpoint, sizeof(*endpoint) };
}

static void singles_forget(struct replays *r, int64_t now)
{
    struct single *s;
    size_t at = 0;

    while ((s = map_next(&r->singles, &at)) != NULL) {
        if (now - s->at >= REPLAY_SINGLE_MS) {
            (void)map_remove(&r->singles, single_key(&s->endpoint));
            free(s);
        }
    }
}

/* Is it too early? If not, now is the last time. */
static bool single_is_early(struct replays *r, int64_t endpoint)
{
    int64_t now = clock_boot_ms();
    struct single *s = map_get(&r->singles, single_key(&endpoint));

    if (s != NULL && now - s->at < REPLAY_SINGLE_MS) {
        return true;
    }
    if (s == NULL && r->singles.count >= SINGLES_MAX) {
        singles_forget(r, now);
    }
    if (s == NULL && r->singles.count < SINGLES_MAX) {
        s = xalloc(sizeof(*s));
        s->endpoint = endpoint;
        (void)map_put(&r->singles, single_key(&s->endpoint), s);
    }
    if (s != NULL) {
        s->at = now;
    }
    return s == NULL;
}

static int single_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct single_ask *ask = CONTAINER_OF(w, struct single_ask, write);

    int rc = replay_bite_store(db, &ask->bite, seqs);

    return rc == 0 && ask->audit != NULL
               ? audit_append_if(db, &ask->delivery.changes, ask->audit)
               : rc;
}

static void single_free(struct single_ask *ask)
{
    arena_done(&ask->arena);
    free(ask->audit);
    free(ask);
}

static void single_done(struct write *w, int result)
{
    struct single_ask *ask = CONTAINER_OF(w, struct single_ask, write);
    struct delivery_row *row = &ask->delivery.row;

    if (result == 0 && ask->delivery.changes == 0) {
        result = -E_STATE; /* its event went with the retention */
    }
    if (result == 0) {
        engine_replayed(ask->replays->options.engine, row);
    }
    ask->on_done(ask->ctx, result, &row->id);
    single_free(ask);
}

int replays_single(struct replays *r, const struct replay_single *single,
                   replays_single_done *on_done, void *ctx)
{
    const struct delivery_row *row = single->row;
    const struct endpoint *endpoint = registry_endpoint_no(r->options.registry, row->endpoint);
    struct single_ask *ask;
    int rc;

    if (!replay_reaches(endpoint) || r->is_stopped) {
        return -E_STATE;
    }
    if (single->limited && single_is_early(r, row->endpoint)) {
        return -E_RATE_LIMITED;
    }
    ask = xalloc(sizeof(*ask));
    *ask =
        (struct single_ask){ .replays = r,
                             .audit = single->audit == NULL ? NULL : audit_copy(single->audit),
                             .on_done = on_done,
                             .ctx = ctx };
    ask->delivery.row = (struct delivery_row){ .id = engine_make_id(r->options.engine),
                                               .event = row->event,
                                               .app = row->app,
                                               .endpoint = row->endpoint,
                                               .type = row->type,
                                               .state = DELIVERY_PENDING,
                                               .created_at = clock_wall_ms(),
                                               .flags = FLAG_REPLAY,
                                               .replay_of = row->seq };
    arena_init(&ask->arena);
    if (single->source->body.p != NULL) {
        rc = replay_shape(r, endpoint, single->source, &ask->arena, &ask->delivery.row);
        if (rc != 0) {
            single_free(ask);
            return rc == -E_STATE ? rc : -E_FIELD;
        }
    }
    ask->bite = (struct replay_bite){ .deliveries = &ask->delivery, .count = 1 };
    ask->write = (struct write){ .class = WRITE_PUBLISH,
                                 .app = (uint32_t)row->app,
                                 .rows = 4,
                                 .bytes = 512,
                                 .run = single_run,
                                 .on_done = single_done };
    rc = writer_submit(r->options.writer, &ask->write);
    if (rc != 0) {
        single_free(ask);
    }
    return rc;
}
