/* SPDX-License-Identifier: Apache-2.0 */
/* resources.c - the resources as data: what resource.c needs to know of each. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/resource.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TABLE(array)                                                                           \
    {                                                                                          \
        array, COUNT(array)                                                                    \
    }

/* --- projects */
static const struct arg_spec project_specs[] = {
    { "data", ARG_TEXT, 0, "JSON", "create, update: the document, @FILE, or - for stdin", 0,
      0 },
    { "name", ARG_TEXT, 0, "TEXT", "name for people", 0, 0 },
    { "auto-register", ARG_SWITCH, 0, NULL, "unknown event types register themselves", 0, 0 },
    { "encrypt-payloads", ARG_SWITCH, 0, NULL, "seal event data in the store", 0, 0 },
};
static const struct arg_table project_flags = TABLE(project_specs);
static const struct field project_fields[] = {
    { "name", "name", FIELD_TEXT },
    { "auto-register", "auto_register", FIELD_BOOL },
    { "encrypt-payloads", "encrypt_payloads", FIELD_BOOL },
};
static const char *const project_columns[] = { "id", "name", "created_at" };
static const struct resource projects = {
    .singular = "project",
    .path = "projects",
    .verbs = VERB_LIST | VERB_GET | VERB_CREATE | VERB_UPDATE | VERB_DELETE,
    .columns = project_columns,
    .column_count = COUNT(project_columns),
    .fields = project_fields,
    .field_count = COUNT(project_fields),
    .whole_body = true,
};
const struct command command_projects = {
    .name = "projects",
    .summary = "Projects: each has its own keys, apps and event types",
    .examples = "  postern projects list\n"
                "  postern projects create --name shop\n",
    .usage = "list|get|create|update|delete [ID]",
    .tables = { &project_flags, &resource_flags, &client_flags },
    .resource = &projects,
    .run = resource_run,
};

/* --- keys */
static const struct arg_spec key_specs[] = {
    { "data", ARG_TEXT, 0, "JSON", "create: the document, @FILE, or - for stdin", 0, 0 },
    { "name", ARG_TEXT, 0, "TEXT", "what the key is for", 0, 0 },
    { "scopes", ARG_LIST, 0, "LIST", "publish (default), read, manage, tickets, admin", 0, 0 },
    { "for-app", ARG_TEXT, 0, "APP", "the only app that the key is for", 0, 0 },
    { "expires-at", ARG_TEXT, 0, "TIME", "RFC 3339; without it the key does not expire", 0, 0 },
};
static const struct arg_table key_flags = TABLE(key_specs);
static const struct field key_fields[] = {
    { "name", "name", FIELD_TEXT },
    { "scopes", "scopes", FIELD_LIST },
    { "for-app", "app", FIELD_TEXT },
    { "expires-at", "expires_at", FIELD_TEXT },
};
static const char *const key_columns[] = { "id",         "name",         "hint",      "scopes",
                                           "expires_at", "last_used_at", "created_at" };
static const struct resource keys = {
    .singular = "key",
    .path = "keys",
    .verbs = VERB_LIST | VERB_GET | VERB_CREATE | VERB_REVOKE,
    .columns = key_columns,
    .column_count = COUNT(key_columns),
    .fields = key_fields,
    .field_count = COUNT(key_fields),
    .whole_body = true,
};
const struct command command_keys = {
    .name = "keys",
    .summary = "API keys: create answers the key once",
    .examples = "  postern keys create --name checkout --scopes publish\n"
                "  postern keys list\n"
                "  postern keys revoke key_0123 --yes\n",
    .usage = "list|get|create|revoke [ID...]",
    .tables = { &key_flags, &resource_flags, &client_flags },
    .resource = &keys,
    .run = resource_run,
};

/* --- apps */
static const struct arg_spec app_specs[] = {
    { "data", ARG_TEXT, 0, "JSON", "create, update: the document, @FILE, or - for stdin", 0,
      0 },
    { "name", ARG_TEXT, 0, "TEXT", "name for people", 0, 0 },
    { "slug", ARG_TEXT, 0, "SLUG", "unique name, usable in place of the id", 0, 0 },
    { "description", ARG_TEXT, 0, "TEXT", "what it is", 0, 0 },
    { "metadata", ARG_LIST, 0, "NAME=VALUE", "may be repeated", 0, 0 },
    { "max-endpoints", ARG_INT, 0, "N", "its own limit of endpoints", 1, 1000 },
};
static const struct arg_table app_flags = TABLE(app_specs);
static const struct field app_fields[] = {
    { "name", "name", FIELD_TEXT },
    { "slug", "slug", FIELD_TEXT },
    { "description", "description", FIELD_TEXT },
    { "metadata", "metadata", FIELD_MAP },
    { "max-endpoints", "max_endpoints", FIELD_INT },
};
static const char *const app_columns[] = { "id", "slug", "name", "created_at" };
static const struct resource apps = {
    .singular = "app",
    .path = "apps",
    .verbs = VERB_LIST | VERB_GET | VERB_CREATE | VERB_UPDATE | VERB_DELETE,
    .columns = app_columns,
    .column_count = COUNT(app_columns),
    .fields = app_fields,
    .field_count = COUNT(app_fields),
    .whole_body = true,
};
const struct command command_apps = {
    .name = "apps",
    .summary = "Apps: one for each customer that receives webhooks",
    .examples = "  postern apps create --name 'Acme Ltd' --slug acme\n"
                "  postern apps list -o compact\n"
                "  postern apps update acme --metadata plan=gold\n",
    .usage = "list|get|create|update|delete [APP]",
    .tables = { &app_flags, &resource_flags, &client_flags },
    .resource = &apps,
    .run = resource_run,
};

/* --- endpoints */
static const struct arg_spec endpoint_specs[] = {
    { "app", ARG_TEXT, 'a', "APP", "id or slug of the app (POSTERN_APP, default)", 0, 0 },
    { "data", ARG_TEXT, 0, "JSON", "create, update: the document, @FILE, or - for stdin", 0,
      0 },
    { "url", ARG_TEXT, 0, "URL", "where events are sent", 0, 0 },
    { "name", ARG_TEXT, 0, "TEXT", "name for people; generated when absent", 0, 0 },
    { "description", ARG_TEXT, 0, "TEXT", "what it is", 0, 0 },
    { "event-types", ARG_LIST, 0, "LIST", "user.created,order.* ; without it all", 0, 0 },
    { "header", ARG_LIST, 0, "NAME=VALUE", "sent with every request; may be repeated", 0, 0 },
    { "metadata", ARG_LIST, 0, "NAME=VALUE", "may be repeated", 0, 0 },
    { "timeout-ms", ARG_INT, 0, "MS", "time for a whole attempt", 1000, 30000 },
    { "retry", ARG_TEXT, 0, "JSON", "retry policy", 0, 0 },
    { "signature-profiles", ARG_LIST, 0, "LIST", "standard, timestamped, platform", 0, 0 },
    { "filter", ARG_TEXT, 0, "JSON", "only events whose data matches", 0, 0 },
    { "channels", ARG_LIST, 0, "LIST", "only events that name one of them", 0, 0 },
    { "payload-style", ARG_TEXT, 0, "STYLE", "snapshot, thin", 0, 0 },
    { "envelope", ARG_TEXT, 0, "ENVELOPE", "native, standard", 0, 0 },
    { "transform", ARG_TEXT, 0, "JSON", "language and expression (JMESPath), @FILE, or null", 0,
      0 },
    { "secret-file", ARG_TEXT, 0, "FILE",
      "create, roll-secret: a secret of your own, - for stdin", 0, 0 },
    { "secret-scope", ARG_TEXT, 0, "SCOPE", "endpoint, app", 0, 0 },
    { "overlap-seconds", ARG_INT, 0, "S", "roll-secret: the old one signs too for so long", 0,
      604800 },
    { "force", ARG_SWITCH, 0, NULL, "roll-secret: also while a window is open", 0, 0 },
    { "event-type", ARG_TEXT, 0, "TYPE", "test: a registered type (test.ping)", 0, 0 },
    { "event", ARG_TEXT, 0, "ID", "test: with the data of this event", 0, 0 },
    { "payload", ARG_TEXT, 0, "JSON", "test: with this data, @FILE, or - for stdin", 0, 0 },
};
static const struct arg_table endpoint_flags = TABLE(endpoint_specs);
static const struct field endpoint_fields[] = {
    { "url", "url", FIELD_TEXT },
    { "name", "name", FIELD_TEXT },
    { "description", "description", FIELD_TEXT },
    { "event-types", "event_types", FIELD_LIST },
    { "header", "headers", FIELD_MAP },
    { "metadata", "metadata", FIELD_MAP },
    { "timeout-ms", "timeout_ms", FIELD_INT },
    { "retry", "retry", FIELD_JSON },
    { "signature-profiles", "signature_profiles", FIELD_LIST },
    { "filter", "filter", FIELD_JSON },
    { "channels", "channels", FIELD_LIST },
    { "payload-style", "payload_style", FIELD_TEXT },
    { "envelope", "envelope", FIELD_TEXT },
    { "transform", "transform", FIELD_JSON },
    { "secret-file", "secret", FIELD_SECRET },
    { "secret-scope", "secret_scope", FIELD_TEXT },
};
static const struct field roll_fields[] = {
    { "overlap-seconds", "overlap_seconds", FIELD_INT },
    { "force", "force", FIELD_BOOL },
    { "secret-file", "secret", FIELD_SECRET },
};
static const struct field test_fields[] = {
    { "event-type", "event_type", FIELD_TEXT },
    { "event", "event_id", FIELD_TEXT },
    { "payload", "data", FIELD_JSON },
};
static const struct action endpoint_actions[] = {
    { VERB_ROLL, "roll_secret", roll_fields, COUNT(roll_fields) },
    { VERB_REVOKE_SECRET, "revoke_previous_secret", NULL, 0 },
    { VERB_TEST, "test", test_fields, COUNT(test_fields) },
};
static const char *const endpoint_columns[] = { "id",  "name",        "status",
                                                "url", "event_types", "last_success_at" };
static const struct resource endpoints = {
    .singular = "endpoint",
    .path = "endpoints",
    .in_app = true,
    .verbs = VERB_LIST | VERB_GET | VERB_CREATE | VERB_UPDATE | VERB_DELETE | VERB_PAUSE |
             VERB_RESUME | VERB_ROLL | VERB_REVOKE_SECRET | VERB_TEST,
    .columns = endpoint_columns,
    .column_count = COUNT(endpoint_columns),
    .fields = endpoint_fields,
    .field_count = COUNT(endpoint_fields),
    .actions = endpoint_actions,
    .action_count = COUNT(endpoint_actions),
    .whole_body = true,
};
const struct command command_endpoints = {
    .name = "endpoints",
    .summary = "Endpoints of an app: where its events are sent",
    .examples = "  postern endpoints create --app acme --url https://acme.example/hooks\n"
                "  postern endpoints list --app acme\n"
                "  postern endpoints pause --app acme ep_0123\n"
                "  postern endpoints test --app acme ep_0123 --event-type user.created\n"
                "  postern endpoints roll-secret --app acme ep_0123 --overlap-seconds 86400\n",
    .usage = "list|get|create|update|delete|pause|resume|test|roll-secret|"
             "revoke-previous-secret [ID...]",
    .more = "The signing secret is answered by create and roll-secret alone. test ends with 7 "
            "when the\n"
            "receiver did not answer 2xx.\n",
    .tables = { &endpoint_flags, &resource_flags, &client_flags },
    .resource = &endpoints,
    .run = resource_run,
};

/* --- events */
static const struct arg_spec event_specs[] = {
    { "app", ARG_TEXT, 'a', "APP", "id or slug of the app (POSTERN_APP, default)", 0, 0 },
    { "type", ARG_TEXT, 't', "TYPE", "create: the event type; list: only this one", 0, 0 },
    { "data", ARG_TEXT, 0, "JSON", "create: the data itself, @FILE, or - for stdin", 0, 0 },
    { "id", ARG_TEXT, 0, "ID", "create: your own id; the same one is stored once", 0, 0 },
    { "occurred-at", ARG_TEXT, 0, "TIME", "create: when it happened, RFC 3339", 0, 0 },
    { "resource", ARG_TEXT, 0, "JSON", "create: what it is about, {type, id, url}", 0, 0 },
    { "channels", ARG_LIST, 0, "LIST", "create: channels that it goes to", 0, 0 },
    { "since", ARG_TEXT, 0, "TIME", "list: from then on; RFC 3339 or 24h, 7d", 0, 0 },
    { "until", ARG_TEXT, 0, "TIME", "list: before then", 0, 0 },
};
static const struct arg_table event_flags = TABLE(event_specs);
static const struct field event_fields[] = {
    { "type", "type", FIELD_TEXT },
    { "data", "data", FIELD_JSON },
    { "id", "id", FIELD_TEXT },
    { "occurred-at", "occurred_at", FIELD_TEXT },
    { "resource", "resource", FIELD_JSON },
    { "channels", "channels", FIELD_LIST },
};
static const char *const event_filters[] = { "type", "since", "until" };
static const char *const event_columns[] = { "id", "type", "created_at", "external_id" };
static const struct resource events = {
    .singular = "event",
    .path = "events",
    .in_app = true,
    .verbs = VERB_LIST | VERB_GET | VERB_CREATE,
    .columns = event_columns,
    .column_count = COUNT(event_columns),
    .filters = event_filters,
    .filter_count = COUNT(event_filters),
    .fields = event_fields,
    .field_count = COUNT(event_fields),
};
const struct command command_events = {
    .name = "events",
    .summary = "Events of an app; get shows where each one went",
    .examples = "  postern events list --type user.created --since 24h\n"
                "  postern events get evt_0123\n"
                "  postern events create --type user.created --data @user.json\n",
    .usage = "list|get|create [ID]",
    .tables = { &event_flags, &resource_flags, &client_flags },
    .resource = &events,
    .run = resource_run,
};

/* --- deliveries */
static const struct arg_spec delivery_specs[] = {
    { "app", ARG_TEXT, 'a', "APP", "id or slug of the app (POSTERN_APP, default)", 0, 0 },
    { "endpoint", ARG_TEXT, 'e', "ID", "list: of this endpoint", 0, 0 },
    { "event", ARG_TEXT, 0, "ID", "list: of this event", 0, 0 },
    { "type", ARG_TEXT, 't', "TYPE", "list: of this event type", 0, 0 },
    { "status", ARG_TEXT, 's', "STATUS", "list: pending, retrying, delivered, failed ...", 0,
      0 },
    { "since", ARG_TEXT, 0, "TIME", "list: from then on; RFC 3339 or 24h, 7d", 0, 0 },
    { "until", ARG_TEXT, 0, "TIME", "list: before then", 0, 0 },
    { "code", ARG_TEXT, 0, "CODE", "list: last HTTP status", 0, 0 },
    { "error", ARG_TEXT, 0, "TOKEN", "list: last error, such as connection_refused", 0, 0 },
    { "attempt", ARG_INT, 0, "N", "curl: which attempt (1)", 1, INT32_MAX },
};
static const struct arg_table delivery_flags = TABLE(delivery_specs);
static const char *const delivery_filters[] = { "endpoint", "event", "type", "status",
                                                "since",    "until", "code", "error" };
static const char *const delivery_columns[] = {
    "id",          "status", "event_id",        "endpoint_id", "attempt_count",
    "status_code", "error",  "next_attempt_at", "created_at"
};
static const struct resource deliveries = {
    .singular = "delivery",
    .path = "deliveries",
    .in_app = true,
    .verbs = VERB_LIST | VERB_GET | VERB_RETRY | VERB_CANCEL | VERB_CURL,
    .columns = delivery_columns,
    .column_count = COUNT(delivery_columns),
    .filters = delivery_filters,
    .filter_count = COUNT(delivery_filters),
};
const struct command command_deliveries = {
    .name = "deliveries",
    .summary = "Deliveries with every attempt; retry and cancel",
    .examples = "  postern deliveries list --status failed --since 24h\n"
                "  postern deliveries get dlv_0123\n"
                "  postern deliveries retry dlv_0123 dlv_4567\n"
                "  postern deliveries curl dlv_0123 --attempt 2 | sh\n",
    .usage = "list|get|retry|cancel|curl [ID...]",
    .tables = { &delivery_flags, &resource_flags, &client_flags },
    .resource = &deliveries,
    .run = resource_run,
};
