/* SPDX-License-Identifier: Apache-2.0 */
/* signals.h - SIGTERM, SIGINT and SIGHUP as events of the main loop; SIGPIPE is ignored. */
#ifndef SERVER_SIGNALS_H
#define SERVER_SIGNALS_H

#include "base/err.h"

struct loop;
struct signals;

/* Call before any thread is started: all threads inherit the blocked mask. */
NODISCARD int signals_block(void);
NODISCARD int signals_start(struct loop *loop, void (*on_signal)(void *ctx, int number),
                            void *ctx, struct signals **ret_signals);
void signals_stop(struct signals *s);

#endif
