/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.h - one API request on its way through the floor: who asks, what the path named, the
 * body, the answer.
 *
 * A call lives in the arena of its request and ends with exactly one answer (call_reply*,
 * problem_reply). A handler may be run again (call_again): after a lost race, or once a missing
 * event type was stored. So a handler reads everything anew each time and keeps nothing between
 * two runs but what stands here.
 */
#ifndef API_CALL_H
#define API_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/access.h"
#include "api/path.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/list.h"
#include "base/str.h"
#include "engine/registry.h"
#include "json/form.h"
#include "json/json.h"
#include "net/http.h"
#include "store/reader.h"
#include "store/write.h"

struct api;
struct route;

enum {
    CALL_REPLY_MAX = 32 * 1024 * 1024, /* bytes of one answer */
    CALL_DOCS_MAX = 4,
    CALL_TRIES_MAX = 3, /* runs of an edit that loses its race, without If-Match */
    CALL_HEADERS_MAX = 4096
};

struct call {
    struct api *api;
    struct http_request *req;
    struct arena *arena; /* the request's */
    const struct route *route;
    struct str params[PATH_PARAMS_MAX]; /* raw, in order of the pattern */
    int64_t now;                        /* wall ms */
    unsigned tries;                     /* lost races so far */

    /* who asks */
    struct access access;
    struct project *project;

    /* what the path named, resolved before the handler */
    struct app *app;
    struct endpoint *endpoint;
    struct event_type *type;
    struct api_key *named_key; /* {key}: living; {integration}: also revoked */
    struct member *named_member;
    struct id id;    /* event or delivery */
    int32_t attempt; /* its number */
    struct str token;

    /* body; faults found in it or in the query */
    const struct json *body;
    struct form_faults faults;
    struct json_doc *docs[CALL_DOCS_MAX]; /* freed at the end */
    size_t doc_count;
    struct str alias_query; /* of a route with an alias: what the handler is to read */
    struct str alias_key;   /* an Idempotency-Key that stood in the body */
    int64_t alias_limit, alias_offset;
    bool is_translated; /* query and body are */

    /* the answer */
    struct json_out json;
    struct buf out;
    struct buf headers;
    const char *cache; /* Cache-Control; NULL: no-store */

    /* further memory of the handler */
    struct buf bytes;  /* event bodies */
    struct buf secret; /* wiped at the end */
    void *state;

    /* on its way to a reader thread, or to the writer with a new object */
    struct read read;
    int (*read_run)(struct call *call, struct db *db);
    void (*read_done)(struct call *call);
    struct write write;
    int (*write_run)(struct call *call, struct db *db);
    void (*write_done)(struct call *call);
    void (*read_failed)(struct call *call, int code); /* NULL: the problem is the answer */

    /* an answer in pieces */
    enum http_more (*stream_read)(struct call *call, struct buf *out);
    void (*stream_closed)(struct call *call);

    void (*saved)(struct call *call, struct object *object);
    const char *audit_action; /* of the next object_save, instead of "<kind>.updated" */
    struct list_node creating;
    enum config_kind creating_kind;
};

/* A call in the request's arena, with nothing in it yet. */
struct call *call_new(struct api *api, struct http_request *req);
/* Check the query and the body as the route says, look up what the path names, run the
 * handler. */
void call_run(struct call *call);
/* The last two steps once more; for objects that changed meanwhile. */
void call_again(struct call *call);

/* Free a document with the call. */
void call_keep(struct call *call, struct json_doc *doc);
/* Decoded query parameter, STR_NONE when absent. Bad encoding is a fault (pointer "?name"). */
struct str call_query(struct call *call, const char *name);
/* A fault in a query parameter. */
void call_query_fault(struct call *call, const char *name, const char *code,
                      const char *detail);

/* Run in a reader thread, then done on the main thread; an error of run is answered here.
 * `run` may use the call's arena and state, and nothing of the registry. */
void call_read(struct call *call, int (*run)(struct call *call, struct db *db),
               void (*done)(struct call *call));

/* Run in the writer's thread inside a transaction, all or nothing and perhaps twice (store/write.h), then done
 * on the main thread after the commit; a failure is answered here. `run` may use the call's arena and state. */
void call_write(struct call *call, uint32_t rows, int (*run)(struct call *call, struct db *db),
                void (*done)(struct call *call));

/* Begin the answer's JSON. */
struct json_out *call_json(struct call *call);
/* A header line of the answer; name and value are ours or checked. */
void call_header(struct call *call, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Send call->out, begun with call_json. */
void call_reply(struct call *call, int status);
/* Send bytes of another type, or nothing with a NULL type. */
void call_reply_bytes(struct call *call, int status, const char *content_type,
                      struct str bytes);

/*
 * Answer 200 in pieces (net/http.h). The call lives until `closed` returns, and may read from
 * the store in between: set read_failed first.
 */
void call_stream(struct call *call, const char *content_type, bool is_endless,
                 enum http_more (*read)(struct call *call, struct buf *out),
                 void (*closed)(struct call *call));

/* Members of the answer. */
void call_put_id(struct json_out *o, const char *name, enum id_kind kind, const struct id *id);
void call_put_text(struct json_out *o, const char *name, struct str s); /* NULL p: null */

/* One more try after a lost race? Counts it. False with If-Match, and when the tries are
 * used up. */
bool call_may_retry(struct call *call);

#endif
