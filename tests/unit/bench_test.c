/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bench's own parts: heads, bodies, percentiles, the summary of a run, and generator against receiver, which
 * here stands in for a server: each event arrives once and is counted.
 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/bench.h"
#include "cli/bench_setup.h"
#include "json/json.h"

static void heads_are_parsed(void **state)
{
    static const struct {
        const char *text;
        int whole;
        size_t head_len;
        size_t body_len;
        int status;
        bool closes;
    } rows[] = {
        { "HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\n\r\nbody", 1, 45, 12, 202, false },
        { "POST /x HTTP/1.1\r\nHost: a\r\ncontent-LENGTH:3\r\n\r\nabc", 1, 47, 3, 0, false },
        { "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", 1, 38, 0, 200, true },
        { "HTTP/1.1 200 OK\r\nContent-Le", 0, 0, 0, 0, false },
        { "", 0, 0, 0, 0, false },
        { "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", -E_INVALID, 0, 0, 0, false },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", -E_INVALID, 0, 0, 0, false },
        { "HTTP/1.1 xyz\r\n\r\n", -E_INVALID, 0, 0, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bench_head head = { 0 };

        assert_int_equal(bench_head_parse(str_from(rows[i].text), &head), rows[i].whole);
        assert_int_equal(head.head_len, rows[i].head_len);
        assert_int_equal(head.body_len, rows[i].body_len);
        assert_int_equal(head.status, rows[i].status);
        assert_true(head.closes == rows[i].closes);
    }
}

static void every_beginning_of_a_head_waits(void **state)
{
    static const char text[] = "HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\n\r\n";
    struct bench_head head;

    (void)state;
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        assert_int_equal(bench_head_parse((struct str){ text, len }, &head), 0);
    }
    assert_int_equal(bench_head_parse(str_from(text), &head), 1);
}

static void bodies_carry_their_number(void **state)
{
    static const int64_t sizes[] = { BENCH_SIZE_MIN, 1024, BENCH_SIZE_MAX };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct json_doc *doc = NULL;
        struct err err = { 0 };
        struct buf body;
        size_t at = 0;

        buf_init(&body, BENCH_SIZE_MAX * 2);
        assert_int_equal(bench_body(sizes[i], &body, &at), 0);
        assert_int_equal(bench_number_read(buf_str(&body)), 0);
        bench_number_write(body.p + at, 1234567);
        assert_int_equal(bench_number_read(buf_str(&body)), 1234567);
        assert_int_equal(json_parse(buf_str(&body), JSON_DEPTH_MAX, &doc, &err), 0);
        json_doc_free(doc);
        /* `data` has the size, give or take its own names. */
        assert_in_range(body.len, (size_t)sizes[i], (size_t)sizes[i] + 64);
        buf_done(&body);
    }
    assert_int_equal(bench_number_read(STR("{}")), -1);
    assert_int_equal(bench_number_read(STR("\"n\":\"12\"")), -1);
    assert_int_equal(bench_number_read(STR("\"n\":\"123456789x\"")), -1);
    assert_int_equal(bench_number_read(STR_NONE), -1);
}

static void percentiles_are_nearest_ranks(void **state)
{
    int64_t values[100];

    (void)state;
    for (int i = 0; i < 100; i++) {
        values[i] = i + 1;
    }
    assert_int_equal(bench_percentile(values, 100, 50), 50);
    assert_int_equal(bench_percentile(values, 100, 99), 99);
    assert_int_equal(bench_percentile(values, 100, 100), 100);
    assert_int_equal(bench_percentile(values, 1, 99), 1);
    assert_int_equal(bench_percentile(values, 3, 50), 2);
    assert_int_equal(bench_percentile(values, 0, 50), 0);
}

static struct bench_shared *make_shared(int64_t events)
{
    struct bench_shared *shared = xalloc(bench_shared_size(events));

    shared->plan.events = events;
    shared->plan.apps = 3;
    shared->plan.connections = 4;
    shared->plan.size = 256;
    memcpy(shared->plan.run, "0badcafe", 9);
    memcpy(shared->plan.host, "127.0.0.1", 10);
    memcpy(shared->plan.key, "0123456789abcdef0123456789abcdef", 33);
    return shared;
}

static void summaries_count_what_was_lost(void **state)
{
    struct bench_shared *shared = make_shared(4);
    struct bench_report report = { 0 };

    (void)state;
    atomic_store(&shared->sent, 4);
    atomic_store(&shared->accepted, 3);
    atomic_store(&shared->refused, 1);
    atomic_store(&shared->arrived, 2);
    shared->started_us = 1000;
    shared->ended_us = 2001000;
    shared->events[0] = (struct bench_event){ 1000, 2000, 5000 };
    shared->events[1] =
        (struct bench_event){ 1000, 4000, 3000 }; /* came before its answer was read */
    shared->events[2] = (struct bench_event){ 1000, 1001000, 0 }; /* never came */
    shared->events[3] = (struct bench_event){ 1000, 0, 0 };       /* refused */
    bench_summarise(shared, &report);
    assert_int_equal(report.lost, 1);
    assert_int_equal(report.accept.count, 3);
    assert_int_equal(report.accept.p50_us, 3000);
    assert_int_equal(report.accept.max_us, 1000000);
    assert_int_equal(report.delivery.count, 2);
    assert_int_equal(report.delivery.p50_us, 0);
    assert_int_equal(report.delivery.max_us, 3000);
    assert_int_equal((int)report.accepted_per_s, 3);
    assert_int_equal((int)report.delivered_per_s, 500);
    free(shared);
}

static void reports_are_json_or_lines(void **state)
{
    struct bench_shared *shared = make_shared(1);
    struct bench_report report = { .accepted = 7, .serve_us = 12.34, .has_server = true };
    struct cli cli = { .output = OUTPUT_JSON };
    struct json_doc *doc = NULL;
    const struct json *cpu;
    struct err err = { 0 };
    struct buf out;

    (void)state;
    buf_init(&out, 65536);
    assert_int_equal(bench_report_write(&cli, &report, &shared->plan, &out), 0);
    assert_int_equal(json_parse(buf_str(&out), JSON_DEPTH_MAX, &doc, &err), 0);
    cpu = json_member(json_root(doc), "cpu_us_per_event");
    assert_true(str_eq_c(json_number(json_member(cpu, "serve")), "12.3"));
    assert_true(str_eq_c(json_number(json_member(json_root(doc), "accepted")), "7"));
    json_doc_free(doc);
    buf_clear(&out);
    cli.output = OUTPUT_TABLE;
    assert_int_equal(bench_report_write(&cli, &report, &shared->plan, &out), 0);
    assert_non_null(strstr(out.p, "serve 12.3 us"));
    buf_done(&out);
    free(shared);
}

static void servers_elsewhere_are_refused(void **state)
{
    static const struct {
        const char *url;
        int code;
        uint16_t port;
    } rows[] = {
        { "http://127.0.0.1:8080", EXIT_OK, 8080 }, { "http://localhost", EXIT_OK, 80 },
        { "http://[::1]:81", EXIT_OK, 81 },         { "http://[::1]", EXIT_OK, 80 },
        { "https://127.0.0.1", EXIT_USAGE, 0 },     { "http://10.0.0.1:80", EXIT_USAGE, 0 },
        { "http://127.0.0.1:0", EXIT_USAGE, 0 },    { "http://127.0.0.1:80/x", EXIT_USAGE, 0 },
    };
    struct cli cli = { .output = OUTPUT_TABLE };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bench_plan plan = { 0 };

        assert_int_equal(bench_server_address(&cli, rows[i].url, &plan), rows[i].code);
        assert_int_equal(plan.port, rows[i].port);
    }
}

static void *receive(void *shared)
{
    return bench_receive(shared) == EXIT_OK ? NULL : shared;
}

/* The receiver answers 200, which the generator must count as refused: only 202 is an acceptance. Its path is not
 * the receiver's either, so every request is strange there: nothing may be counted as delivered. */
static void generator_and_receiver_agree(void **state)
{
    enum { EVENTS = 500 };
    struct bench_shared *shared = make_shared(EVENTS);
    struct bench_report report = { 0 };
    pthread_t thread;
    void *failure = shared;
    int64_t end = bench_now_us() + 30000000;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, receive, shared), 0);
    while (atomic_load(&shared->receiver_port) == 0 && bench_now_us() < end) {
        (void)sched_yield();
    }
    shared->plan.port = (uint16_t)atomic_load(&shared->receiver_port);
    assert_int_not_equal(shared->plan.port, 0);
    assert_int_equal(bench_load(shared), EXIT_OK);
    atomic_store(&shared->stop, true);
    assert_int_equal(pthread_join(thread, &failure), 0);
    assert_null(failure);
    bench_summarise(shared, &report);
    assert_int_equal(report.sent, EVENTS);
    assert_int_equal(report.refused, EVENTS);
    assert_int_equal(atomic_load(&shared->last_status), 200);
    assert_int_equal(report.broken, 0);
    assert_int_equal(report.strange, EVENTS);
    assert_int_equal(report.arrived, 0);
    free(shared);
}

static void a_load_on_nothing_ends(void **state)
{
    struct bench_shared *shared = make_shared(10);

    (void)state;
    shared->plan.port = 1; /* nobody listens there */
    assert_int_equal(bench_load(shared), EXIT_UNREACHABLE);
    assert_int_equal(atomic_load(&shared->accepted), 0);
    free(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_parsed),
        cmocka_unit_test(every_beginning_of_a_head_waits),
        cmocka_unit_test(bodies_carry_their_number),
        cmocka_unit_test(percentiles_are_nearest_ranks),
        cmocka_unit_test(summaries_count_what_was_lost),
        cmocka_unit_test(reports_are_json_or_lines),
        cmocka_unit_test(servers_elsewhere_are_refused),
        cmocka_unit_test(generator_and_receiver_agree),
        cmocka_unit_test(a_load_on_nothing_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
