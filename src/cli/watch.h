/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h - following the deliveries of one event until they end, for `send --wait`. */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include <stdint.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/client.h"

enum { WATCH_DELIVERIES_MAX = 250 };

/*
 * Prints every attempt when it is known, on stdout. EXIT_OK when all are delivered, EXIT_CHECK_FAILED when none
 * is or the time is over, EXIT_PARTLY when some are; else the code of the request that failed.
 */
int watch_event(const struct cli *cli, struct client *client, const char *app, struct str event,
                int64_t timeout_ms);

#endif
