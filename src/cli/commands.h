/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - one constant for each command; main.c lists them. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct command command_serve;
extern const struct command command_egress;
extern const struct command command_config;
extern const struct command command_version;
extern const struct command command_projects;
extern const struct command command_keys;
extern const struct command command_apps;
extern const struct command command_endpoints;
extern const struct command command_event_types;
extern const struct command command_events;
extern const struct command command_deliveries;
extern const struct command command_audit;
extern const struct command command_members;
extern const struct command command_ticket;
extern const struct command command_backup;
extern const struct command command_replay;
extern const struct command command_stats;
extern const struct command command_tail;
extern const struct command command_send;
extern const struct command command_sign;
extern const struct command command_verify;
extern const struct command command_doctor;
extern const struct command command_completion;
extern const struct command command_bench;
extern const struct command command_bench_worker;

#endif
