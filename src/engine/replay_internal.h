/* SPDX-License-Identifier: Apache-2.0 */
/* replay_internal.h - shared by replay*.c only. */
#ifndef ENGINE_REPLAY_INTERNAL_H
#define ENGINE_REPLAY_INTERNAL_H

#include "base/list.h"
#include "base/map.h"
#include "engine/replay.h"
#include "net/loop.h"
#include "store/reader.h"

struct db;

struct job_part {
    struct replay_part row;
    int64_t looked;  /* the read's place; never before row.place */
    int64_t next_at; /* boot ms of its next delivery */
    bool is_over;
};

/* What a reader found for a bite, beside the page: where bytes are to be made. */
struct job_found {
    struct replay_source source; /* of the event that is sent */
    struct id old_event;         /* of the one that is corrected */
    struct id new_event;         /* given before */
    int64_t known;               /* seq of the corrected event when it is stored already */
    struct str stored;           /* the bytes of a new event as they are stored */
    int64_t occurred_at;
    bool failed;
};

struct job {
    struct list_node node;
    struct replays *replays;
    struct replay_row row;
    struct replay_spec spec;
    struct json_doc *doc;
    struct arena arena; /* row, spec, parts; new at each load */
    struct job_part *parts;
    size_t part_count, part_at;
    struct loop_timer timer;
    unsigned refused; /* by the store, in a row */
    bool is_out;      /* a read or a write is on its way */
    bool is_stale;    /* read it again before the next step */
    /* the step */
    struct job_part *part;
    struct arena step; /* its rows */
    struct replay_look look;
    struct replay_page page;
    struct job_found *found;
    struct read read;
    struct write write;
    struct replay_bite bite;
    int64_t changed;
    uint32_t cancelling, cancelled;
    bool seals;  /* of its project, for this step */
    bool shapes; /* the endpoint has bytes of its own */
    size_t loaded_parts;
    struct replay_part *rows; /* of a load */
};

struct replays {
    struct replays_options options;
    struct list jobs;
    struct read read; /* of the start */
    struct arena arena;
    struct replay_row *rows;
    size_t row_count;
    struct map singles; /* 8 bytes endpoint -> struct single */
    bool is_stopped;
};

/* replay.c */
struct job *job_add(struct replays *r, int64_t no);
struct job *job_find(struct replays *r, int64_t no);
void job_step(struct job *j);
void job_wait(struct job *j, int64_t boot_ms);
void job_free(struct job *j);
/* replay_step.c */
void job_read(struct job *j);
/* replay_find.c, in a reader thread */
int job_find_event(struct job *j, struct db *db, const struct replay_item *item,
                   struct job_found *f);
/* The delivery's own bytes: sealed where the event is. */
int replay_seal(const struct replays *r, const struct endpoint *endpoint,
                const struct replay_source *source, struct str bytes, struct arena *arena,
                struct delivery_row *d);
/* replay_tell.c */
void job_tell(struct job *j, const char *type);
void job_done_notice(struct job *j);

#endif
