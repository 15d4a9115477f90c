/* SPDX-License-Identifier: Apache-2.0 */
/* bench_setup.h - the event type, apps and endpoints of a run, through the API. All return exit codes. */
#ifndef CLI_BENCH_SETUP_H
#define CLI_BENCH_SETUP_H

#include <stdint.h>

#include "cli/bench.h"
#include "cli/cli.h"
#include "cli/client.h"

/* Host and port from the server's URL; only http on loopback. */
int bench_server_address(const struct cli *cli, const char *url, struct bench_plan *plan);
int bench_setup_make(const struct cli *cli, struct client *client,
                     const struct bench_plan *plan, uint16_t receiver_port);
/* Deletes the apps; what fails is said and left. */
void bench_setup_remove(const struct cli *cli, struct client *client,
                        const struct bench_plan *plan);

#endif
