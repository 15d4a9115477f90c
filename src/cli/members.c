/* SPDX-License-Identifier: Apache-2.0 */
/* members.c - `postern members`: people of the project. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/resource.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct arg_spec member_specs[] = {
    { "data", ARG_TEXT, 0, "JSON", "create, update: the document, @FILE, or - for stdin", 0,
      0 },
    { "email", ARG_TEXT, 0, "ADDRESS", "create: who it is", 0, 0 },
    { "name", ARG_TEXT, 0, "TEXT", "name for people", 0, 0 },
    { "role", ARG_TEXT, 0, "ROLE", "owner, admin, developer or viewer", 0, 0 },
    { "password-file", ARG_TEXT, 0, "FILE", "create: a first password, - for stdin", 0, 0 },
};
static const struct arg_table member_flags = { member_specs, COUNT(member_specs) };
static const struct field member_fields[] = {
    { "email", "email", FIELD_TEXT },
    { "name", "name", FIELD_TEXT },
    { "role", "role", FIELD_TEXT },
    { "password-file", "password", FIELD_SECRET },
};
static const char *const member_columns[] = { "id",        "email",        "name",
                                              "role",      "has_password", "invited_until",
                                              "created_at" };
static const struct resource members = {
    .singular = "member",
    .path = "members",
    .verbs = VERB_LIST | VERB_GET | VERB_CREATE | VERB_UPDATE | VERB_DELETE,
    .columns = member_columns,
    .column_count = COUNT(member_columns),
    .fields = member_fields,
    .field_count = COUNT(member_fields),
    .whole_body = true,
};

const struct command command_members = {
    .name = "members",
    .summary = "People of the project, with their roles",
    .examples = "  postern members create --email ann@example.com --role owner\n"
                "  postern members list\n"
                "  postern members update mbr_0123 --role viewer\n",
    .usage = "list|get|create|update|delete [ID...]",
    .more = "create answers an invitation once, unless a password is given.\n",
    .tables = { &member_flags, &resource_flags, &client_flags },
    .resource = &members,
    .run = resource_run,
};

/* --- tickets */
static const struct arg_spec ticket_specs[] = {
    { "app", ARG_TEXT, 'a', "APP", "id or slug of the app (POSTERN_APP, default)", 0, 0 },
    { "role", ARG_TEXT, 0, "ROLE", "view (default) or manage", 0, 0 },
    { "ttl", ARG_INT, 0, "SECONDS", "time for the exchange (120)", 60, 180 },
    { "origin", ARG_TEXT, 0, "ORIGIN", "page that frames the portal", 0, 0 },
    { "next", ARG_TEXT, 0, "PATH", "where in the portal to begin", 0, 0 },
};
static const struct arg_table ticket_flags = { ticket_specs, COUNT(ticket_specs) };
static const struct field ticket_fields[] = {
    { "role", "role", FIELD_TEXT },
    { "ttl", "ttl", FIELD_INT },
    { "origin", "origin", FIELD_TEXT },
    { "next", "next", FIELD_TEXT },
};
static const char *const ticket_columns[] = { "id", "url", "expires_at" };
static const struct resource tickets = {
    .singular = "ticket",
    .path = "tickets",
    .in_app = true,
    .verbs = VERB_CREATE,
    .columns = ticket_columns,
    .column_count = COUNT(ticket_columns),
    .fields = ticket_fields,
    .field_count = COUNT(ticket_fields),
};

const struct command command_ticket = {
    .name = "ticket",
    .summary = "Let a customer into the portal of one app",
    .examples = "  postern ticket create --app acme --role manage\n",
    .usage = "create",
    .tables = { &ticket_flags, &resource_flags, &client_flags },
    .resource = &tickets,
    .run = resource_run,
};
