/* SPDX-License-Identifier: Apache-2.0 */
#include "store/notification.h"

#include "base/assert.h"
#include "store/sql.h"

const struct db_stmt notification_stmts[NOTIFICATION_STMTS] = {
    [NOTIFICATION_INSERT] = { "notification_insert",
                              "INSERT INTO notification (app, version, config)"
                              " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                              NULL, "iib" },
    [NOTIFICATION_UPDATE] = { "notification_update",
                              "UPDATE notification SET version = $1, config = $2"
                              " WHERE app = $3 AND version = $1 - 1",
                              NULL, "ibi" },
    [NOTIFICATION_LOAD] = { "notification_load",
                            "SELECT app, version, config FROM notification ORDER BY app", NULL,
                            "" },
};

int notification_set(struct db *db, int64_t app, int64_t version, struct str config,
                     int64_t *ret_changes)
{
    const struct db_value insert[] = { db_int(app), db_int(version), db_blob(config) };
    const struct db_value update[] = { db_int(version), db_blob(config), db_int(app) };

    return version == 1 ? db_exec_changes(db, SQL_NOTIFICATION + NOTIFICATION_INSERT, insert,
                                          SQL_COUNT(insert), ret_changes)
                        : db_exec_changes(db, SQL_NOTIFICATION + NOTIFICATION_UPDATE, update,
                                          SQL_COUNT(update), ret_changes);
}

struct notification_loading {
    int (*on_row)(void *ctx, int64_t app, int64_t version, struct str config);
    void *ctx;
};

static int notification_on_row(void *ctx, const struct db_value *columns, size_t count)
{
    const struct notification_loading *loading = ctx;

    ASSERT(count == 3);
    return loading->on_row(loading->ctx, columns[0].i, columns[1].i, columns[2].s);
}

int notification_load(struct db *db,
                      int (*on_row)(void *ctx, int64_t app, int64_t version, struct str config),
                      void *ctx)
{
    struct notification_loading loading = { on_row, ctx };

    return sql_read(db, SQL_NOTIFICATION + NOTIFICATION_LOAD, NULL, 0, notification_on_row,
                    &loading);
}
