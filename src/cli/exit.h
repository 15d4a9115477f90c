/* SPDX-License-Identifier: Apache-2.0 */
/* exit.h - the exit codes of every command: stable, for scripts. */
#ifndef CLI_EXIT_H
#define CLI_EXIT_H

enum exit_code {
    EXIT_OK = 0,
    EXIT_ERROR = 1,
    EXIT_USAGE = 2,
    EXIT_AUTH = 3,
    EXIT_NOT_FOUND = 4,
    EXIT_INVALID = 5,
    EXIT_UNREACHABLE = 6,
    EXIT_CHECK_FAILED = 7, /* verify, doctor, a bench limit, send --wait */
    EXIT_PARTLY = 8,
    EXIT_INTERRUPTED = 130
};

#endif
