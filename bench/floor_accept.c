/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_accept.c - the floor under accepting: the HTTP server and group commit into the same tables and indexes,
 * for each request an event, its delivery, its key, and later the outcome of one attempt. No authentication, no
 * JSON, no matching, no engine, nothing is sent.
 *
 *   floor_accept DIR COUNT CONNECTIONS APPS
 *
 * A forked child generates the load over kept-alive connections. Prints one JSON line: requests, seconds,
 * requests_per_s, cpu_us (of the server process, per request).
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "net/http.h"
#include "net/loop.h"
#include "rows.h"
#include "store/store.h"
#include "store/writer.h"

enum { BODY_SIZE = 1024, CONNECTIONS_MAX = 512, REPLY_SIZE = 1024 };

struct floor {
    struct loop *loop;
    struct http_server *http;
    struct writer *writer;
    struct loop_watch watch;
    struct id_maker ids;
    long count, apps, taken, stored;
};

struct item {
    struct write write;
    struct floor *floor;
    struct http_request *req;
    struct bench_rows rows;
    bool is_outcome;
    char body[BODY_SIZE];
};

static double cpu_s(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* --- the server */
static int item_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct item *item = CONTAINER_OF(w, struct item, write);

    return item->is_outcome ? outcome_store(db, &item->rows.outcome)
                            : event_insert(db, &item->rows.publish, seqs);
}

static void item_submit(struct item *item);

static void item_done(struct write *w, int result)
{
    struct item *item = CONTAINER_OF(w, struct item, write);
    struct floor *f = item->floor;

    if (result != 0) {
        (void)fprintf(stderr, "floor_accept: %s\n", err_text(result));
        exit(1);
    }
    if (!item->is_outcome) {
        http_reply(item->req, &(struct http_reply){ .status = 202, .body = STR("{}") });
        rows_outcome(&item->rows);
        item->is_outcome = true;
        item_submit(item);
        return;
    }
    free(item);
    if (++f->stored == f->count) {
        loop_stop(f->loop);
    }
}

static void item_submit(struct item *item)
{
    item->write = (struct write){ .class = item->is_outcome ? WRITE_OUTCOME : WRITE_PUBLISH,
                                  .app = (uint32_t)item->rows.delivery.app,
                                  .rows = item->is_outcome ? 3 : 4,
                                  .bytes = 2048,
                                  .run = item_run,
                                  .on_done = item_done };
    if (writer_submit(item->floor->writer, &item->write) != 0) {
        (void)fprintf(stderr, "floor_accept: the queue is full\n");
        exit(1);
    }
}

static void on_request(void *ctx, struct http_request *req)
{
    struct floor *f = ctx;
    struct item *item = xalloc(sizeof(*item));

    item->floor = f;
    item->req = req;
    memcpy(item->body, req->body.p, req->body.len < BODY_SIZE ? req->body.len : BODY_SIZE);
    rows_fill(&item->rows, &f->ids, f->taken % f->apps + 1,
              (struct str){ item->body, BODY_SIZE }, clock_boot_us() * 1000 + f->taken % 1000);
    f->taken++;
    item_submit(item);
}

static void on_refused(void *ctx, struct http_request *req, int code)
{
    (void)ctx;
    http_reply(req, &(struct http_reply){ .status = err_status(code), .close = true });
}

static void on_writer_ready(struct loop_watch *w, unsigned events)
{
    (void)events;
    writer_dispatch(((struct floor *)w->ctx)->writer);
}

/* --- the generator: one request at a time on each connection */
static int dial(uint16_t port)
{
    struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0) {
        exit(1);
    }
    return fd;
}

static void generate(uint16_t port, long count, long connections)
{
    static char request[BODY_SIZE + 256];
    struct pollfd polls[CONNECTIONS_MAX];
    char reply[REPLY_SIZE];
    long sent = 0;
    long answered = 0;
    int len = snprintf(
        request, sizeof(request),
        "POST /api/v1/apps/x/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        "Content-Length: %d\r\n\r\n",
        BODY_SIZE);

    memset(request + len, 'x', BODY_SIZE);
    for (long i = 0; i < connections; i++) {
        polls[i] = (struct pollfd){ .fd = dial(port), .events = POLLIN };
        (void)!write(polls[i].fd, request, (size_t)len + BODY_SIZE);
        sent++;
    }
    while (answered < count) {
        (void)poll(polls, (nfds_t)connections, -1);
        for (long i = 0; i < connections; i++) {
            if ((polls[i].revents & POLLIN) != 0) {
                if (read(polls[i].fd, reply, sizeof(reply)) <= 0) {
                    exit(1);
                }
                answered++;
                if (sent < count) {
                    (void)!write(polls[i].fd, request, (size_t)len + BODY_SIZE);
                    sent++;
                }
            }
        }
    }
    exit(0);
}

static int floor_start(struct floor *f, const char *dir, struct store_open *open,
                       struct db_options *db)
{
    struct http_options http = { .listen = "127.0.0.1:0",
                                 .body_max = 1 << 20,
                                 .header_max = 16384,
                                 .uri_max = 8192,
                                 .bodies_memory_max = 256 << 20,
                                 .connections_max = 4096,
                                 .header_deadline_ms = 10000,
                                 .idle_timeout_ms = 60000 };
    struct err err = { .text = "" };

    open->data_dir = dir;
    if (store_open(open, db, &err) != 0 || loop_new(&f->loop) != 0 ||
        http_start(f->loop, &http, on_request, on_refused, f, &f->http, &err) != 0) {
        (void)fprintf(stderr, "floor_accept: %s\n", err.text);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct floor f = { 0 };
    struct store_open open = { 0 };
    struct db_options db;
    struct err err = { .text = "" };
    long connections;
    double seconds;
    double cpu;
    pid_t child;

    if (argc != 5) {
        (void)fprintf(stderr, "usage: floor_accept DIR COUNT CONNECTIONS APPS\n");
        return 2;
    }
    f.count = strtol(argv[2], NULL, 10);
    connections = strtol(argv[3], NULL, 10);
    f.apps = strtol(argv[4], NULL, 10);
    id_maker_init(&f.ids, NULL);
    if (connections < 1 || connections > CONNECTIONS_MAX || f.apps < 1 ||
        floor_start(&f, argv[1], &open, &db) != 0) {
        return 1;
    }
    child = fork();
    if (child == 0) {
        generate(http_port(f.http), f.count, connections);
    }
    if (writer_start(&(struct writer_options){ .db = &db,
                                               .queue_bytes_max = 64 << 20,
                                               .batch_rows_max = 1000,
                                               .batch_bytes_max = 4 << 20,
                                               .batch_ms_max = 10 },
                     &f.writer, &err) != 0) {
        (void)fprintf(stderr, "floor_accept: %s\n", err.text);
        return 1;
    }
    f.watch = (struct loop_watch){ .fd = writer_fd(f.writer),
                                   .on_ready = on_writer_ready,
                                   .ctx = &f };
    if (loop_watch(f.loop, &f.watch, LOOP_READ) != 0) {
        return 1;
    }
    seconds = (double)clock_boot_us() / 1e6;
    cpu = cpu_s();
    if (loop_run(f.loop) != 0) {
        return 1;
    }
    seconds = (double)clock_boot_us() / 1e6 - seconds;
    cpu = cpu_s() - cpu;
    (void)printf(
        "{\"requests\":%ld,\"seconds\":%.3f,\"requests_per_s\":%.0f,\"cpu_us\":%.1f}\n",
        f.count, seconds, (double)f.count / seconds, cpu * 1e6 / (double)f.count);
    (void)waitpid(child, NULL, 0);
    writer_stop(f.writer);
    http_stop(f.http);
    loop_free(f.loop);
    return 0;
}
