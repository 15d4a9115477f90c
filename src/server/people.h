/* SPDX-License-Identifier: Apache-2.0 */
/* people.h - sessions and the thread that hashes passwords, by the settings; wiring only. */
#ifndef SERVER_PEOPLE_H
#define SERVER_PEOPLE_H

#include "engine/hasher.h"
#include "engine/sessions.h"
#include "server/config.h"

struct people_parts {
    struct loop *loop;
    struct registry *registry;
    struct writer *writer;
    const struct keyring *keyring;
    const struct db_options *db;
};

/* On failure what was made is in the outputs all the same: the one way down ends it. */
NODISCARD int people_start(const struct config *c, const struct people_parts *parts,
                           struct sessions **ret_sessions, struct hasher **ret_hasher,
                           struct err *err);

#endif
