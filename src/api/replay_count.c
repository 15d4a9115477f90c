/* SPDX-License-Identifier: Apache-2.0 */
/* replay_count.c - walk all parts to their ends; for ids, find their deliveries first. */
#include "api/replay_count.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "store/lane.h"

void replay_count_begin(struct replay_count *c, const struct replay_draft *draft,
                        struct arena *arena)
{
    c->part_count = draft->endpoint_count;
    c->parts = arena_alloc(arena, (c->part_count + 1) * sizeof(*c->parts));
    for (size_t i = 0; i < c->part_count; i++) {
        c->parts[i].look =
            replay_spec_look(&draft->spec, draft->mode, draft->endpoints[i], arena);
        c->parts[i].look.item_max = REPLAY_LOOK_MAX;
    }
}

/* --- ids */
struct found {
    int64_t endpoint, seq;
    bool is_open;
};

static int compare_found(const void *a, const void *b)
{
    const struct found *x = a;
    const struct found *y = b;

    if (x->endpoint != y->endpoint) {
        return x->endpoint < y->endpoint ? -1 : 1;
    }
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int find_ids(struct replay_count *c, struct db *db, struct arena *arena,
                    struct found *found)
{
    for (size_t i = 0; i < c->id_count; i++) {
        struct delivery_row row;
        int rc = delivery_get(db, &c->ids[i], arena, &row);

        if (rc == -E_NOT_FOUND || (rc == 0 && row.app != c->app)) {
            c->unknown = i + 1;
            return 0;
        }
        if (rc != 0) {
            return rc;
        }
        found[i] =
            (struct found){ row.endpoint, row.seq,
                            row.state == DELIVERY_PENDING || row.state == DELIVERY_RETRYING };
        c->oldest = c->oldest == 0 || row.created_at < c->oldest ? row.created_at : c->oldest;
        c->newest = row.created_at > c->newest ? row.created_at : c->newest;
    }
    return 0;
}

static void list_add(struct str *list, char *bytes, int64_t seq)
{
    for (size_t i = 0; i < 8; i++) {
        bytes[list->len + i] = (char)((uint64_t)seq >> (56 - 8 * i) & 0xff);
    }
    list->len += 8;
}

/* One part for each endpoint; an id that was named twice counts once. */
static void group_ids(struct replay_count *c, struct arena *arena, const struct found *found)
{
    char *bytes = arena_alloc(arena, c->id_count * 8 + 1);
    struct replay_count_part *part = NULL;

    c->parts = arena_alloc(arena, (c->id_count + 1) * sizeof(*c->parts));
    for (size_t i = 0; i < c->id_count; i++) {
        if (i > 0 && found[i].seq == found[i - 1].seq) {
            continue;
        }
        if (part == NULL || part->look.endpoint != found[i].endpoint) {
            part = &c->parts[c->part_count++];
            part->look.endpoint = found[i].endpoint;
            part->look.list = (struct str){ bytes + i * 8, 0 };
        }
        list_add(&part->look.list, bytes + (part->look.list.p - bytes), found[i].seq);
        part->total++;
        c->total += found[i].is_open ? 0 : 1;
    }
}

static int count_ids(struct replay_count *c, struct db *db, struct arena *arena)
{
    struct found *found = arena_alloc(arena, (c->id_count + 1) * sizeof(*found));
    int rc = find_ids(c, db, arena, found);

    if (rc != 0 || c->unknown != 0) {
        return rc;
    }
    qsort(found, c->id_count, sizeof(*found), compare_found);
    group_ids(c, arena, found);
    return 0;
}

/* --- by filter */
static int count_part(struct replay_count *c, struct db *db, struct replay_count_part *p)
{
    struct replay_page page = { .end = false };
    bool events = replay_walks_events(c->mode);
    struct arena arena;
    int rc;

    p->look.upto = events ? c->upto_event : c->upto_delivery;
    rc = replay_first_place(db, &p->look, &p->look.place);
    while (rc == 0 && !page.end) {
        arena_init(&arena);
        rc = replay_look(db, &p->look, &arena, &page);
        arena_done(&arena);
        if (rc != 0) {
            return rc;
        }
        p->look.place = page.place;
        p->total += (int64_t)page.count;
        c->total += (int64_t)page.count;
        if (page.count > 0) {
            c->oldest = c->oldest == 0 || page.oldest < c->oldest ? page.oldest : c->oldest;
            c->newest = page.newest > c->newest ? page.newest : c->newest;
        }
        if (c->total > c->total_max) {
            return -E_LIMIT;
        }
    }
    return rc;
}

int replay_count_run(struct replay_count *c, struct db *db, struct arena *arena)
{
    struct write_seqs seqs = { 0, 0 };
    int rc = lane_seqs(db, &seqs);

    if (rc == 0 && c->upto_delivery == 0) {
        c->upto_delivery = seqs.delivery;
        c->upto_event = seqs.event;
    }
    if (rc == 0 && c->mode == REPLAY_MODE_IDS) {
        rc = count_ids(c, db, arena);
    }
    for (size_t i = 0; i < c->part_count && rc == 0; i++) {
        if (c->mode != REPLAY_MODE_IDS) {
            rc = count_part(c, db, &c->parts[i]);
        }
        c->endpoints += c->parts[i].total > 0 ? 1 : 0;
        c->most = c->parts[i].total > c->most ? c->parts[i].total : c->most;
    }
    return rc;
}
