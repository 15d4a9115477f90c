/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.h - what lists over all apps and exports share: the filters, and what belongs to a row. */
#ifndef API_LEDGER_H
#define API_LEDGER_H

#include "api/call.h"
#include "api/page.h"
#include "store/ledger.h"

struct ledger_event {
    struct id id;
    bool is_there; /* not gone with the retention */
};

struct ledger_ask {
    struct page page;
    struct ledger_query query; /* place, order and limit are the caller's */
    bool is_empty;             /* nothing can be there: do not ask the store */
    bool counts;
    bool searches; /* by id alone */
    bool by_delivery;
    struct id id;
    /* out */
    struct ledger_page rows;
    struct ledger_event *events; /* beside deliveries */
    int64_t count;
    bool is_exact;
};

/* The filters of the query; call->app, when set, bounds them. False: there are faults. */
bool ledger_read(struct call *call, bool events, struct ledger_ask *ask);
bool ledger_has_app(const struct ledger_query *q, int64_t app);
/* Reader thread: the ids of the events of a page's deliveries. */
NODISCARD int ledger_read_events_of(struct db *db, const struct ledger_page *page,
                                    struct arena *arena, struct ledger_event **ret_events);
void ledger_put_app(struct call *call, struct json_out *o, int64_t no);

#endif
