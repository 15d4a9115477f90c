/* SPDX-License-Identifier: Apache-2.0 */
/* retry_after.h - the Retry-After field (RFC 9110 10.2.3): delay-seconds or any of the three HTTP-dates. */
#ifndef NET_RETRY_AFTER_H
#define NET_RETRY_AFTER_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* Milliseconds from wall_now_ms, not below 0 and not above 366 days; -E_INVALID when it is neither. */
NODISCARD int retry_after_parse(struct str value, int64_t wall_now_ms, int64_t *ret_delay_ms);
/* IMF-fixdate, RFC 850 or asctime date (RFC 9110 5.6.7). */
NODISCARD int http_date_parse(struct str value, int64_t wall_now_ms, int64_t *ret_wall_ms);

#endif
