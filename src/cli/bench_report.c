/* SPDX-License-Identifier: Apache-2.0 */
/* bench_report.c - the figures of a run, from the times of its events. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "cli/bench.h"
#include "json/json.h"

enum { SECOND_US = 1000000 };

int64_t bench_percentile(const int64_t *sorted, size_t count, unsigned percent)
{
    size_t rank;

    ASSERT(percent > 0 && percent <= 100);
    if (count == 0) {
        return 0;
    }
    rank = (count * percent + 99) / 100;
    return sorted[rank - 1];
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return x < y ? -1 : x > y ? 1 : 0;
}

static void spread(int64_t *values, size_t count, struct bench_spread *ret)
{
    if (count > 0) {
        qsort(values, count, sizeof(values[0]), by_value);
    }
    ret->count = count;
    ret->p50_us = bench_percentile(values, count, 50);
    ret->p90_us = bench_percentile(values, count, 90);
    ret->p99_us = bench_percentile(values, count, 99);
    ret->max_us = bench_percentile(values, count, 100);
}

static double per_second(size_t count, int64_t from_us, int64_t to_us)
{
    return to_us > from_us ? (double)count * SECOND_US / (double)(to_us - from_us) : 0;
}

void bench_summarise(const struct bench_shared *shared, struct bench_report *report)
{
    size_t sent = (size_t)atomic_load(&shared->sent);
    int64_t *accepts = xcalloc(sent + 1, sizeof(accepts[0]));
    int64_t *arrivals = xcalloc(sent + 1, sizeof(arrivals[0]));
    int64_t last_accept = 0;
    int64_t last_arrival = 0;
    size_t accepted = 0;
    size_t arrived = 0;

    report->lost = 0;
    for (size_t i = 0; i < sent; i++) {
        const struct bench_event *e = &shared->events[i];
        int64_t at = atomic_load(&e->arrived_us);

        last_arrival = at > last_arrival ? at : last_arrival;
        if (e->accepted_us == 0) {
            continue;
        }
        accepts[accepted] = e->accepted_us - e->due_us;
        accepted++;
        last_accept = e->accepted_us > last_accept ? e->accepted_us : last_accept;
        if (at == 0) {
            /* A receiver that never answers is not asked about everything. */
            report->lost += shared->plan.is_hung ? 0 : 1;
            continue;
        }
        /* It may arrive before the answer to its publisher is read. */
        arrivals[arrived] = at > e->accepted_us ? at - e->accepted_us : 0;
        arrived++;
    }
    report->sent = (int64_t)sent;
    report->accepted = atomic_load(&shared->accepted);
    report->refused = atomic_load(&shared->refused);
    report->broken = atomic_load(&shared->broken);
    report->arrived = atomic_load(&shared->arrived);
    report->again = atomic_load(&shared->again);
    report->strange = atomic_load(&shared->strange);
    report->seconds = (double)(shared->ended_us - shared->started_us) / SECOND_US;
    report->accepted_per_s = per_second(accepted, shared->started_us, last_accept);
    report->delivered_per_s =
        per_second((size_t)report->arrived, shared->started_us, last_arrival);
    spread(accepts, accepted, &report->accept);
    spread(arrivals, arrived, &report->delivery);
    free(accepts);
    free(arrivals);
}

static void put_spread(struct json_out *o, const char *name, const struct bench_spread *s)
{
    json_out_name(o, name);
    json_out_object(o);
    json_put_int(o, "p50", s->p50_us);
    json_put_int(o, "p90", s->p90_us);
    json_put_int(o, "p99", s->p99_us);
    json_put_int(o, "max", s->max_us);
    json_out_object_end(o);
}

/* One decimal, as JSON and people read it. */
static void put_decimal(struct json_out *o, const char *name, double value)
{
    struct buf text;

    buf_init(&text, 64);
    if (buf_printf(&text, "%.1f", value) == 0) {
        json_put_raw(o, name, buf_str(&text));
    }
    buf_done(&text);
}

static int write_json(const struct bench_report *r, const struct bench_plan *plan,
                      struct buf *out)
{
    struct json_out o;
    int rc;

    json_out_begin(&o, out);
    json_out_object(&o);
    json_put_int(&o, "apps", plan->apps);
    json_put_int(&o, "connections", plan->connections);
    json_put_int(&o, "event_bytes", plan->size);
    json_put_int(&o, "rate", plan->rate);
    json_put_int(&o, "sent", r->sent);
    json_put_int(&o, "accepted", r->accepted);
    json_put_int(&o, "refused", r->refused);
    json_put_int(&o, "broken", r->broken);
    json_put_int(&o, "delivered", r->arrived);
    json_put_int(&o, "delivered_again", r->again);
    json_put_int(&o, "strange", r->strange);
    json_put_int(&o, "lost", r->lost);
    put_decimal(&o, "seconds", r->seconds);
    put_decimal(&o, "accepted_per_s", r->accepted_per_s);
    put_decimal(&o, "delivered_per_s", r->delivered_per_s);
    put_spread(&o, "accept_us", &r->accept);
    put_spread(&o, "accept_to_delivered_us", &r->delivery);
    json_out_name(&o, "cpu_us_per_event");
    json_out_object(&o);
    put_decimal(&o, "generator", r->generator_us);
    put_decimal(&o, "receiver", r->receiver_us);
    if (r->has_server) {
        put_decimal(&o, "serve", r->serve_us);
        put_decimal(&o, "egress", r->egress_us);
        put_decimal(&o, "keeper", r->keeper_us);
    }
    json_out_object_end(&o);
    if (r->has_server) {
        json_out_name(&o, "memory_bytes");
        json_out_object(&o);
        json_put_int(&o, "serve", r->serve_memory);
        json_put_int(&o, "egress", r->egress_memory);
        json_out_object_end(&o);
    }
    json_out_object_end(&o);
    rc = json_out_end(&o);
    return rc == 0 ? buf_add_char(out, '\n') : rc;
}

static int write_spread(struct buf *out, const char *name, const struct bench_spread *s)
{
    return buf_printf(out, "%-22s p50 %.2f ms   p90 %.2f   p99 %.2f   max %.2f\n", name,
                      (double)s->p50_us / 1000, (double)s->p90_us / 1000,
                      (double)s->p99_us / 1000, (double)s->max_us / 1000);
}

static int write_text(const struct bench_report *r, const struct bench_plan *plan,
                      struct buf *out)
{
    int rc = buf_printf(out,
                        "%-22s %lld apps, %lld connections, %lld bytes\n"
                        "%-22s %lld sent, %lld accepted, %lld refused, %lld broken\n"
                        "%-22s %lld different, %lld again, %lld strange, %lld lost\n"
                        "%-22s %.0f/s\n"
                        "%-22s %.0f/s\n",
                        "load", (long long)plan->apps, (long long)plan->connections,
                        (long long)plan->size, "events", (long long)r->sent,
                        (long long)r->accepted, (long long)r->refused, (long long)r->broken,
                        "arrivals", (long long)r->arrived, (long long)r->again,
                        (long long)r->strange, (long long)r->lost, "accepted",
                        r->accepted_per_s, "delivered", r->delivered_per_s);

    if (rc == 0) {
        rc = write_spread(out, "accept", &r->accept);
    }
    if (rc == 0) {
        rc = write_spread(out, "accept to delivered", &r->delivery);
    }
    if (rc == 0) {
        rc = buf_printf(out, "%-22s generator %.1f us   receiver %.1f us", "CPU per event",
                        r->generator_us, r->receiver_us);
    }
    if (rc == 0 && r->has_server) {
        rc = buf_printf(out,
                        "   serve %.1f us   egress %.1f us   keeper %.1f us\n%-22s serve "
                        "%.1f MiB   egress %.1f MiB",
                        r->serve_us, r->egress_us, r->keeper_us, "memory, at most",
                        (double)r->serve_memory / 1048576, (double)r->egress_memory / 1048576);
    }
    return rc == 0 ? buf_add_char(out, '\n') : rc;
}

int bench_report_write(const struct cli *cli, const struct bench_report *report,
                       const struct bench_plan *plan, struct buf *out)
{
    return cli->output == OUTPUT_JSON ? write_json(report, plan, out)
                                      : write_text(report, plan, out);
}
