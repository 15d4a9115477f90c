/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's own tests, on the database that TEST_STORE names. An argument picks suites by
 * name.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "suites.h"

static const struct suite *const suites[] = {
    &queue_suite,     &open_suite,   &publish_suite, &delivery_suite,
    &list_suite,      &config_suite, &expire_suite,  &writer_suite,
    &fault_suite,     &reader_suite, &notice_suite,  &replay_suite,
    &retention_suite, &audit_suite,  &tally_suite,   &ledger_suite,
};

int main(int argc, char **argv)
{
    int failed = 0;
    int ran = 0;

    log_setup(LOG_FATAL, false); /* these tests break things on purpose */
    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        const struct suite *s = suites[i];

        if (argc > 1 && strcmp(argv[1], s->name) != 0) {
            continue;
        }
        failed += _cmocka_run_group_tests(s->name, s->tests, s->count, NULL, NULL);
        ran++;
    }
    if (ran == 0) {
        (void)fprintf(stderr, "no such suite: %s\n", argv[1]);
        return 2;
    }
    return failed == 0 ? 0 : 1;
}
