/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_test.h - test sends: one request now, signed and sent as a delivery is, through the same guard, but
 * beside the core: no retry, no statistics, no health, no breaker, no quota. Also the guard's word on a URL.
 *
 * At most ENGINE_TESTS_MAX at once, and one at a time per endpoint. A test of a stored endpoint is put into
 * the log: an event with EVENT_TEST and a delivery that has ended, with the reason REASON_TEST. Main thread.
 */
#ifndef ENGINE_ENGINE_TEST_H
#define ENGINE_ENGINE_TEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/id.h"
#include "base/list.h"
#include "base/str.h"
#include "engine/inbox.h"
#include "engine/secrets.h"
#include "net/frame.h"
#include "net/loop.h"
#include "store/delivery.h"
#include "store/event.h"
#include "store/write.h"

struct app;
struct endpoint;
struct engine;
struct json;

enum { ENGINE_TESTS_MAX = 16, TEST_ID_SIZE = 32 };

struct engine_test {
    /* Set by the caller, and borrowed until on_done. */
    const struct endpoint
        *endpoint;    /* stored: its URL, secrets, headers, timeout; NULL: those below */
    struct str url;   /* checked and canonical */
    struct str inbox; /* token, when the URL is this server's own inbox, else empty */
    unsigned profiles;
    const struct secret_list *secrets;
    const struct json *headers;
    int64_t timeout_ms;
    const struct app *app;
    struct str event_id; /* evt_test_<ms> */
    struct str event_type;
    int64_t type_no; /* 0: the built-in test.ping */
    struct str body;
    struct arena *arena; /* for what comes back */
    bool judges_only;    /* ask the guard about `url` and send nothing */
    /* Once, never before engine_test has returned. result: 0 (also when the send failed: see `attempt`), or
     * -E_BUSY when the process ends meanwhile. */
    void (*on_done)(struct engine_test *t, int result);
    void *ctx;
    /* What came of it. Of a judgement: url, ip and error; response_body is one line "ADDRESS allowed" or
     * "ADDRESS refused" for each address of the name. */
    struct attempt_row attempt;
    struct id delivery;
    bool is_stored; /* it is in the log under `delivery` */
    /* The engine's. */
    struct engine *engine;
    struct list_node node;  /* all on their way */
    struct list_node local; /* those that were answered without egress */
    struct loop_timer late; /* an inbox that takes its time */
    uint64_t handle;
    int64_t started_boot_us;
    struct frame_done answer;
    struct event_publish event;
    struct delivery_row row;
    struct attempt_row stored;
    bool is_sealed;
    struct write write;
};

/* evt_test_<ms>, never the same twice. */
struct str engine_test_id(struct engine *e, char text[TEST_ID_SIZE]);
/* -E_LIMIT: a test of this endpoint is on its way. -E_BUSY: too many are, or no sending process has room, or the
 * server is draining. -E_STORE: its secret cannot be opened. Then on_done is not called. */
NODISCARD int engine_test(struct engine *e, struct engine_test *t);

#endif
