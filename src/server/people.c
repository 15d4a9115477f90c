/* SPDX-License-Identifier: Apache-2.0 */
/* people.c - starts what signing in needs. */
#include "server/people.h"

int people_start(const struct config *c, const struct people_parts *parts,
                 struct sessions **ret_sessions, struct hasher **ret_hasher, struct err *err)
{
    struct sessions_options options = { .registry = parts->registry,
                                        .writer = parts->writer,
                                        .keyring = parts->keyring,
                                        .idle_ms = c->session_idle_ms,
                                        .portal_idle_ms = c->portal_idle_ms,
                                        .max_ms = c->session_max_ms,
                                        .count_max = (size_t)c->sessions_max };
    int rc;

    *ret_sessions = sessions_new(&options);
    rc = sessions_load(*ret_sessions, parts->db, err);
    return rc == 0 ? hasher_start(parts->loop, ret_hasher) : rc;
}
