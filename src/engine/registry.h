/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.h - everything that people configure, in memory: projects, apps, endpoints, event types, keys.
 *
 * Main thread only. Loaded whole at start; changed only after the commit of registry_save, so what is read
 * here is durable. Objects live as long as the process, also deleted ones (the log names them), and their
 * address never changes; strings inside are replaced at a change, so borrow them only until you return to
 * the loop. The JSON of `config` columns is written by the api floor and read here (registry_read.c).
 */
#ifndef ENGINE_REGISTRY_H
#define ENGINE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/map.h"
#include "base/str.h"
#include "core/retry.h"
#include "engine/payload.h"
#include "engine/quota.h"
#include "engine/rules.h"
#include "engine/scope.h"
#include "engine/secrets.h"
#include "store/config_rows.h"
#include "store/delivery.h"

#define REGISTRY_NO_SLOT UINT32_MAX

struct keyring;
struct registry;
struct writer;
struct db_options;

/* What every object has; the first member of each. Strings are owned by the object. */
struct object {
    enum config_kind kind;
    int64_t no;
    struct id id;
    int64_t version; /* ETag is its decimal in quotes */
    int64_t created_at, updated_at, deleted_at;
    struct str slug;   /* app slug, event type name, else empty */
    struct str config; /* the JSON document as stored */
    struct str sealed;
    struct arena arena; /* the strings above and those of the parsed document */
};

/* Are events refused that do not fit their type's schema? A type may say otherwise than its project. */
enum schema_enforcement { ENFORCE_UNSET, ENFORCE_OFF, ENFORCE_REJECT };

/* config: {"breaker"?,"health_rules"? (engine/rules.h),"name","auto_register"?,"encrypt_payloads"?,
 * "enforce_schema"?,"facets"?:{workspaces,campaigns,contact_tags}} */
struct project {
    struct object object;
    struct str name;
    bool auto_register;
    bool encrypt_payloads;
    struct health_rules health_rules;
    int64_t checks_budget;               /* of the api: as tests_budget of an app */
    struct str pointers[PAYLOAD_FIELDS]; /* into data: workspaces, campaigns, contact_tags */
    enum schema_enforcement enforcement; /* unset: off */
    struct map apps;                     /* slug -> struct app, living */
    struct map app_ids;                  /* id bytes -> struct app, also deleted */
    struct map event_types;              /* name -> struct event_type, living */
    struct object **app_list;            /* all, also deleted, in order of no */
    size_t app_count;
    struct object **type_list;
    size_t type_count;
};

/* config: {"name","description"?,"metadata"?,"max_endpoints"?,"rate_limit"?,
 * "events_per_second"?,"events_per_month"?}
 * sealed (plain inside), empty when the app has none: {"secrets":[...]} (engine/secrets.h) */
struct app {
    struct object object;
    struct project *project;
    uint32_t slot; /* for the core */
    struct str name;
    struct object **endpoints; /* all, also deleted, in order of no */
    size_t endpoint_count;
    size_t endpoint_living;
    int64_t max_endpoints;  /* 0 = the server's default */
    int64_t retention_days; /* of its events and deliveries; 0 = the server's */
    struct core_rate rate;  /* of all its endpoints together */
    struct quota quota;     /* of what it publishes */
    struct secret_brief secret;
    int64_t tests_budget; /* of the api: when its next test send is free, wall ms */
};

/* An endpoint that pins a type gets only that version of it. */
struct version_pin {
    struct str name;
    int32_t version;
};

enum endpoint_status { ENDPOINT_ACTIVE, ENDPOINT_PAUSED, ENDPOINT_DISABLED };

/* config: {"name","description","url","event_types":[],"metadata":{},"timeout_ms","retry":{...},
 * "signature_profiles":[],"event_versions":{},"breaker"?,"health_rules"?,"rate_limit"?,"ordered"?,
 * "on_failure"?,"secret_scope"?,"status","status_reason"?,"created_by"?,"origin"?:{kind,id,name}}
 * sealed (plain inside): {"secrets":[...],"headers":{}} (engine/secrets.h); no secrets with scope "app" */
struct endpoint {
    struct object object;
    struct app *app;
    uint32_t slot; /* dense number for the core; REGISTRY_NO_SLOT when gone */
    enum endpoint_status status;
    struct str status_reason; /* token of docs/states.md, empty = none */
    struct str name;
    struct str url;   /* canonical */
    struct str inbox; /* token when the URL is this server's own test inbox, else empty */
    int64_t timeout_ms;
    unsigned profiles; /* enum sign_profile bits */
    struct retry_policy retry;
    bool all_types;
    struct str *names; /* exact type names, in order of str_cmp */
    size_t name_count;
    struct str *prefixes; /* "user." of "user.*" */
    size_t prefix_count;
    struct version_pin *pins; /* in order of str_cmp of the names */
    size_t pin_count;
    bool has_origin_key; /* it was made by the key below, or adopted by it */
    struct id origin_key;
    bool uses_app_secret; /* secret_scope: it signs with the secrets of its app */
    struct secret_brief secret;
    const struct payload_plan *plan; /* filters and shape; NULL: every event as it is */
    struct endpoint_rules rules;
    /* kept by the engine; times are wall ms, 0 = never */
    int64_t last_success_at, last_failure_at;
    uint32_t failures;        /* in a row */
    int64_t health_marked_at; /* when of these was last told to the store */
    bool failures_marked;     /* the store knows of failures */
    int64_t *exhausted; /* of an earlier process, until the engine has taken it; NULL = none */
    uint32_t exhausted_count;
};

/* config: {"description","group",...,"visibility","enforce_schema","archived",
 * "resource"?:{type,id_pointer,url},
 * "versions":[{"version","schema","example","notes","created_at"}]} (api/event_type_form.h) */
struct event_type {
    struct object object;
    struct project *project;
    bool archived;
    struct payload_resource resource;
    bool internal;                       /* stored, never delivered */
    int32_t latest;                      /* versions are 1 to this */
    enum schema_enforcement enforcement; /* unset: as the project says */
};

/* config: {"email","name","role","valid_from"}; slug: the address in small letters.
 * sealed (plain inside): {"password"?,"invite"?:{"hash","expires_at"}} */
struct member {
    struct object object;
    struct project *project;
    struct str name;
    enum role role;
    int64_t
        valid_from; /* sessions that began before are over: the role or the password changed */
};

/* config: {"name","scopes":[],"hint","expires_at"?,"app"?}; sealed: the 32-byte keyed hash itself (not boxed) */
struct api_key {
    struct object object;
    struct project *project;
    struct str name;
    unsigned scopes;    /* enum key_scope bits; admin holds all */
    int64_t app;        /* no of the only app it may be used for, 0 = any */
    int64_t expires_at; /* 0 = never */
    int64_t last_used_at;
};

struct registry_options {
    const struct keyring *keyring;
    struct str
        own_url; /* this server's public URL, to recognise its inbox ("http://127.0.0.1:8080") */
    uint32_t endpoints_max;
    /* An endpoint was added, changed or deleted (endpoint->slot stays valid during the call). */
    void (*on_endpoint)(void *ctx, struct endpoint *endpoint, bool is_new);
    /* An app was added or changed, or what its project lets its endpoints inherit. */
    void (*on_app)(void *ctx, struct app *app);
    void *ctx;
};

NODISCARD int registry_new(const struct registry_options *options,
                           struct registry **ret_registry);
void registry_free(struct registry *r);
/* Opens a connection of its own, reads all rows. Calls on_endpoint for none. */
NODISCARD int registry_load(struct registry *r, const struct db_options *db, struct err *err);
void registry_set_writer(struct registry *r, struct writer *writer);

/* --- looking up; NULL when absent, deleted, or of another project */
struct project *registry_project(const struct registry *r, const struct id *id);
struct project *
registry_default_project(const struct registry *r); /* slug "default", exists always */
/* By app id or slug. */
struct app *registry_app(const struct project *p, struct str id_or_slug);
struct endpoint *registry_endpoint(const struct app *app, struct str id);
/* By id, living. */
struct member *registry_member(const struct registry *r, const struct project *p,
                               struct str id);
/* By address, in whatever letters. */
struct member *registry_member_of(const struct registry *r, const struct project *p,
                                  struct str email);
struct event_type *registry_event_type(const struct project *p, struct str name);
/* By the text of the key: hashes it, compares in constant time; NULL when unknown, revoked or expired. */
struct api_key *registry_key(const struct registry *r, struct str text, int64_t wall_now);
/* By id, also a revoked one. */
struct api_key *registry_key_of(const struct registry *r, const struct project *p,
                                const struct id *id);
/* When the key that an endpoint came from was revoked, 0 = it was not. Derived, never stored. */
int64_t registry_orphaned_at(const struct registry *r, const struct endpoint *endpoint);
bool registry_has_admin_key(const struct registry *r, const struct project *p);
/* By number, also deleted ones: for the log. */
struct endpoint *registry_endpoint_no(const struct registry *r, int64_t no);
struct app *registry_app_no(const struct registry *r, int64_t no);
struct object *registry_object_no(const struct registry *r, enum config_kind kind, int64_t no);
struct event_type *registry_type_no(const struct registry *r, int64_t no);
struct endpoint *registry_endpoint_slot(const struct registry *r, uint32_t slot);
/* All of a kind in order of no, also deleted ones: walk by index. NULL past the end. */
struct object *registry_at(const struct registry *r, enum config_kind kind, size_t index);
size_t registry_living(const struct registry *r, enum config_kind kind);
/* Is this secret's fingerprint used by a living endpoint or app of the project? */
bool registry_secret_used(const struct registry *r, const struct project *p, struct str secret);
/* Of the endpoint, or of its app where it inherits. */
const struct secret_brief *registry_secret(const struct endpoint *endpoint);

/* Does the endpoint want this type? (event types only; status is asked apart) */
bool registry_wants(const struct endpoint *endpoint, const struct event_type *type);

/* Why an event of that type and version does not go to the endpoint; REASON_NONE: it does, as far
 * as its type is concerned. */
enum delivery_reason registry_unmatched(const struct endpoint *endpoint,
                                        const struct event_type *type, int32_t version);
/* Are events of this type refused when they do not fit the schema? */
bool registry_enforces(const struct event_type *type);

/* The plain JSON inside the `sealed` of an endpoint or app, in out (wipe it). */
struct buf;
NODISCARD int registry_unseal(const struct registry *r, const struct object *object,
                              struct buf *out);
/* Seal the plain JSON for the object of that kind and number. */
NODISCARD int registry_seal(const struct registry *r, enum config_kind kind, int64_t no,
                            struct str plain, struct buf *out);

/* --- changing */
int64_t registry_last_no(const struct registry *r, enum config_kind kind); /* the newest */
int64_t registry_next_no(struct registry *r,
                         enum config_kind kind); /* gives a number, never again */

struct registry_save;
typedef void registry_saved(void *ctx, int result, struct object *object);
/*
 * Store a new row (version 1) or a changed one (version = the object's + 1; deleted_at set = delete; what
 * belongs to a deleted app or project is gone with it, without a row of its own). The row is copied. After the commit the registry
 * holds it and on_saved is called (never before this returns). result: -E_CONFLICT lost the race or slug
 * taken, others of the writer. -E_BUSY at once: not taken.
 */
NODISCARD int registry_save(struct registry *r, enum config_kind kind,
                            const struct config_row *row, registry_saved *on_saved, void *ctx);

/* Change status and status_reason alone, whatever else is edited meanwhile (a lost race is run again).
 * registry_set_status is the server's own doing: the audit log says `system`. Strings are copied. */
struct status_change {
    enum endpoint_status status;
    struct str reason;
    const struct audit_entry *audit; /* whole, not NULL */
};
NODISCARD int registry_change_status(struct registry *r, struct endpoint *endpoint,
                                     const struct status_change *change,
                                     registry_saved *on_saved, void *ctx);
NODISCARD int registry_set_status(struct registry *r, struct endpoint *endpoint,
                                  enum endpoint_status status, struct str reason,
                                  registry_saved *on_saved, void *ctx);

/* The audit log's word: "endpoint.paused". */
const char *endpoint_status_action(enum endpoint_status status);
const char *
endpoint_status_name(enum endpoint_status status); /* "active", "paused", "disabled" */

#endif
