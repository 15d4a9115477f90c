/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sql.h"

#include <pthread.h>
#include <string.h>

static struct db_stmt sql_all[SQL_STMTS];
static pthread_once_t sql_once = PTHREAD_ONCE_INIT;

static void sql_build(void)
{
    static const struct {
        size_t at;
        const struct db_stmt *stmts;
        size_t count;
    } tables[] = {
        { SQL_LANE, lane_stmts, LANE_STMTS },
        { SQL_META, meta_stmts, META_STMTS },
        { SQL_CONFIG, config_stmts, CONFIG_STMTS },
        { SQL_EVENT, event_stmts, EVENT_STMTS },
        { SQL_EXPIRE, expire_stmts, EXPIRE_STMTS },
        { SQL_DELIVERY, delivery_stmts, DELIVERY_STMTS },
        { SQL_ATTEMPT, attempt_stmts, ATTEMPT_STMTS },
        { SQL_DUE, due_stmts, DUE_STMTS },
        { SQL_ROLLUP, rollup_stmts, ROLLUP_STMTS },
        { SQL_TALLY, tally_stmts, TALLY_STMTS },
        { SQL_LOOK, look_stmts, LOOK_STMTS },
        { SQL_LEDGER, ledger_stmts, LEDGER_STMTS },
        { SQL_SUCCESS, success_stmts, SUCCESS_STMTS },
        { SQL_NOTICE, notice_stmts, NOTICE_STMTS },
        { SQL_REPLAY, replay_stmts, REPLAY_STMTS },
        { SQL_PAGE, replay_page_stmts, PAGE_STMTS },
        { SQL_BITE, replay_bite_stmts, BITE_STMTS },
        { SQL_RETENTION, retention_stmts, RETENTION_STMTS },
        { SQL_AUDIT, audit_stmts, AUDIT_STMTS },
        { SQL_USAGE, usage_stmts, USAGE_STMTS },
        { SQL_OUTBOX, outbox_stmts, OUTBOX_STMTS },
        { SQL_WATCH, watch_stmts, WATCH_STMTS },
        { SQL_NOTIFICATION, notification_stmts, NOTIFICATION_STMTS },
        { SQL_SESSION, session_stmts, SESSION_STMTS },
    };

    for (size_t i = 0; i < SQL_COUNT(tables); i++) {
        memcpy(&sql_all[tables[i].at], tables[i].stmts, tables[i].count * sizeof(sql_all[0]));
    }
}

const struct db_stmt *sql_stmts(void)
{
    (void)pthread_once(&sql_once, sql_build);
    return sql_all;
}

int sql_read(struct db *db, unsigned stmt, const struct db_value *params, size_t count,
             db_on_row *on_row, void *ctx)
{
    int rc = db_query(db, stmt, params, count, on_row, ctx);

    return rc < 0 ? rc : db_flush(db);
}
