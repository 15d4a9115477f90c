/* SPDX-License-Identifier: Apache-2.0 */
/* etag.c - entity tags: the version of an object in quotes. */
#include "api/etag.h"

#include "api/call.h"
#include "api/problem.h"
#include "base/assert.h"

/* One entity-tag of a list: "7" or W/"7". */
static bool tag_is(struct str tag, int64_t version, bool weak)
{
    int64_t number;

    if (str_starts(tag, STR("W/"))) {
        if (!weak) {
            return false;
        }
        tag = str_sub(tag, 2, tag.len - 2);
    }
    if (tag.len < 3 || tag.p[0] != '"' || tag.p[tag.len - 1] != '"' || tag.p[1] == '0') {
        return false;
    }
    return str_to_int(str_sub(tag, 1, tag.len - 2), 1, INT64_MAX, &number) == 0 &&
           number == version;
}

bool etag_names(struct str header, int64_t version, bool weak)
{
    struct str one;

    header = str_trim(header);
    if (str_eq_c(header, "*")) {
        return true;
    }
    while (header.len > 0 && str_split(&header, ',', &one)) {
        if (tag_is(str_trim(one), version, weak)) {
            return true;
        }
    }
    return false;
}

int etag_check(struct call *call, const struct object *object)
{
    struct str header = http_header(call->req, "If-Match");

    if (header.p == NULL || etag_names(header, object->version, false)) {
        return 0;
    }
    etag_header(call, object);
    problem_reply(call, -E_PRECONDITION);
    return -E_PRECONDITION;
}

bool etag_unchanged(struct call *call, const struct object *object)
{
    struct str header = http_header(call->req, "If-None-Match");

    if (header.p == NULL || !etag_names(header, object->version, true)) {
        return false;
    }
    etag_header(call, object);
    call_reply_bytes(call, 304, NULL, STR_NONE);
    return true;
}

void etag_header(struct call *call, const struct object *object)
{
    ASSERT(object->version > 0);
    call_header(call, "ETag", "\"%lld\"", (long long)object->version);
}
