/* SPDX-License-Identifier: Apache-2.0 */
/* random.h - the kernel's random bytes (getrandom(2)). Never fails: without them the process ends. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *ret_bytes, size_t len);
uint64_t random_u64(void);

#endif
