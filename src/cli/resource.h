/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resource.h - one grammar for all that the API keeps: postern RESOURCE VERB [ID...] [FLAGS].
 *
 * A resource is a row of data: its path, verbs, the columns of its list, the flags that filter the list and
 * those that fill the body of create and update.
 */
#ifndef CLI_RESOURCE_H
#define CLI_RESOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/args.h"
#include "cli/cli.h"

enum verb {
    VERB_LIST = 1,
    VERB_GET = 2,
    VERB_CREATE = 4,
    VERB_UPDATE = 8,
    VERB_DELETE = 16,
    VERB_REVOKE = 32, /* DELETE under the name that fits keys */
    VERB_PAUSE = 64,
    VERB_RESUME = 128,
    VERB_RETRY = 256,
    VERB_CANCEL = 512,
    VERB_ROLL = 1024,
    VERB_REVOKE_SECRET = 2048,
    VERB_TEST = 4096,
    VERB_CURL = 8192
};

enum field_type {
    FIELD_TEXT,
    FIELD_INT,
    FIELD_BOOL,
    FIELD_LIST,  /* repeated or with commas */
    FIELD_MAP,   /* repeated name=value */
    FIELD_JSON,  /* JSON itself, @FILE, or - */
    FIELD_SECRET /* the first line of a file, or of - */
};

struct field {
    const char *flag;
    const char *member;
    enum field_type type;
};

/* A POST about one thing, with a body of its own or none. */
struct action {
    enum verb verb;
    const char *path; /* behind the id */
    const struct field *fields;
    size_t field_count;
};

struct resource {
    const char *singular; /* "app" */
    const char *path;     /* "apps" */
    bool in_app;          /* below /api/v1/apps/{app} */
    unsigned verbs;
    const char *const *columns;
    size_t column_count;
    const char *const *filters; /* names of flags that go into the query of list */
    size_t filter_count;
    const struct field *fields;
    size_t field_count;
    const struct action *actions;
    size_t action_count;
    bool whole_body; /* --data is the whole document; else a field may have that name */
};

extern const struct arg_table resource_flags; /* --limit, --cursor ..., for every resource */

int resource_run(struct cli *cli, const struct command *command, const struct args *args);

/* The JSON body from --data and the field flags, which win. -E_USAGE, -E_JSON, -E_IO. */
NODISCARD int resource_body(const struct resource *resource, const struct args *args,
                            struct buf *out, struct err *err);
/* JSON text given as itself, as @FILE or as - ; appended and checked. */
NODISCARD int read_json(const char *text, struct buf *out, struct err *err);
/* --app, POSTERN_APP, or "default". */
const char *resource_app(const struct args *args);
/* RFC 3339 as it is; 90s, 15m, 24h or 7d before now_ms as RFC 3339. -E_INVALID. */
NODISCARD int resource_time(const char *text, int64_t now_ms, struct buf *out);

#endif
