/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.h - the load generator and receiver behind `postern bench`.
 *
 * Three processes: the command itself, `bench-worker load` and `bench-worker receive`, both by exec of this
 * program. They share one memory file on descriptor 3: the plan, counters, and three times for each event
 * (CLOCK_MONOTONIC, one clock for all). Nothing but loopback is ever spoken to.
 */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/cli.h"
#include "crypto/api_key.h"

enum {
    BENCH_FD = 3,
    BENCH_EVENTS_MAX = 20000000,
    BENCH_APPS_MAX = 10000,
    BENCH_CONNECTIONS_MAX = 1024,
    BENCH_SIZE_MIN = 64,
    BENCH_SIZE_MAX = 256 * 1024,
    BENCH_NUMBER_DIGITS = 10,
    BENCH_SLUG_MAX = 48
};

struct bench_plan {
    uint16_t port; /* of the server on 127.0.0.1, or ::1 when is_v6 */
    bool is_v6;
    char host[64]; /* for the Host header */
    char key[API_KEY_MAX + 1];
    char run[17]; /* of this run: in the receiver's path and the Idempotency-Keys */
    int64_t apps;
    int64_t events;  /* at most; the load ends earlier when seconds are over */
    int64_t seconds; /* 0 = until all events are sent */
    int64_t rate;    /* events a second; 0 = as fast as answers come */
    int64_t connections;
    int64_t size; /* of an event's data */
    bool is_hung; /* the receiver reads and never answers */
};

struct bench_event {
    int64_t due_us; /* when it was to be sent (its turn in the rate), so a stall counts */
    int64_t accepted_us;
    _Atomic int64_t arrived_us; /* the first time */
};

struct bench_shared {
    struct bench_plan plan;
    _Atomic uint32_t receiver_port; /* 0 until it listens */
    _Atomic bool stop;              /* the receiver ends */
    _Atomic int64_t sent;
    _Atomic int64_t accepted;
    _Atomic int64_t refused;     /* answered, but not 202 */
    _Atomic int64_t broken;      /* connection lost before the answer: outcome unknown */
    _Atomic int64_t arrived;     /* different events */
    _Atomic int64_t again;       /* arrivals of an event that had arrived */
    _Atomic int64_t strange;     /* requests of no event of this run */
    _Atomic int32_t last_status; /* of a refused one */
    int64_t started_us;
    int64_t ended_us; /* of the load */
    struct bench_event events[];
};

int64_t bench_now_us(void); /* CLOCK_MONOTONIC */
size_t bench_shared_size(int64_t events);
/* "bench-<run>-<number>" */
void bench_slug(const struct bench_plan *plan, int64_t number, char ret_slug[BENCH_SLUG_MAX]);

/* --- bench_http.c, pure */
struct bench_head {
    size_t head_len; /* with the blank line */
    size_t body_len;
    int status; /* of a response, 0 for a request */
    bool closes;
};
/* 1 when a whole head is there, 0 when more bytes are needed, -E_INVALID. */
NODISCARD int bench_head_parse(struct str bytes, struct bench_head *ret_head);
/* The body to publish with BENCH_NUMBER_DIGITS zeros at *ret_at. */
NODISCARD int bench_body(int64_t size, struct buf *out, size_t *ret_at);
void bench_number_write(char *at, int64_t number);
/* The number in a body that was received; -1 when there is none. */
int64_t bench_number_read(struct str body);

/* --- the two workers: run to their end, return the exit code */
int bench_load(struct bench_shared *shared);
int bench_receive(struct bench_shared *shared);

/* --- bench_cpu.c: processes of the server, from /proc */
enum { BENCH_PROCESSES_MAX = 80 };
struct bench_process {
    int pid;
    char name[16]; /* serve, keeper or egress */
    int64_t cpu_us;
    int64_t memory; /* resident bytes, the most that it had */
};
/* The one `postern serve` on this machine that runs this very program, 0 when there is none or several. */
int bench_find_server(void);
/* pid and all below it. */
size_t bench_read_processes(int pid, struct bench_process *ret_list);

/* --- bench_report.c */
struct bench_spread {
    int64_t p50_us, p90_us, p99_us, max_us;
    size_t count;
};
struct bench_report {
    int64_t sent, accepted, refused, broken, arrived, again, strange;
    int64_t lost; /* accepted and not arrived */
    double accepted_per_s, delivered_per_s, seconds;
    struct bench_spread accept, delivery;
    double generator_us, receiver_us, serve_us, egress_us,
        keeper_us; /* CPU per accepted event */
    int64_t serve_memory, egress_memory;
    bool has_server; /* its processes were found */
};
/* The value below which `percent` of the sorted values lie (nearest rank); 0 when there are none. */
int64_t bench_percentile(const int64_t *sorted, size_t count, unsigned percent);
/* Counts and times from the shared memory; the CPU figures are left alone. */
void bench_summarise(const struct bench_shared *shared, struct bench_report *report);
NODISCARD int bench_report_write(const struct cli *cli, const struct bench_report *report,
                                 const struct bench_plan *plan, struct buf *out);

#endif
