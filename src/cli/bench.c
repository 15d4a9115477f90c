/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.c - `postern bench`: the order of a run. Make the shared memory, start the receiver, make the apps
 * through the API, read the server's CPU, start the generator, wait for it and for the last arrivals, read the
 * CPU again, report, and delete the apps.
 */
#include "cli/bench.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "cli/bench_setup.h"
#include "cli/client.h"
#include "cli/commands.h"

enum {
    PAUSE_MS = 5,
    READY_MS = 5000,
    DRAIN_DEFAULT_MS = 30000,
    EVENTS_PER_SECOND_MAX = 100000,
    REPORT_MAX = 64 * 1024
};

static const struct arg_spec specs[] = {
    { "apps", ARG_INT, 0, "N", "apps with one endpoint each [100]", 1, BENCH_APPS_MAX },
    { "events", ARG_INT, 0, "N", "events to publish (instead of --seconds)", 1,
      BENCH_EVENTS_MAX },
    { "seconds", ARG_INT, 0, "N", "how long to publish [10]", 1, 3600 },
    { "rate", ARG_INT, 0, "N", "events a second [as fast as answers come]", 1, 1000000 },
    { "connections", ARG_INT, 'c', "N", "kept-alive connections [32]", 1,
      BENCH_CONNECTIONS_MAX },
    { "size", ARG_INT, 0, "BYTES", "data of one event [1024]", BENCH_SIZE_MIN, BENCH_SIZE_MAX },
    { "receiver", ARG_TEXT, 0, "KIND", "answer (200 at once) or hang (never) [answer]", 0, 0 },
    { "drain", ARG_DURATION, 0, "TIME", "longest wait for the last arrivals [30s]", 0,
      3600000 },
    { "pid", ARG_INT, 0, "PID", "the server's process, for its CPU [found by itself]", 1,
      INT32_MAX },
    { "keep", ARG_SWITCH, 0, NULL, "leave the apps and events there", 0, 0 },
    { "min-rate", ARG_INT, 0, "N", "exit 7 when fewer are delivered a second", 1, 1000000 },
    { "max-p99", ARG_DURATION, 0, "TIME", "exit 7 when accept to delivered takes longer", 0,
      3600000 },
};

static const struct arg_table flags = { specs, sizeof(specs) / sizeof(specs[0]) };

struct bench {
    const struct cli *cli;
    const struct args *args;
    struct client *client;
    struct bench_shared *shared;
    size_t size;
    int memory; /* descriptor of the shared memory */
    pid_t receiver;
    int server_pid;
    struct bench_report report;
    struct rusage load_usage;
    struct rusage receive_usage;
    int code;
};

static void wait_ms(int64_t ms)
{
    struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    (void)nanosleep(&pause, NULL);
}

static int64_t usage_us(const struct rusage *u)
{
    return ((int64_t)u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000000 + u->ru_utime.tv_usec +
           u->ru_stime.tv_usec;
}

static int make_plan(const struct bench *b, struct bench_plan *plan)
{
    const struct args *args = b->args;
    const char *kind = args_text(args, "receiver", "answer");

    memset(plan, 0, sizeof(*plan));
    plan->apps = args_number(args, "apps", 100);
    plan->rate = args_number(args, "rate", 0);
    plan->connections = args_number(args, "connections", 32);
    plan->size = args_number(args, "size", 1024);
    plan->is_hung = strcmp(kind, "hang") == 0;
    if (!plan->is_hung && strcmp(kind, "answer") != 0) {
        return cli_fail(b->cli, EXIT_USAGE, "--receiver is answer or hang", NULL,
                        "postern bench --help");
    }
    if (args_given(args, "events")) {
        plan->events = args_number(args, "events", 0);
        plan->seconds = args_number(args, "seconds", 0);
    } else {
        int64_t rate = plan->rate > 0 ? plan->rate : EVENTS_PER_SECOND_MAX;

        plan->seconds = args_number(args, "seconds", 10);
        plan->events = plan->seconds * rate;
        plan->events = plan->events < BENCH_EVENTS_MAX ? plan->events : BENCH_EVENTS_MAX;
    }
    (void)snprintf(plan->run, sizeof(plan->run), "%08x",
                   (unsigned)(random_u64() & 0xffffffffu));
    return bench_server_address(b->cli, client_url(b->client), plan);
}

static int make_memory(struct bench *b)
{
    struct bench_plan plan;
    int code = make_plan(b, &plan);
    void *memory;

    if (code != EXIT_OK) {
        return code;
    }
    client_copy_key(b->client, plan.key, sizeof(plan.key));
    b->size = bench_shared_size(plan.events);
    /* Only root and this user can reach it, and it ends with the last of the three processes. */
    b->memory = memfd_create("postern-bench", MFD_CLOEXEC);
    if (b->memory < 0 || ftruncate(b->memory, (off_t)b->size) != 0) {
        return cli_fail(b->cli, EXIT_ERROR, "there is no memory for the run",
                        strerrordesc_np(errno), "take fewer --events or --seconds");
    }
    memory = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, b->memory, 0);
    if (memory == MAP_FAILED) {
        return cli_fail(b->cli, EXIT_ERROR, "there is no memory for the run",
                        strerrordesc_np(errno), "take fewer --events or --seconds");
    }
    b->shared = memory;
    b->shared->plan = plan;
    explicit_bzero(&plan, sizeof(plan));
    return EXIT_OK;
}

/* This program again, as `bench-worker KIND` with the memory on descriptor 3. */
static _Noreturn void become_worker(const char *kind, int memory)
{
    static char name[] = "postern";
    static char command[] = "bench-worker";
    char word[16];
    char *argv[] = { name, command, word, NULL };

    (void)snprintf(word, sizeof(word), "%s", kind);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (memory == BENCH_FD ? fcntl(memory, F_SETFD, 0) < 0 : dup2(memory, BENCH_FD) < 0) {
        _exit(EXIT_ERROR);
    }
    (void)execv("/proc/self/exe", argv);
    _exit(EXIT_ERROR);
}

static pid_t start_worker(const struct bench *b, const char *kind)
{
    pid_t pid = fork();

    if (pid == 0) {
        become_worker(kind, b->memory);
    }
    return pid;
}

static int start_receiver(struct bench *b)
{
    int64_t end = bench_now_us() + READY_MS * 1000LL;

    b->receiver = start_worker(b, "receive");
    while (b->receiver > 0 && atomic_load(&b->shared->receiver_port) == 0 &&
           bench_now_us() < end && waitpid(b->receiver, NULL, WNOHANG) == 0) {
        wait_ms(PAUSE_MS);
    }
    if (atomic_load(&b->shared->receiver_port) == 0) {
        return cli_fail(b->cli, EXIT_ERROR, "the receiver does not start", NULL, NULL);
    }
    return EXIT_OK;
}

static void show_progress(const struct bench *b)
{
    if (b->cli->tty_err && b->cli->output == OUTPUT_TABLE) {
        (void)fprintf(stderr, "\r%lld sent, %lld accepted, %lld delivered ",
                      (long long)atomic_load(&b->shared->sent),
                      (long long)atomic_load(&b->shared->accepted),
                      (long long)atomic_load(&b->shared->arrived));
    }
}

static void end_progress(const struct bench *b)
{
    if (b->cli->tty_err && b->cli->output == OUTPUT_TABLE) {
        (void)fputc('\n', stderr);
    }
}

static int run_load(struct bench *b)
{
    pid_t pid = start_worker(b, "load");
    int status = 0;
    int turns = 0;

    if (pid < 0) {
        return cli_fail(b->cli, EXIT_ERROR, "the generator does not start",
                        strerrordesc_np(errno), NULL);
    }
    while (wait4(pid, &status, WNOHANG, &b->load_usage) == 0) {
        wait_ms(PAUSE_MS);
        turns++;
        if (turns % 50 == 0) {
            show_progress(b);
        }
    }
    if (!WIFEXITED(status)) {
        return cli_fail(b->cli, EXIT_ERROR, "the generator ended by a signal", NULL, NULL);
    }
    return WEXITSTATUS(status);
}

/* Until everything accepted has arrived, or the time is over. */
static void drain(struct bench *b)
{
    int64_t wait = args_number(b->args, "drain", DRAIN_DEFAULT_MS);
    int64_t end = bench_now_us() + wait * 1000;

    while (!b->shared->plan.is_hung && bench_now_us() < end &&
           atomic_load(&b->shared->arrived) < atomic_load(&b->shared->accepted)) {
        wait_ms(PAUSE_MS);
        show_progress(b);
    }
    end_progress(b);
}

static void stop_receiver(struct bench *b)
{
    int status;

    if (b->receiver > 0) {
        atomic_store(&b->shared->stop, true);
        (void)wait4(b->receiver, &status, 0, &b->receive_usage);
        b->receiver = 0;
    }
}

static int64_t cpu_of(const struct bench_process *list, size_t count, const char *name)
{
    int64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += strcmp(list[i].name, name) == 0 ? list[i].cpu_us : 0;
    }
    return sum;
}

static int64_t memory_of(const struct bench_process *list, size_t count, const char *name)
{
    int64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += strcmp(list[i].name, name) == 0 ? list[i].memory : 0;
    }
    return sum;
}

static void measure(struct bench *b)
{
    struct bench_process before[BENCH_PROCESSES_MAX];
    struct bench_process after[BENCH_PROCESSES_MAX];
    struct bench_report *r = &b->report;
    size_t before_count = bench_read_processes(b->server_pid, before);
    size_t after_count;
    double events;

    b->code = run_load(b);
    if (b->code == EXIT_OK) {
        drain(b);
    }
    after_count = bench_read_processes(b->server_pid, after);
    stop_receiver(b);
    bench_summarise(b->shared, r);
    events = r->accepted > 0 ? (double)r->accepted : 1;
    r->generator_us = (double)usage_us(&b->load_usage) / events;
    r->receiver_us = (double)usage_us(&b->receive_usage) / events;
    r->has_server = before_count > 0 && after_count > 0;
    r->serve_us =
        (double)(cpu_of(after, after_count, "serve") - cpu_of(before, before_count, "serve")) /
        events;
    r->egress_us = (double)(cpu_of(after, after_count, "egress") -
                            cpu_of(before, before_count, "egress")) /
                   events;
    r->keeper_us = (double)(cpu_of(after, after_count, "keeper") -
                            cpu_of(before, before_count, "keeper")) /
                   events;
    r->serve_memory = memory_of(after, after_count, "serve");
    r->egress_memory = memory_of(after, after_count, "egress");
}

static int judge(const struct bench *b)
{
    const struct bench_report *r = &b->report;
    char why[128] = "";

    if (b->code != EXIT_OK) {
        return cli_fail(b->cli, (enum exit_code)b->code, "the load ended early",
                        "the server closed the connections or stopped answering",
                        "look at the server's log");
    }
    if (r->refused > 0 || r->broken > 0) {
        (void)snprintf(why, sizeof(why), "%lld refused (last answer %d), %lld broken",
                       (long long)r->refused, (int)atomic_load(&b->shared->last_status),
                       (long long)r->broken);
    } else if (!b->shared->plan.is_hung && r->lost > 0) {
        (void)snprintf(why, sizeof(why), "%lld events were accepted and did not arrive",
                       (long long)r->lost);
    } else if (args_given(b->args, "min-rate") &&
               r->delivered_per_s < (double)args_number(b->args, "min-rate", 0)) {
        (void)snprintf(why, sizeof(why), "delivered %lld/s", (long long)r->delivered_per_s);
    } else if (args_given(b->args, "max-p99") &&
               r->delivery.p99_us > args_number(b->args, "max-p99", 0) * 1000) {
        (void)snprintf(why, sizeof(why), "accept to delivered p99 %lld us",
                       (long long)r->delivery.p99_us);
    }
    if (why[0] == '\0') {
        return EXIT_OK;
    }
    return cli_fail(b->cli, EXIT_CHECK_FAILED, "the run does not pass", why, NULL);
}

static int print_report(const struct bench *b)
{
    struct buf out;
    int code = EXIT_ERROR;

    buf_init(&out, REPORT_MAX);
    if (bench_report_write(b->cli, &b->report, &b->shared->plan, &out) == 0) {
        code = cli_print(buf_str(&out));
    }
    buf_done(&out);
    return code;
}

static void clean_up(struct bench *b)
{
    if (b->shared != NULL) {
        stop_receiver(b);
        explicit_bzero(b->shared->plan.key, sizeof(b->shared->plan.key));
        (void)munmap(b->shared, b->size);
    }
    if (b->memory >= 0) {
        (void)close(b->memory);
    }
    client_close(b->client);
}

static int bench_run(struct cli *cli, const struct command *command, const struct args *args)
{
    static struct bench b;
    int code;
    int made;

    (void)command;
    b = (struct bench){ .cli = cli, .args = args, .memory = -1 };
    if (args->word_count > 0) {
        return cli_fail(cli, EXIT_USAGE, "bench takes flags only", NULL,
                        "postern bench --help");
    }
    code = client_open(cli, args, &b.client);
    if (code == EXIT_OK) {
        code = make_memory(&b);
    }
    if (code == EXIT_OK) {
        code = start_receiver(&b);
    }
    if (code == EXIT_OK) {
        made = bench_setup_make(cli, b.client, &b.shared->plan,
                                (uint16_t)atomic_load(&b.shared->receiver_port));
        if (made == EXIT_OK) {
            b.server_pid = (int)args_number(args, "pid", bench_find_server());
            measure(&b);
            code = print_report(&b);
            code = code == EXIT_OK ? judge(&b) : code;
        } else {
            code = made;
        }
        if (!args_on(args, "keep") && code != EXIT_UNREACHABLE) {
            bench_setup_remove(cli, b.client, &b.shared->plan);
        }
    }
    clean_up(&b);
    return code;
}

const struct command command_bench = {
    .name = "bench",
    .summary = "Measure a server on this machine with events of its own",
    .examples = "  postern bench --seconds 10\n"
                "  postern bench --apps 1000 --rate 2000 --max-p99 20ms\n"
                "  postern bench --events 1000000 --connections 128 --json\n",
    .usage = "[FLAGS]",
    .more =
        "Publishes to apps that it makes for the run, receives what is delivered in a process "
        "of\n"
        "its own, and compares. Loopback and plain http only; the server must allow loopback\n"
        "endpoints (--dev). The CPU figures are microseconds per accepted event.\n",
    .tables = { &flags, &client_flags },
    .run = bench_run,
};

static int worker_run(int argc, char **argv)
{
    struct stat st;
    struct bench_shared *shared;
    int code;

    if (argc != 1 || fstat(BENCH_FD, &st) != 0 || !S_ISREG(st.st_mode) ||
        st.st_size < (off_t)sizeof(struct bench_shared)) {
        return cli_fail(NULL, EXIT_USAGE, "the workers are started by bench alone", NULL,
                        "postern bench");
    }
    shared = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, BENCH_FD, 0);
    if (shared == MAP_FAILED) {
        return EXIT_ERROR;
    }
    code = strcmp(argv[0], "receive") == 0 ? bench_receive(shared) : bench_load(shared);
    (void)munmap(shared, (size_t)st.st_size);
    return code;
}

const struct command command_bench_worker = {
    .name = "bench-worker",
    .summary = "A process of bench",
    .examples = "  postern bench\n",
    .usage = "",
    .run_raw = worker_run,
    .is_hidden = true,
};
