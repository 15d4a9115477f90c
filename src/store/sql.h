/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sql.h - the names of all statements, for this floor only.
 *
 * Each file defines the table of its own statements (name, text, parameters) as <x>_stmts,
 * indexed by its enum here. sql.c puts them behind each other into the one array that a
 * connection prepares at open; a statement is spoken of as SQL_<X> + its own index, for
 * instance SQL_EVENT + EVENT_INSERT.
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include <stddef.h>

#include "base/id.h"
#include "db/db.h"

enum lane_stmt { LANE_FENCE, LANE_RAISE, LANE_EPOCH, LANE_SEQS, LANE_IDS, LANE_STMTS };

enum meta_stmt { META_KEY_READ, META_KEY_SET, META_STMTS };

/* Three for each config_kind. */
enum config_stmt { CONFIG_INSERT, CONFIG_UPDATE, CONFIG_LOAD, CONFIG_STMTS_PER_KIND };
enum { CONFIG_STMTS = 6 * CONFIG_STMTS_PER_KIND };

enum event_stmt {
    EVENT_INSERT,
    EVENT_INSERT_KEYED,
    EVENT_KEY_INSERT,
    EVENT_KEY_INSERT_FIRST,
    EVENT_KEY_INSERT_SECOND,
    EVENT_KEY_INSERT_OF_BATCH,
    EVENT_KEY_READ,
    EVENT_GET,
    EVENT_GET_SEQ,
    EVENT_LIST_DOWN,
    EVENT_LIST_UP,
    EVENT_STMTS
};

enum expire_stmt { EXPIRE_KEYS, EXPIRE_FREE_PAGES, EXPIRE_STMTS };

enum delivery_stmt {
    DELIVERY_INSERT,
    DELIVERY_UPDATE,
    DELIVERY_GET,
    DELIVERY_BODY,
    DELIVERY_RANGE,
    DELIVERY_LIST_DOWN,
    DELIVERY_LIST_UP,
    DELIVERY_EVENT_DOWN,
    DELIVERY_EVENT_UP,
    DELIVERY_EXTRA_DOWN,
    DELIVERY_EXTRA_UP,
    DELIVERY_STMTS
};

enum attempt_stmt { ATTEMPT_INSERT, ATTEMPT_LIST, ATTEMPT_STMTS };

enum due_stmt {
    DUE_INSERT,
    DUE_INSERT_STORED,
    DUE_DELETE,
    DUE_FRESH,
    DUE_RETRIES,
    DUE_FIRST_FRESH,
    DUE_FIRST_RETRY,
    DUE_ENDPOINTS,
    DUE_SCAN,
    DUE_STMTS
};

enum rollup_stmt { ROLLUP_ADD, ROLLUP_READ, ROLLUP_STMTS };

enum notice_stmt {
    NOTICE_INSERT,
    NOTICE_COUNT,
    NOTICE_READ,
    NOTICE_READ_APP,
    NOTICE_READ_PROJECT,
    NOTICE_EXPIRE,
    NOTICE_APP_DOWN,
    NOTICE_APP_UP,
    NOTICE_PROJECT_DOWN,
    NOTICE_PROJECT_UP,
    NOTICE_GET,
    NOTICE_NEWEST,
    NOTICE_STMTS
};

enum tally_stmt {
    TALLY_ADD,
    TALLY_ADD_COUNT,
    TALLY_READ,
    TALLY_READ_COUNTS,
    TALLY_READ_ALL,
    TALLY_FOLD_DAY,
    TALLY_FOLD_ENDPOINTS,
    TALLY_EXPIRE,
    TALLY_EXPIRE_COUNTS,
    TALLY_EXPIRE_HOURS,
    TALLY_STMTS
};

enum usage_stmt { USAGE_SET, USAGE_LOAD, USAGE_STMTS };

enum success_stmt {
    SUCCESS_SET,
    SUCCESS_LOAD,
    EXHAUSTED_ADD,
    EXHAUSTED_LOAD,
    EXHAUSTED_EXPIRE,
    SUCCESS_STMTS
};
/* Down and up stand together. */
enum ledger_stmt {
    LEDGER_ALL_DOWN,
    LEDGER_ALL_UP,
    LEDGER_ENDPOINT_DOWN,
    LEDGER_ENDPOINT_UP,
    LEDGER_ENDED_DOWN,
    LEDGER_ENDED_UP,
    LEDGER_EVENTS_DOWN,
    LEDGER_EVENTS_UP,
    LEDGER_APP_EVENTS_DOWN,
    LEDGER_APP_EVENTS_UP,
    LEDGER_DELIVERY_AT,
    LEDGER_EVENT_AT,
    LEDGER_STMTS
};

enum look_stmt { LOOK_FRESH, LOOK_RETRIES, LOOK_ENDED, LOOK_DEPTH, LOOK_STMTS };
enum watch_stmt { WATCH_OPEN, WATCH_STMTS };

enum outbox_stmt {
    OUTBOX_INSERT,
    OUTBOX_PUT_OFF,
    OUTBOX_DELETE,
    OUTBOX_LOAD,
    OUTBOX_GET,
    OUTBOX_STMTS
};

enum notification_stmt {
    NOTIFICATION_INSERT,
    NOTIFICATION_UPDATE,
    NOTIFICATION_LOAD,
    NOTIFICATION_STMTS
};

enum retention_stmt {
    RETENTION_READ,
    RETENTION_SET,
    RETENTION_LOOK_EVENTS,
    RETENTION_LOOK_DELIVERIES,
    RETENTION_LOOK_GONE,
    RETENTION_DROP_EVENT,
    RETENTION_DROP_DELIVERY,
    RETENTION_DROP_ATTEMPTS,
    RETENTION_DROP_EXTRA,
    RETENTION_ERASE_EVENT,
    RETENTION_ERASE_OWN,
    RETENTION_ERASE_EXTRA,
    RETENTION_ERASE_RESPONSES,
    RETENTION_OLD_REPLAYS,
    RETENTION_DROP_REPLAY,
    RETENTION_DROP_PARTS,
    RETENTION_DROP_MADE,
    RETENTION_STMTS
};

enum replay_stmt {
    REPLAY_INSERT,
    REPLAY_PART_INSERT,
    REPLAY_BY_KEY,
    REPLAY_COUNT_ACTIVE,
    REPLAY_LAST_NO,
    REPLAY_GET,
    REPLAY_GET_NO,
    REPLAY_LIST_DOWN,
    REPLAY_LIST_UP,
    REPLAY_ACTIVE,
    REPLAY_PARTS,
    REPLAY_SET_STATE,
    REPLAY_STMTS
};

enum replay_page_stmt {
    PAGE_FIRST_DELIVERY,
    PAGE_FIRST_EVENT,
    PAGE_FIRST_OPEN,
    PAGE_DELIVERIES,
    PAGE_ONE_DELIVERY,
    PAGE_EVENTS,
    PAGE_STMTS
};

enum replay_bite_stmt {
    BITE_MOVE,
    BITE_EVENT,
    BITE_DELIVERY,
    BITE_EXTRA,
    BITE_MARK,
    BITE_ARCHIVE,
    BITE_REMEMBER,
    BITE_KNOWN,
    BITE_COUNT,
    BITE_STMTS
};

enum session_stmt {
    SESSION_INSERT,
    SESSION_SEEN,
    SESSION_DELETE,
    SESSION_EXPIRE,
    SESSION_LOAD,
    SESSION_STMTS
};

enum audit_stmt {
    AUDIT_HEAD,
    AUDIT_INSERT,
    AUDIT_DOWN,
    AUDIT_UP,
    AUDIT_SCAN,
    AUDIT_ANCHOR,
    AUDIT_ANCHOR_SET,
    AUDIT_OLD,
    AUDIT_DELETE,
    AUDIT_ENDS,
    AUDIT_STMTS
};

enum {
    SQL_LANE = 0,
    SQL_META = SQL_LANE + (int)LANE_STMTS,
    SQL_CONFIG = SQL_META + (int)META_STMTS,
    SQL_EVENT = SQL_CONFIG + (int)CONFIG_STMTS,
    SQL_EXPIRE = SQL_EVENT + (int)EVENT_STMTS,
    SQL_DELIVERY = SQL_EXPIRE + (int)EXPIRE_STMTS,
    SQL_ATTEMPT = SQL_DELIVERY + (int)DELIVERY_STMTS,
    SQL_DUE = SQL_ATTEMPT + (int)ATTEMPT_STMTS,
    SQL_ROLLUP = SQL_DUE + (int)DUE_STMTS,
    SQL_TALLY = SQL_ROLLUP + (int)ROLLUP_STMTS,
    SQL_LOOK = SQL_TALLY + (int)TALLY_STMTS,
    SQL_LEDGER = SQL_LOOK + (int)LOOK_STMTS,
    SQL_SUCCESS = SQL_LEDGER + (int)LEDGER_STMTS,
    SQL_NOTICE = SQL_SUCCESS + (int)SUCCESS_STMTS,
    SQL_REPLAY = SQL_NOTICE + (int)NOTICE_STMTS,
    SQL_PAGE = SQL_REPLAY + (int)REPLAY_STMTS,
    SQL_BITE = SQL_PAGE + (int)PAGE_STMTS,
    SQL_AUDIT = SQL_BITE + (int)BITE_STMTS,
    SQL_USAGE = SQL_AUDIT + (int)AUDIT_STMTS,
    SQL_OUTBOX = SQL_USAGE + (int)USAGE_STMTS,
    SQL_NOTIFICATION = SQL_OUTBOX + (int)OUTBOX_STMTS,
    SQL_WATCH = SQL_NOTIFICATION + (int)NOTIFICATION_STMTS,
    SQL_SESSION = SQL_WATCH + (int)WATCH_STMTS,
    SQL_RETENTION = SQL_SESSION + (int)SESSION_STMTS,
    SQL_STMTS = SQL_RETENTION + (int)RETENTION_STMTS
};

extern const struct db_stmt lane_stmts[LANE_STMTS];
extern const struct db_stmt meta_stmts[META_STMTS];
extern const struct db_stmt config_stmts[CONFIG_STMTS];
extern const struct db_stmt event_stmts[EVENT_STMTS];
extern const struct db_stmt expire_stmts[EXPIRE_STMTS];
extern const struct db_stmt delivery_stmts[DELIVERY_STMTS];
extern const struct db_stmt attempt_stmts[ATTEMPT_STMTS];
extern const struct db_stmt due_stmts[DUE_STMTS];
extern const struct db_stmt rollup_stmts[ROLLUP_STMTS];
extern const struct db_stmt tally_stmts[TALLY_STMTS];
extern const struct db_stmt look_stmts[LOOK_STMTS];
extern const struct db_stmt ledger_stmts[LEDGER_STMTS];
extern const struct db_stmt notice_stmts[NOTICE_STMTS];
extern const struct db_stmt outbox_stmts[OUTBOX_STMTS];
extern const struct db_stmt watch_stmts[WATCH_STMTS];
extern const struct db_stmt notification_stmts[NOTIFICATION_STMTS];
extern const struct db_stmt success_stmts[SUCCESS_STMTS];
extern const struct db_stmt usage_stmts[USAGE_STMTS];
extern const struct db_stmt retention_stmts[RETENTION_STMTS];
extern const struct db_stmt replay_stmts[REPLAY_STMTS];
extern const struct db_stmt replay_page_stmts[PAGE_STMTS];
extern const struct db_stmt replay_bite_stmts[BITE_STMTS];
extern const struct db_stmt audit_stmts[AUDIT_STMTS];
extern const struct db_stmt session_stmts[SESSION_STMTS];

/*
 * All SQL_STMTS of them. The array is built at the first call and lives as long as the
 * process.
 */
const struct db_stmt *sql_stmts(void);

#define SQL_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Run a query and wait for its rows; the same without parameters has params NULL, count 0. */
NODISCARD int sql_read(struct db *db, unsigned stmt, const struct db_value *params,
                       size_t count, db_on_row *on_row, void *ctx);

static inline struct db_value sql_id(const struct id *id)
{
    return db_blob((struct str){ (const char *)id->bytes, ID_SIZE });
}

#endif
