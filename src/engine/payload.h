/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload.h - what an endpoint wants of an event beyond its types, and in what shape: filters, channels, style,
 * envelope, transform.
 *
 *   event type matches -> channels -> workspaces, campaigns, contact_tags -> filter -> style and envelope -> transform
 *
 * Pure: everything comes from the configuration and the event. An endpoint that asks for nothing has no plan and
 * costs nothing. The bytes of one that does are made when its delivery is made (publish, replay), stored with the
 * delivery and sent on each attempt; when they cannot be made, the delivery has failed and the raw event is never sent
 * instead. A plan is the registry's, so it is used on the main thread and not kept beyond a return to the loop.
 */
#ifndef ENGINE_PAYLOAD_H
#define ENGINE_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"
#include "json/filter.h"
#include "json/jmespath.h"
#include "json/json.h"

enum {
    PAYLOAD_STEPS_MAX = 1000000, /* steps of all filters and transforms of one publish */
    PAYLOAD_BYTES_MAX =
        32 * 1024 * 1024,      /* bytes of their own of all deliveries of one publish */
    PAYLOAD_NAMES_MAX = 100,   /* channels, workspaces, ... of an endpoint */
    PAYLOAD_NAME_MAX = 256,    /* bytes of one */
    PAYLOAD_CHANNELS_MAX = 10, /* channels of an event */
    PAYLOAD_URL_MAX = 2048     /* bytes of a resource's URL */
};

enum payload_style { PAYLOAD_SNAPSHOT, PAYLOAD_THIN };
enum payload_envelope { PAYLOAD_NATIVE, PAYLOAD_STANDARD };
const char *payload_style_name(enum payload_style style);
const char *payload_envelope_name(enum payload_envelope envelope);
NODISCARD int payload_style_parse(struct str name, enum payload_style *ret_style);
NODISCARD int payload_envelope_parse(struct str name, enum payload_envelope *ret_envelope);

/* The fields that are read from data by a pointer of the project. */
enum payload_field {
    PAYLOAD_WORKSPACES,
    PAYLOAD_CAMPAIGNS,
    PAYLOAD_CONTACT_TAGS,
    PAYLOAD_FIELDS
};
const char *payload_field_name(enum payload_field field); /* "workspaces" ... */
const char *
payload_field_pointer(enum payload_field field); /* where no project says otherwise */

struct payload_names {
    struct str *list;
    size_t count; /* 0: not asked */
};

/* All of it lives in the arena that it was read in. */
struct payload_plan {
    struct payload_names channels;
    struct payload_names fields[PAYLOAD_FIELDS];
    const struct filter *filter; /* NULL: none */
    enum payload_style style;
    enum payload_envelope envelope;
    const struct jmespath *transform; /* NULL: none */
    bool is_broken; /* stored, but not to be understood by this version: every delivery fails */
};

/*
 * Read from an endpoint's document: channels, workspaces, campaigns, contact_tags, filter, payload_style, envelope,
 * transform. NULL when it asks for nothing.
 */
const struct payload_plan *payload_plan_read(const struct json *config, struct arena *arena);

/* Where the resource of a type is: its kind, where in data its id is, its URL with {id} in it. */
struct payload_resource {
    struct str type;       /* NULL p: the type has none */
    struct str id_pointer; /* NULL p: the publisher names it with each event */
    struct str url;        /* NULL p: none */
};
/* From an event type's document. */
void payload_resource_read(const struct json *config, struct arena *arena,
                           struct payload_resource *ret_resource);

/* --- an event on its way to several endpoints. Fill, payload_make for each, payload_event_done. */
enum { PAYLOAD_SHAPES = 4 };
struct payload_event {
    struct arena *arena;                     /* what is made lives there */
    const struct str *pointers;              /* of the project: PAYLOAD_FIELDS of them */
    const struct payload_resource *resource; /* of the type; NULL as one without */
    struct str body;     /* the native bytes: {"id","type","created_at","resource"?,"data"} */
    struct str channels; /* JSON array, NULL p: none */
    const struct json *data; /* NULL: read from body when needed */
    uint64_t *steps;         /* left of PAYLOAD_STEPS_MAX */
    size_t *bytes;           /* left of PAYLOAD_BYTES_MAX */
    /* its own */
    struct json_doc *doc, *channels_doc;
    struct str shapes[PAYLOAD_SHAPES];
    struct json_doc *shape_docs[PAYLOAD_SHAPES];
};
void payload_event_done(struct payload_event *event);

enum payload_verdict {
    PAYLOAD_SEND, /* body, when it has bytes of its own */
    PAYLOAD_FILTERED, /* detail names the rule: a pointer into the endpoint, such as /filter/contact.tags */
    PAYLOAD_FAILED /* detail says what went wrong: no value of the event in it */
};
struct payload {
    enum payload_verdict verdict;
    struct str body;   /* NULL p: the event's own bytes */
    struct str detail; /* at most 512 bytes */
};
/* Does the endpoint want it? The body is not made. */
void payload_choose(const struct payload_plan *plan, struct payload_event *event,
                    struct payload *ret_payload);
/* The same, and its bytes. */
void payload_make(const struct payload_plan *plan, struct payload_event *event,
                  struct payload *ret_payload);

/* A delivery row of an endpoint with a plan, of a publish or of a replay. */
struct delivery_row;
struct keyring;
struct payload_apply {
    struct payload_event *event;
    const struct keyring *keyring;
    struct id event_id; /* of the event that the row will name */
    bool seals;         /* that event is sealed */
};
/*
 * d is filled as for an endpoint without a plan: pending or skipped, with created_at. Sets state, reason,
 * last_error, detail, ended_at and body; strings lie in the event's arena. Fails only when the body cannot be sealed.
 */
NODISCARD int payload_apply(const struct payload_plan *plan, const struct payload_apply *apply,
                            struct delivery_row *d);

enum { PAYLOAD_AD_SIZE = 96 }; /* room for the shorter engine_event_ad, too */
/* What binds a sealed body of a delivery: its event and its endpoint, so a repeated delivery may carry it on. */
struct str payload_ad(const struct id *event, int64_t endpoint_no, char text[PAYLOAD_AD_SIZE]);

#endif
