/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_send.c - the floor under sending: libcurl alone, in one process and one loop, posting a fixed body over
 * kept-alive connections as fast as it goes. No signing, no log, no guard.
 *
 *   floor_send COUNT CONCURRENCY
 *
 * A forked child receives and answers 200. Prints one JSON line: requests, seconds, requests_per_s, cpu_us (of this process, per request).
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BODY_SIZE = 1024, CONCURRENCY_MAX = 1024, HEAD_MAX = 2048 };

static long left;
static long failed;

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
    (void)p;
    (void)ctx;
    return size * n;
}

static double now_s(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* --- the receiver: one process, answers each whole request */
struct peer {
    char bytes[HEAD_MAX + BODY_SIZE];
    size_t len;
};

/* False at its end. */
static bool peer_read(int fd, struct peer *p)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    ssize_t n = read(fd, p->bytes + p->len, sizeof(p->bytes) - p->len);
    char *end;

    if (n <= 0) {
        return false;
    }
    p->len += (size_t)n;
    end = memmem(p->bytes, p->len, "\r\n\r\n", 4);
    if (end != NULL && p->len == (size_t)(end - p->bytes) + 4 + BODY_SIZE) {
        p->len = 0;
        (void)!write(fd, answer, sizeof(answer) - 1);
    }
    return true;
}

static void receive(int listener)
{
    static struct peer peers[CONCURRENCY_MAX + 1];
    static struct pollfd polls[CONCURRENCY_MAX + 1];
    nfds_t count = 1;

    polls[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
    for (;;) {
        (void)poll(polls, count, -1);
        for (nfds_t i = 1; i < count; i++) {
            if (polls[i].revents != 0 && !peer_read(polls[i].fd, &peers[i])) {
                (void)close(polls[i].fd);
                polls[i].fd = -1; /* poll passes it over */
            }
        }
        if ((polls[0].revents & POLLIN) != 0 && count <= CONCURRENCY_MAX) {
            polls[count] =
                (struct pollfd){ .fd = accept(listener, NULL, NULL), .events = POLLIN };
            count++;
        }
    }
}

static pid_t receiver_start(char url[64])
{
    struct sockaddr_in sin = { .sin_family = AF_INET };
    socklen_t len = sizeof(sin);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t child;

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
        listen(fd, CONCURRENCY_MAX) != 0 ||
        getsockname(fd, (struct sockaddr *)&sin, &len) != 0) {
        abort();
    }
    (void)snprintf(url, 64, "http://127.0.0.1:%u/", (unsigned)ntohs(sin.sin_port));
    child = fork();
    if (child == 0) {
        receive(fd);
    }
    (void)close(fd);
    return child;
}

static CURL *make_easy(const char *url, const char *body, struct curl_slist *headers)
{
    CURL *easy = curl_easy_init();

    if (easy == NULL || curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)BODY_SIZE) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK) {
        abort();
    }
    return easy;
}

static void collect(CURLM *multi)
{
    CURLMsg *msg;
    int rest;

    while ((msg = curl_multi_info_read(multi, &rest)) != NULL) {
        CURL *easy = msg->easy_handle;
        long status = 0;

        (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        failed += msg->data.result != CURLE_OK || status < 200 || status > 299 ? 1 : 0;
        (void)curl_multi_remove_handle(multi, easy);
        if (left > 0) {
            left--;
            (void)curl_multi_add_handle(multi, easy);
        } else {
            curl_easy_cleanup(easy);
        }
    }
}

int main(int argc, char **argv)
{
    static char body[BODY_SIZE + 1];
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CURLM *multi;
    long count;
    long concurrency;
    int running = 1;
    double start;
    double cpu;
    char url[64];
    pid_t receiver;

    if (argc != 3) {
        (void)fprintf(stderr, "usage: floor_send COUNT CONCURRENCY\n");
        return 2;
    }
    count = strtol(argv[1], NULL, 10);
    concurrency = strtol(argv[2], NULL, 10);
    if (count < 1 || concurrency < 1 || concurrency > CONCURRENCY_MAX || concurrency > count) {
        return 2;
    }
    memset(body, 'x', BODY_SIZE);
    receiver = receiver_start(url);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    left = count - concurrency;
    for (long i = 0; i < concurrency; i++) {
        (void)curl_multi_add_handle(multi, make_easy(url, body, headers));
    }
    start = now_s();
    cpu = cpu_s();
    while (running > 0) {
        (void)curl_multi_perform(multi, &running);
        collect(multi);
        if (running > 0 || left > 0) {
            (void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
            running = 1;
        }
        if (left == 0) {
            (void)curl_multi_perform(multi, &running);
            collect(multi);
        }
    }
    start = now_s() - start;
    cpu = cpu_s() - cpu;
    (void)printf("{\"requests\":%ld,\"failed\":%ld,\"seconds\":%.3f,\"requests_per_s\":%.0f,"
                 "\"cpu_us\":%.1f}\n",
                 count, failed, start, (double)count / start, cpu * 1e6 / (double)count);
    (void)kill(receiver, SIGKILL);
    (void)waitpid(receiver, NULL, 0);
    (void)curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    return failed == 0 ? 0 : 1;
}
