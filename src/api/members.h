/* SPDX-License-Identifier: Apache-2.0 */
/* members.h - what of a member is sealed, and changing it; for members.c and session.c. */
#ifndef API_MEMBERS_H
#define API_MEMBERS_H

#include "api/call.h"
#include "engine/hasher.h"

enum {
    MEMBERS_MAX = 1000, /* of a project */
    MEMBER_EMAIL_MAX = 254,
    MEMBER_INVITE_HOURS = 7 * 24,
    INVITE_TOKEN_SIZE = 4 + 22 + 43 + 1,
    INVITE_HASH_SIZE = 64 + 1 /* hex */
};

/* What is sealed. Empty: not there. */
struct member_secrets {
    char password[PASSWORD_HASH_SIZE];
    char invite[INVITE_HASH_SIZE];
    int64_t invite_expires_at;
};

struct member_draft {
    struct id id; /* of a new one */
    struct str email;
    struct str name;
    enum role role;
    int64_t valid_from;
    struct member_secrets secrets;
};

NODISCARD int member_unseal(struct call *call, const struct member *member,
                            struct member_secrets *ret_secrets);
/* As it is now. */
NODISCARD int member_draft_of(struct call *call, const struct member *member,
                              struct member_draft *ret_draft);
/* Store a member as the draft says; new when `member` is NULL. Failures are answered. */
void member_save(struct call *call, const struct member *member,
                 const struct member_draft *draft,
                 void (*saved)(struct call *call, struct object *object));
/* A new invitation in the secrets of a member; the token is shown once. */
void member_invite(struct call *call, const struct id *id, struct member_secrets *secrets,
                   char ret_token[INVITE_TOKEN_SIZE]);
/* The member that an invitation is for, when it is right and in time; else NULL. */
struct member *member_of_invite(struct call *call, struct str token);
void member_members(struct call *call, struct json_out *o, const struct object *object,
                    const struct json *config);

/* Hash or compare in the hasher's thread. The job lives in the call's arena; it is submitted, or
 * the call is answered. `done` runs on the main thread; a failure of the job is answered. */
struct member_hash {
    struct hash_job job;
    struct call *call;
    void (*done)(struct call *call, struct member_hash *hash);
};
void member_hash(struct call *call, struct str password, const char *against,
                 void (*done)(struct call *call, struct member_hash *hash));
/* A field `name` of the body with a new password; faults go to the form. */
bool member_password_field(struct form *f, const char *name, struct str *ret_password);

#endif
