/* SPDX-License-Identifier: Apache-2.0 */
/* patch.c - JSON Merge Patch. Recursive, to the depth that patch_check allows. */
#include "json/patch.h"

#include <stdbool.h>

#include "base/assert.h"

static bool is_object(const struct json *v)
{
    return v != NULL && json_type(v) == JSON_OBJECT;
}

static int check_depth(const struct json *patch, int depth)
{
    struct json_iter it;
    const struct json *v;
    int rc = 0;

    if (!is_object(patch)) {
        return 0;
    }
    if (depth == PATCH_DEPTH_MAX) {
        return -E_TOO_LARGE;
    }
    it = json_iter(patch);
    while (rc == 0 && (v = json_next(&it, NULL)) != NULL) {
        rc = check_depth(v, depth + 1);
    }
    return rc;
}

int patch_check(const struct json *patch)
{
    return check_depth(patch, 0);
}

/* Names are compared as bytes: one from the text may hold anything but what made it invalid. */
static const struct json *find(const struct json *object, struct str name)
{
    struct json_iter it;
    const struct json *v;
    struct str at;

    if (!is_object(object)) {
        return NULL;
    }
    it = json_iter(object);
    while ((v = json_next(&it, &at)) != NULL) {
        if (str_eq(at, name)) {
            return v;
        }
    }
    return NULL;
}

void patch_merge(struct json_out *o, const struct json *target, const struct json *patch)
{
    struct json_iter it;
    const struct json *v;
    const struct json *change;
    struct str name;

    if (!is_object(patch)) {
        json_out_value(o, patch);
        return;
    }
    ASSERT(o->depth < JSON_OUT_DEPTH - 1);
    json_out_object(o);
    if (is_object(target)) {
        it = json_iter(target);
        while ((v = json_next(&it, &name)) != NULL) {
            change = find(patch, name);
            if (change != NULL && json_type(change) == JSON_NULL) {
                continue;
            }
            json_out_name_str(o, name);
            if (change == NULL) {
                json_out_value(o, v);
            } else {
                patch_merge(o, v, change);
            }
        }
    }
    it = json_iter(patch);
    while ((v = json_next(&it, &name)) != NULL) {
        if (json_type(v) != JSON_NULL && find(target, name) == NULL) {
            json_out_name_str(o, name);
            patch_merge(o, NULL, v);
        }
    }
    json_out_object_end(o);
}
