/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cursor.h - where a page of a list begins: opaque to clients, base64url of version, list,
 * direction, the number (seq) of the row at whose side the page begins, and a check. It is no
 * secret and grants nothing; the check only tells a mangled cursor from a wrong one. It goes
 * with any filter of the same list. Pure.
 */
#ifndef API_CURSOR_H
#define API_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { CURSOR_TEXT_SIZE = 20 + 1 };

/* Numbers stand in cursors that clients hold: never change one. */
enum page_list {
    PAGE_PROJECTS = 1,
    PAGE_KEYS = 2,
    PAGE_EVENT_TYPES = 3,
    PAGE_APPS = 4,
    PAGE_ENDPOINTS = 5,
    PAGE_EVENTS = 6,
    PAGE_DELIVERIES = 7,
    PAGE_NOTICES = 20,
    PAGE_AUDIT = 60,
    PAGE_MEMBERS = 61,
    PAGE_ORPHANS = 62,
    PAGE_ALL_DELIVERIES = 70,
    PAGE_ALL_EVENTS = 71,
    PAGE_REPLAYS = 80
};

struct cursor {
    enum page_list list;
    bool ascending; /* the order of the list as shown */
    bool backward;  /* the page before seq, not behind it */
    int64_t seq;    /* exclusive, > 0 */
};

void cursor_format(const struct cursor *cursor, char ret_text[CURSOR_TEXT_SIZE]);
/* -E_INVALID: not one of ours, or of another list. */
NODISCARD int cursor_parse(struct str text, enum page_list list, struct cursor *ret_cursor);

#endif
