/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hasher.h - one thread that hashes passwords, one at a time: each takes 64 MiB and a tenth of a second. Answers come
 * back to the main thread through the loop.
 */
#ifndef ENGINE_HASHER_H
#define ENGINE_HASHER_H

#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"
#include "crypto/password.h"

struct hasher;
struct loop;

enum { HASHER_QUEUE_MAX = 64 };

struct hash_job { /* the owner's, until on_done */
    struct list_node node;
    char password[PASSWORD_MAX + 1]; /* wiped when it is done */
    size_t password_len;
    bool make;                             /* a new hash, else compare */
    char hash[PASSWORD_HASH_SIZE];         /* made, or compared with; empty: of nobody */
    bool fits;                             /* the answer of a comparison */
    int result;                            /* 0, or -E_BUSY */
    void (*on_done)(struct hash_job *job); /* main thread, once */
};

NODISCARD int hasher_start(struct loop *loop, struct hasher **ret_hasher);
/* -E_BUSY: HASHER_QUEUE_MAX wait already; not taken, and the password is wiped. */
NODISCARD int hasher_submit(struct hasher *h, struct hash_job *job);
/* Ends what runs; on_done of all that wait is called with -E_UNAVAILABLE. NULL allowed. */
void hasher_stop(struct hasher *h);

#endif
