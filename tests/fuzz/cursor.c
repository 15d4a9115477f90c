/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a cursor of any list (the first byte says which). What is accepted is written
 * back as the same text, so no two texts mean the same place.
 */
#include "api/cursor.h"

#include <string.h>

#include "base/assert.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[CURSOR_TEXT_SIZE];
    struct cursor cursor;
    enum page_list list;

    if (size == 0) {
        return 0;
    }
    list = (enum page_list)(PAGE_PROJECTS + data[0] % PAGE_DELIVERIES);
    if (cursor_parse((struct str){ (const char *)data + 1, size - 1 }, list, &cursor) != 0) {
        return 0;
    }
    ASSERT(cursor.list == list && cursor.seq > 0 && size - 1 == CURSOR_TEXT_SIZE - 1);
    cursor_format(&cursor, text);
    ASSERT(memcmp(text, data + 1, CURSOR_TEXT_SIZE - 1) == 0);
    return 0;
}
