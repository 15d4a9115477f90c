/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - the one entry of each target, as libFuzzer calls it. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
