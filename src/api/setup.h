/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup.h - a project as it must be from the start: its row, its app `default`, an admin key.
 * Three rows one after the other; what is there already is left. When a later one fails, a
 * project that was made by this setup is deleted again.
 */
#ifndef API_SETUP_H
#define API_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "api/api_internal.h"
#include "store/audit.h"

struct setup {
    struct api *api;
    struct project *project; /* given, or NULL: make one with that config and slug */
    struct str slug;         /* empty: the project's id */
    struct str config;       /* JSON document of a new project */
    struct str key_text;     /* the admin key to store */
    int64_t now;
    struct audit_entry by;                        /* who, when; the rest is filled in */
    void (*on_done)(struct setup *s, int result); /* once, never before setup_start returned */
    void *ctx;
    /* out */
    struct api_key *key;
    /* its own */
    bool made_project;
    int result;
};

/* Everything in s stays with the caller until on_done. A code: not started, on_done is not
 * called. */
NODISCARD int setup_start(struct setup *s);

#endif
