/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer.h - one request on its way: what sender.c (its life), request.c (its easy handle) and outcome.c
 * (its end) share. Private to egress.
 *
 *   resolving -> trying -> done          a try = one address; the next one only before anything was sent
 */
#ifndef EGRESS_TRANSFER_H
#define EGRESS_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/list.h"
#include "egress/caps.h"
#include "egress/resolver.h"
#include "egress/sender.h"
#include "net/ipguard.h"
#include "net/loop.h"
#include "net/url.h"

struct mail;

struct transfer {
    struct sender *sender;
    const struct sender_options *options;
    struct list_node node; /* on the sender's list */
    struct arena arena;    /* the copies of the frame, the URL, the addresses */
    uint64_t handle;
    uint32_t flags;
    size_t bytes; /* counted against bytes_max */
    struct str headers;
    struct str body;
    struct url url;
    struct ip *addresses; /* judged */
    size_t count;
    size_t at; /* the address of this try */
    struct resolver_query query;
    struct loop_timer deadline;
    int64_t started_us;
    int64_t resolved_us;  /* 0 = not yet */
    int64_t tried_us;     /* start of this try */
    int64_t connected_us; /* of this try's new connection; 0 = not yet */
    int64_t sent_us;      /* the request was begun; 0 = not yet */

    CURL *easy; /* NULL until the first try */
    struct curl_slist *header_list;
    struct curl_slist *connect_to;
    char error[CURL_ERROR_SIZE];
    struct caps caps;
    unsigned opens;   /* sockets of this try */
    unsigned prereqs; /* times that libcurl was about to send, of this try */
    int open_errno;   /* why no socket could be made */
    bool is_reused;
    bool is_refused;   /* the guard stepped in at the last moment */
    struct mail *mail; /* mail.c; NULL: an HTTP request */
};

/* --- request.c -------------------------------------------------------------------------------- */

/* An easy handle with all options that are the same for every request. */
NODISCARD int request_easy_new(const struct sender_options *options, CURL **ret_easy);
/* Is this header block fit to be sent? Sets t->header_list. -E_INVALID: no. */
NODISCARD int request_take_headers(struct transfer *t);
/* Set what belongs to this transfer and its present address on t->easy. */
NODISCARD int request_prepare(struct transfer *t);

/* May this address be connected to for this transfer? */
bool request_allows(const struct transfer *t, const struct ip *ip);

/* --- mail.c ----------------------------------------------------------------------------------- */

/* Makes the transfer one of mail: copies the frame, fills url. -E_INVALID: it cannot be sent. */
NODISCARD int mail_take(struct transfer *t, const struct frame_mail *frame);
/* What is not the same as with HTTP, on a fresh easy handle. */
NODISCARD int mail_prepare(struct transfer *t);
/* After the connection: what the server made of it. */
void mail_outcome(const struct transfer *t, CURLcode code, struct frame_done *done);
/* Did the server say anything? (A login that fails comes before the request.) */
bool mail_was_answered(const struct transfer *t);
void mail_drop(struct transfer *t); /* wipes the password; NULL mail allowed */

/* --- outcome.c -------------------------------------------------------------------------------- */

/* May the next address be tried after this result? (Nothing was sent, and it is about connecting.) */
bool outcome_may_try_next(const struct transfer *t, CURLcode code);
/* The end of a try, as a frame that borrows from the transfer. */
void outcome_of_code(const struct transfer *t, CURLcode code, struct frame_done *ret_done);
/* An end that libcurl had no part in. */
void outcome_of_token(const struct transfer *t, enum token token, const char *detail,
                      struct frame_done *ret_done);
/* The time of the whole request is over. */
void outcome_of_timeout(const struct transfer *t, struct frame_done *ret_done);
/* The address and phases, once the frame's strings may be borrowed. ret_ip is the frame's text. */
void outcome_add_times(const struct transfer *t, int64_t now_us, char ret_ip[IP_TEXT_SIZE],
                       struct frame_done *done);

#endif
