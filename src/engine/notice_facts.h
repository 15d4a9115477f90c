/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notice_facts.h - the facts of a notice: as values for the texts, and as the JSON object that is stored and sent
 * to the operator's app.
 */
#ifndef ENGINE_NOTICE_FACTS_H
#define ENGINE_NOTICE_FACTS_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "engine/notice.h"
#include "engine/notice_text.h"

enum { NOTICE_FACTS_MAX = 24 };

struct notice_facts {
    struct arena *arena;
    struct notice_fact rows[NOTICE_FACTS_MAX];
    size_t count;
};

/* Everything is copied into the arena. */
void notice_facts_make(struct notice_facts *facts, const struct notice *notice,
                       struct str own_url, int64_t now);
void notice_facts_add(struct notice_facts *facts, const char *name, struct str value);
/* {"app_id","endpoint_id",...}: only what is known. */
NODISCARD int notice_facts_json(const struct notice *notice, struct buf *out);
/* "3 days", "5 hours", "40 minutes", "12 seconds". */
struct str notice_duration(struct arena *arena, int64_t ms);

#endif
