/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preset.h - ready-made descriptions of how known providers sign (presets.json): a name, the provider's page
 * that it follows, and which published vector shows it.
 */
#ifndef INBOUND_PRESET_H
#define INBOUND_PRESET_H

#include <stddef.h>

#include "base/str.h"
#include "json/json.h"

struct preset {
    struct str name;  /* "stripe" */
    struct str title; /* "Stripe" */
    struct str docs;  /* address of the provider's page, or a path of ours */
    struct str note;  /* NULL p: none */
    const struct json *scheme;
};

/* Reads the table; once, before the others. Ends the process when the table is broken. */
void presets_open(void);
void presets_close(void);
/* In order of the table; NULL past the end. */
const struct preset *preset_at(size_t index);
const struct preset *preset_find(struct str name);

#endif
