/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as Retry-After, at several times of day: the delay stays in its range. */
#include "net/retry_after.h"

#include "base/assert.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t times[] = { 0, 1794714300250, 253402300799999 };
    const struct str text = { (const char *)data, size };

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        int64_t delay_ms = -1;
        int64_t wall_ms;
        int rc = retry_after_parse(text, times[i], &delay_ms);

        ASSERT(rc == 0 || (rc == -E_INVALID && delay_ms == -1));
        ASSERT(rc != 0 || (delay_ms >= 0 && delay_ms <= INT64_C(366) * 86400 * 1000));
        if (http_date_parse(text, times[i], &wall_ms) == 0) {
            ASSERT(rc == 0 && wall_ms % 1000 == 0);
            ASSERT(wall_ms >= times[i] || delay_ms == 0);
        }
    }
    return 0;
}
