/* SPDX-License-Identifier: Apache-2.0 */
/* replay_form.h - the body of POST .../replays: what is to be repeated. */
#ifndef API_REPLAY_FORM_H
#define API_REPLAY_FORM_H

#include <stdbool.h>

#include "engine/registry.h"
#include "engine/replay.h"

struct call;

enum { REPLAY_REASON_MAX = 500, REPLAY_RATE_MAX = 1000, REPLAY_NAMES_MAX = 100 };

struct replay_draft {
    enum replay_mode mode;
    bool dry_run;
    const struct json *ids; /* NULL: by filter */
    struct replay_spec spec;
    const struct endpoint **endpoints; /* by filter: those that can be reached */
    size_t endpoint_count;
    int64_t rate;
    struct str confirm; /* STR_NONE when absent */
    struct str bound;   /* what a confirmation is bound to */
};

const char *replay_mode_name(enum replay_mode mode);
/* False: answered. */
bool replay_form_read(struct call *call, struct replay_draft *draft);

/* The same of POST .../deliveries/archive and .../cancel_pending: no mode, rate or correction. */
bool replay_form_read_bulk(struct call *call, enum replay_mode mode,
                           struct replay_draft *draft);

#endif
