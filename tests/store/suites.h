/* SPDX-License-Identifier: Apache-2.0 */
/* suites.h - one list of tests per file; store_test.c runs them all. */
#ifndef TESTS_STORE_SUITES_H
#define TESTS_STORE_SUITES_H

#include "harness.h"

#define STORE_TEST(function)                                                                   \
    cmocka_unit_test_setup_teardown(function, harness_setup, harness_teardown)

struct suite {
    const char *name;
    const struct CMUnitTest *tests;
    size_t count;
};

#define SUITE(name, tests)                                                                     \
    {                                                                                          \
        name, tests, sizeof(tests) / sizeof((tests)[0])                                        \
    }

extern const struct suite open_suite;
extern const struct suite publish_suite;
extern const struct suite delivery_suite;
extern const struct suite list_suite;
extern const struct suite config_suite;
extern const struct suite expire_suite;
extern const struct suite writer_suite;
extern const struct suite fault_suite;
extern const struct suite reader_suite;
extern const struct suite queue_suite;
extern const struct suite notice_suite;
extern const struct suite replay_suite;
extern const struct suite retention_suite;
extern const struct suite audit_suite;
extern const struct suite tally_suite;
extern const struct suite ledger_suite;

#endif
