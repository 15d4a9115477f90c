/* SPDX-License-Identifier: Apache-2.0 */
/* Counts, over all seeds of a run, how often each situation was reached. */
#include <inttypes.h>
#include <stdio.h>

#include "world.h"

static uint64_t reached[COVER_COUNT];

void cover_reach(enum cover cover)
{
    reached[cover]++;
}

uint32_t cover_report(void)
{
    static const char *const texts[] = {
#define COVER_TEXT(name, text) text,
        COVER_TABLE(COVER_TEXT)
#undef COVER_TEXT
    };
    uint32_t missing = 0;

    for (int i = 0; i < COVER_COUNT; i++) {
        printf("%10" PRIu64 "  %s\n", reached[i], texts[i]);
        missing += reached[i] == 0;
    }
    return missing;
}
