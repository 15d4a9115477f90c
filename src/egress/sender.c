/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sender.c - the life of a transfer, in time order: taken, resolved, judged, tried (once an address), ended.
 *
 * libcurl's multi interface runs by sockets and one timer on the loop. Its callbacks only record; transfers
 * end from the loop's callbacks, when libcurl is not on the stack: collected after each call into it, cut
 * off by the count of received bytes, or by their own deadline. sender_end is the one teardown.
 */
#include "egress/sender.h"

#include <sys/resource.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/map.h"
#include "egress/transfer.h"

enum { SENDER_IDLE_EASIES_MAX = 64, SENDER_RESERVED_FDS = 48 };

struct sender {
    struct sender_options options;
    CURLM *multi;
    struct loop_timer timer; /* of libcurl */
    struct list transfers;
    struct map by_handle; /* key: the eight bytes of transfer->handle */
    uint64_t bytes;       /* of all transfers */
    uint32_t transfers_max;
    struct sock *current; /* whose callback runs; NULL when libcurl has dropped it meanwhile */
    CURL *idle[SENDER_IDLE_EASIES_MAX];
    size_t idle_count;
};

/* A socket that libcurl waits for, for one transfer. */
struct sock {
    struct loop_watch watch;
    struct sender *sender;
    struct transfer *transfer;
    int64_t start_bytes; /* received before this transfer used it */
};

static void transfer_try(struct transfer *t);
static void transfer_collect(struct sender *s);

static struct str handle_key(const uint64_t *handle)
{
    return (struct str){ (const char *)handle, sizeof(*handle) };
}

/* --- The end of a transfer -------------------------------------------------------------------- */

static void easy_put(struct sender *s, CURL *easy)
{
    /* An idle handle must not point into a transfer. */
    if (s->idle_count == SENDER_IDLE_EASIES_MAX ||
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_CONNECT_TO, NULL) != CURLE_OK) {
        curl_easy_cleanup(easy);
        return;
    }
    s->idle[s->idle_count++] = easy;
}

static void transfer_free(struct transfer *t)
{
    struct sender *s = t->sender;

    ASSERT(list_linked(&t->node) && s->bytes >= t->bytes);
    resolver_cancel(s->options.resolver, &t->query);
    loop_timer_cancel(s->options.loop, &t->deadline);
    if (t->easy != NULL) {
        (void)curl_multi_remove_handle(s->multi, t->easy);
        if (t->mail != NULL) {
            curl_easy_cleanup(t->easy);
        } else {
            easy_put(s, t->easy);
        }
    }
    curl_slist_free_all(t->header_list);
    curl_slist_free_all(t->connect_to);
    list_remove(&s->transfers, &t->node);
    (void)map_remove(&s->by_handle, handle_key(&t->handle));
    s->bytes -= t->bytes;
    mail_drop(t);
    caps_done(&t->caps);
    arena_done(&t->arena);
    free(t);
}

static void transfer_end(struct transfer *t, struct frame_done *done)
{
    struct sender *s = t->sender;
    char ip[IP_TEXT_SIZE];

    outcome_add_times(t, clock_boot_us(), ip, done);
    s->options.on_done(s->options.ctx, done);
    transfer_free(t);
}

static void transfer_end_token(struct transfer *t, enum token token, const char *detail)
{
    struct frame_done done;

    outcome_of_token(t, token, detail, &done);
    transfer_end(t, &done);
}

static void on_deadline(struct loop_timer *timer)
{
    struct transfer *t = timer->ctx;
    struct frame_done done;

    outcome_of_timeout(t, &done);
    transfer_end(t, &done);
}

/* --- Resolved and judged ---------------------------------------------------------------------- */

/* What the guard says of each, and nothing more. */
static void transfer_judge(struct transfer *t, const struct ip *addresses, size_t count)
{
    struct frame_done done;
    struct buf lines;
    bool refused = false;
    int rc = 0;

    buf_init(&lines, (IP_TEXT_SIZE + 16) * RESOLVER_ADDRESSES_MAX);
    for (size_t i = 0; i < count && rc == 0; i++) {
        bool allowed = ipguard_allows(t->options->guard, &addresses[i], t->url.port);
        char text[IP_TEXT_SIZE];

        ip_format(&addresses[i], text);
        rc = buf_printf(&lines, "%s %s\n", text, allowed ? "allowed" : "refused");
        refused = refused || !allowed;
    }
    ASSERT(rc == 0); /* the resolver answers no more */
    outcome_of_token(t, TOKEN_DESTINATION_IP_PROHIBITED, "", &done);
    done.token = refused ? TOKEN_DESTINATION_IP_PROHIBITED : TOKEN_NONE;
    done.response_body = buf_str(&lines);
    transfer_end(t, &done);
    buf_done(&lines);
}

/* One address that is refused refuses the name: else the next answer could bring it in. */
static void transfer_take_addresses(struct transfer *t, const struct ip *addresses,
                                    size_t count)
{
    size_t i;

    ASSERT(count > 0);
    t->resolved_us = clock_boot_us();
    if ((t->flags & FRAME_SEND_JUDGE) != 0) {
        transfer_judge(t, addresses, count);
        return;
    }
    for (i = 0; i < count; i++) {
        if (!request_allows(t, &addresses[i])) {
            transfer_end_token(
                t, TOKEN_DESTINATION_IP_PROHIBITED,
                "The endpoint resolves to an address that is private or reserved.");
            return;
        }
    }
    t->addresses = arena_alloc(&t->arena, count * sizeof(*addresses));
    memcpy(t->addresses, addresses, count * sizeof(*addresses));
    t->count = count;
    transfer_try(t);
}

static void transfer_take_answer(struct transfer *t, const struct resolver_answer *answer)
{
    if (answer->token != TOKEN_NONE) {
        transfer_end_token(t, answer->token, answer->detail);
        return;
    }
    transfer_take_addresses(t, answer->addresses, answer->count);
}

static void on_resolved(struct resolver_query *q, const struct resolver_answer *answer)
{
    transfer_take_answer(q->ctx, answer);
}

static void transfer_resolve(struct transfer *t)
{
    struct resolver *resolver = t->options->resolver;
    struct resolver_answer answer;

    if (t->url.is_ip) {
        transfer_take_addresses(t, &t->url.ip, 1);
    } else if (resolver_get(resolver, t->url.host, &answer)) {
        transfer_take_answer(t, &answer);
    } else {
        resolver_start(resolver, &t->query, t->url.host);
    }
}

/* --- Tried ------------------------------------------------------------------------------------ */

/* A mail has a handle of its own: its options must not stay on one that is used again. */
static CURL *easy_get(struct sender *s, bool is_mail)
{
    CURL *easy = NULL;

    if (s->idle_count > 0 && !is_mail) {
        return s->idle[--s->idle_count];
    }
    return request_easy_new(&s->options, &easy) == 0 ? easy : NULL;
}

static void transfer_try(struct transfer *t)
{
    struct sender *s = t->sender;

    ASSERT(t->at < t->count);
    t->opens = 0;
    t->prereqs = 0;
    t->connected_us = 0;
    t->error[0] = '\0';
    caps_clear(&t->caps);
    t->tried_us = clock_boot_us();
    if (t->easy == NULL) {
        t->easy = easy_get(s, t->mail != NULL);
    }
    if (t->easy == NULL || request_prepare(t) != 0 ||
        curl_multi_add_handle(s->multi, t->easy) != CURLM_OK) {
        transfer_end_token(t, TOKEN_SENDER_OVERLOAD, "The sending process could not begin.");
    }
}

static void transfer_take_result(struct transfer *t, CURLcode code)
{
    struct frame_done done;

    if (outcome_may_try_next(t, code)) {
        (void)curl_multi_remove_handle(t->sender->multi, t->easy);
        t->at++;
        transfer_try(t);
        return;
    }
    outcome_of_code(t, code, &done);
    transfer_end(t, &done);
}

static void transfer_collect(struct sender *s)
{
    const CURLMsg *msg;
    int left;

    for (msg = curl_multi_info_read(s->multi, &left); msg != NULL;
         msg = curl_multi_info_read(s->multi, &left)) {
        struct transfer *t = NULL;

        if (msg->msg != CURLMSG_DONE) {
            continue;
        }
        (void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &t);
        ASSERT(t != NULL && t->easy == msg->easy_handle);
        transfer_take_result(t, msg->data.result);
    }
}

/* --- libcurl on the loop ---------------------------------------------------------------------- */

static void on_curl_due(struct loop_timer *timer)
{
    struct sender *s = timer->ctx;
    int running;

    (void)curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    transfer_collect(s);
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct sender *s = ctx;

    (void)multi;
    if (timeout_ms < 0) {
        loop_timer_cancel(s->options.loop, &s->timer);
    } else {
        loop_timer_set(s->options.loop, &s->timer, loop_now(s->options.loop) + timeout_ms);
    }
    return 0;
}

static void on_sock_ready(struct loop_watch *w, unsigned events)
{
    struct sock *sock = w->ctx;
    struct sender *s = sock->sender;
    int bits = ((events & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0) |
               ((events & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    int running;

    /* libcurl tells of the TCP connection only once TLS stands too. */
    if (sock->transfer->opens > 0 && sock->transfer->connected_us == 0 &&
        caps_is_connected(w->fd)) {
        sock->transfer->connected_us = clock_boot_us();
    }
    s->current = sock;
    (void)curl_multi_socket_action(s->multi, w->fd, bits, &running);
    /* What is parsed away, as endless chunk extensions, shows in no callback: so ask the kernel. */
    if (s->current == sock && (events & LOOP_READ) != 0) {
        struct transfer *t = sock->transfer;

        if (!caps_wire(&t->caps, caps_received(w->fd) - sock->start_bytes)) {
            transfer_take_result(t, CURLE_WRITE_ERROR);
        }
    }
    s->current = NULL;
    transfer_collect(s);
}

static void sock_free(struct sock *sock)
{
    struct sender *s = sock->sender;

    ASSERT(s != NULL);
    if (s->current == sock) {
        s->current = NULL;
    }
    loop_unwatch(s->options.loop, &sock->watch);
    (void)curl_multi_assign(s->multi, sock->watch.fd, NULL);
    free(sock);
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct sender *s = ctx;
    struct sock *sock = socket_ctx;
    unsigned events = ((what & CURL_POLL_IN) != 0 ? LOOP_READ : 0U) |
                      ((what & CURL_POLL_OUT) != 0 ? LOOP_WRITE : 0U);
    struct transfer *t = NULL;

    if (what == CURL_POLL_REMOVE) {
        if (sock != NULL) {
            sock_free(sock);
        }
        return 0;
    }
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
    ASSERT(t != NULL);
    if (sock == NULL) {
        sock = xalloc(sizeof(*sock));
        sock->sender = s;
        sock->watch.fd = fd;
        sock->watch.on_ready = on_sock_ready;
        sock->watch.ctx = sock;
        sock->transfer = t;
        sock->start_bytes = caps_received(fd);
        if (loop_watch(s->options.loop, &sock->watch, events) != 0) {
            free(sock);
            return -1;
        }
        (void)curl_multi_assign(s->multi, fd, sock);
        return 0;
    }
    if (sock->transfer != t) {
        sock->transfer = t;
        sock->start_bytes = caps_received(fd);
    }
    return loop_watch_change(s->options.loop, &sock->watch, events) == 0 ? 0 : -1;
}

/* --- Taken ------------------------------------------------------------------------------------ */

/* Refused for its address, or as a URL? A policy that lets every address and port pass tells. */
static enum token transfer_url_token(struct transfer *t, struct str text)
{
    const struct url_policy open = { t->options->allow_http, t->options->allow_loopback, "any",
                                     NULL };
    struct url url;

    if (url_parse(text, &open, &t->arena, &url, NULL) == 0 && url.is_ip &&
        !ipguard_allows(t->options->guard, &url.ip, url.port)) {
        return TOKEN_DESTINATION_IP_PROHIBITED;
    }
    return TOKEN_URL_REFUSED;
}

/* False: it was ended for want of room. */
static bool transfer_has_room(struct transfer *t)
{
    const struct sender *s = t->sender;

    if (s->transfers.count > s->transfers_max || s->bytes > s->options.bytes_max) {
        transfer_end_token(t, TOKEN_SENDER_OVERLOAD, "The sending process has no room.");
        return false;
    }
    return true;
}

static void transfer_start(struct transfer *t, struct str url)
{
    const struct url_policy policy = { t->options->allow_http, t->options->allow_loopback,
                                       t->options->ports, t->options->guard };
    struct err err = { 0 };

    if (!transfer_has_room(t)) {
        return;
    }
    if (url_parse(url, &policy, &t->arena, &t->url, &err) != 0) {
        transfer_end_token(t, transfer_url_token(t, url), err.text);
        return;
    }
    if (request_take_headers(t) != 0) {
        transfer_end_token(t, TOKEN_URL_REFUSED, "A header of this request cannot be sent.");
        return;
    }
    transfer_resolve(t);
}

static struct transfer *transfer_new(struct sender *s, uint64_t handle, uint32_t timeout_ms,
                                     size_t bytes)
{
    struct transfer *t = xalloc(sizeof(*t));

    t->sender = s;
    t->options = &s->options;
    t->handle = handle;
    t->started_us = clock_boot_us();
    t->bytes = sizeof(*t) + bytes;
    t->query.on_resolved = on_resolved;
    t->query.ctx = t;
    t->deadline.on_due = on_deadline;
    t->deadline.ctx = t;
    arena_init(&t->arena);
    caps_init(&t->caps);
    s->bytes += t->bytes;
    list_push_back(&s->transfers, &t->node);
    (void)map_put(&s->by_handle, handle_key(&t->handle), t);
    loop_timer_set(s->options.loop, &t->deadline, loop_now(s->options.loop) + timeout_ms);
    return t;
}

int sender_send(struct sender *s, const struct frame_send *frame)
{
    struct transfer *t;

    if (map_get(&s->by_handle, handle_key(&frame->handle)) != NULL) {
        return -E_INVALID;
    }
    t = transfer_new(s, frame->handle, frame->timeout_ms,
                     frame->url.len + frame->headers.len + frame->body.len);
    t->flags = frame->flags;
    t->headers = arena_str(&t->arena, frame->headers);
    t->body = arena_str(&t->arena, frame->body);
    transfer_start(t, frame->url);
    return 0;
}

int sender_mail(struct sender *s, const struct frame_mail *frame)
{
    struct transfer *t;

    if (map_get(&s->by_handle, handle_key(&frame->handle)) != NULL) {
        return -E_INVALID;
    }
    t = transfer_new(s, frame->handle, frame->timeout_ms, frame->body.len);
    if (!transfer_has_room(t)) {
        return 0;
    }
    if (mail_take(t, frame) != 0) {
        transfer_end_token(t, TOKEN_URL_REFUSED, "The mail server or an address is not valid.");
        return 0;
    }
    transfer_resolve(t);
    return 0;
}

void sender_abort(struct sender *s, uint64_t handle)
{
    struct transfer *t = map_get(&s->by_handle, handle_key(&handle));

    if (t != NULL) {
        transfer_free(t);
    }
}

/* --- The sender itself ------------------------------------------------------------------------ */

/* Never more at once than there are descriptors for. */
static uint32_t sender_clamp(uint32_t transfers_max)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return transfers_max;
    }
    if (limit.rlim_cur <= SENDER_RESERVED_FDS * 2) {
        return SENDER_RESERVED_FDS / 2;
    }
    if (limit.rlim_cur - SENDER_RESERVED_FDS < transfers_max) {
        return (uint32_t)(limit.rlim_cur - SENDER_RESERVED_FDS);
    }
    return transfers_max;
}

int sender_new(const struct sender_options *options, struct sender **ret_sender,
               struct err *err)
{
    struct sender *s = xalloc(sizeof(*s));
    uint32_t max = sender_clamp(options->transfers_max);
    CURLMcode rc;

    s->options = *options;
    s->transfers_max = max;
    s->timer.on_due = on_curl_due;
    s->timer.ctx = s;
    list_init(&s->transfers);
    s->multi = curl_multi_init();
    if (s->multi == NULL) {
        free(s);
        return err_set(err, -E_IO, "The HTTP client cannot start.");
    }
    rc = curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    rc = rc != CURLM_OK ? rc : curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
    rc = rc != CURLM_OK ? rc
                        : curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    rc = rc != CURLM_OK ? rc : curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
    rc = rc != CURLM_OK ? rc : curl_multi_setopt(s->multi, CURLMOPT_PIPELINING, 0L);
    /* Idle connections make room for new ones. */
    rc = rc != CURLM_OK ? rc : curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, (long)max);
    rc = rc != CURLM_OK
             ? rc
             : curl_multi_setopt(s->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)max);
    if (rc != CURLM_OK) {
        (void)curl_multi_cleanup(s->multi);
        free(s);
        return err_set(err, -E_IO, "The HTTP client cannot be set up: %s.",
                       curl_multi_strerror(rc));
    }
    map_init(&s->by_handle);
    *ret_sender = s;
    return 0;
}

void sender_free(struct sender *s)
{
    struct list_node *n;

    if (s == NULL) {
        return;
    }
    for (n = list_first(&s->transfers); n != NULL; n = list_first(&s->transfers)) {
        transfer_free(CONTAINER_OF(n, struct transfer, node));
    }
    while (s->idle_count > 0) {
        curl_easy_cleanup(s->idle[--s->idle_count]);
    }
    (void)curl_multi_cleanup(s->multi);
    loop_timer_cancel(s->options.loop, &s->timer);
    map_done(&s->by_handle);
    free(s);
}
