/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sessions.h - who is signed in, and the tickets that customers come in with. Main thread.
 *
 * A token is 256 random bits; only its keyed hash is kept, in memory and in the store. A member's session ends
 * idle_ms after its last request, a customer's portal_idle_ms; both at max_ms after their begin, and when the
 * member, the app or the project is gone, or the member's role or password changed since. A ticket opens one
 * session, once, within its time; it lives in memory only, so a restart ends it.
 */
#ifndef ENGINE_SESSIONS_H
#define ENGINE_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/registry.h"
#include "store/session.h"

struct audit_entry;
struct sessions;

enum {
    SESSION_TOKEN_SIZE = 4 + 43 + 1,
    SESSION_CSRF_SIZE = 64 + 1,
    SESSION_ORIGIN_MAX = 256,
    SESSION_NEXT_MAX = 512,
    SESSION_PROOF_MS = 5 * 60 * 1000, /* so long a password given again is a proof */
    SESSION_SEEN_MS = 60 * 1000       /* at most so often the store is told that it was used */
};

enum session_role { SESSION_NONE, SESSION_VIEW, SESSION_MANAGE };

struct session {
    struct session_row row; /* row.origin points to origin */
    char origin[SESSION_ORIGIN_MAX + 1];
    int64_t stored_seen_at;
    int64_t proven_at; /* the password was given (again); memory only */
    struct project *project;
    struct member *member; /* NULL: a customer's */
    struct app *app;       /* NULL: a member's */
};

struct ticket {
    struct id id;
    struct project *project;
    struct app *app;
    enum session_role role;
    char origin[SESSION_ORIGIN_MAX + 1]; /* "https://app.example", or empty */
    char next[SESSION_NEXT_MAX + 1];     /* path of the portal, or empty */
    int64_t expires_at;
};

struct sessions_options {
    struct registry *registry;
    struct writer *writer;
    const struct keyring *keyring;
    int64_t idle_ms;
    int64_t portal_idle_ms;
    int64_t max_ms;
    size_t count_max; /* sessions, and again tickets that wait; beyond: -E_BUSY */
};

struct sessions *sessions_new(const struct sessions_options *options);
void sessions_free(struct sessions *ss); /* after the writer has stopped */
/* After registry_load; by a connection of its own. Rows that ended are left out. */
NODISCARD int sessions_load(struct sessions *ss, const struct db_options *db, struct err *err);

typedef void sessions_opened(void *ctx, int result, const struct session *session);
struct session_draft {
    struct member *member;       /* or */
    const struct ticket *ticket; /* copied */
    int64_t now;
    const struct audit_entry *audit; /* copied; stored with the session */
};
/* Makes the token; after the commit the session holds and on_opened is called (never before this returned).
 * -E_BUSY at once: too many, or the writer takes nothing. */
NODISCARD int sessions_open(struct sessions *ss, const struct session_draft *draft,
                            char ret_token[SESSION_TOKEN_SIZE], sessions_opened *on_opened,
                            void *ctx);
/* The living session of that token, which counts as used now; NULL when there is none. Borrowed until you
 * return to the loop. */
struct session *sessions_find(struct sessions *ss, struct str token, int64_t now);
/* Is that session (or its copy) still one? Does not count as use. */
bool sessions_live(const struct sessions *ss, const struct session *session, int64_t now);
/* It is over at once; on_done after the commit. */
NODISCARD int sessions_close(struct sessions *ss, const struct session *session,
                             const struct audit_entry *audit,
                             void (*on_done)(void *ctx, int rc), void *ctx);
/* When it ends unless it is used. */
int64_t sessions_end(const struct sessions *ss, const struct session *session);
size_t sessions_count(const struct sessions *ss);
/* What a page must send back with every change: bound to the token, so it needs no place. */
void sessions_csrf(const struct sessions *ss, struct str token,
                   char ret_csrf[SESSION_CSRF_SIZE]);
bool sessions_csrf_fits(const struct sessions *ss, struct str token, struct str csrf);

/* Keep the ticket and make its text. -E_BUSY: too many. */
NODISCARD int sessions_ticket(struct sessions *ss, const struct ticket *ticket, int64_t now,
                              char ret_token[SESSION_TOKEN_SIZE]);
/* Take it: true once, in its time. */
bool sessions_take(struct sessions *ss, struct str token, int64_t now,
                   struct ticket *ret_ticket);

#endif
