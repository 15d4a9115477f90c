/* SPDX-License-Identifier: Apache-2.0 */
/* selftest.h - `postern verify --selftest`: our verifier against answers that others computed. */
#ifndef CLI_SELFTEST_H
#define CLI_SELFTEST_H

#include "cli/cli.h"

/* EXIT_OK, or EXIT_CHECK_FAILED when one differs. */
int selftest_run(const struct cli *cli);

#endif
