/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assert.h - asserts stay on in release. For programmer errors only, never for input or I/O.
 * The expression must have no side effect.
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

_Noreturn void base_assert_fail(const char *expr, const char *file, int line);

#define ASSERT(expr) ((expr) ? (void)0 : base_assert_fail(#expr, __FILE__, __LINE__))

#endif
