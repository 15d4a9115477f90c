/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the running server: start and stop order, signals, wiring. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

struct config;

/* Run until a signal; returns the exit code: 0 drained, 1 could not start, 70 the store failed beyond repair. */
int server_run(const struct config *config, const char *config_path, int argc, char **argv);

#endif
