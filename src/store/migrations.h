/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migrations.h - the schema, in numbered steps. A step is additive and never edited once
 * released.
 */
#ifndef STORE_MIGRATIONS_H
#define STORE_MIGRATIONS_H

#include "base/err.h"

struct db_options;

/*
 * Bring the database to this binary's schema, in one transaction; nothing when it is there.
 * -E_CONFLICT: a newer Postern made it and does not allow this one to write.
 */
NODISCARD int migrations_run(const struct db_options *options, struct err *err);

#endif
