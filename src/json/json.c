/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.c - reading: yyjson parses, our own walk adds what it does not do: a limit on depth, no
 * name twice.
 *
 * struct json is yyjson's value under our name, so no copy is made and no other file sees the
 * library.
 */
#include "json/json.h"

#include <stdlib.h>
#include <yyjson.h>

#include "base/alloc.h"
#include "base/assert.h"

struct json_doc {
    yyjson_doc *doc;
};

enum { JSON_SMALL_OBJECT = 16 }; /* names compared pair by pair; larger objects are sorted */

static const yyjson_val *val(const struct json *v)
{
    return (const yyjson_val *)(const void *)v;
}

static yyjson_val *val_mut(const struct json *v)
{
    return (yyjson_val *)(uintptr_t)v;
}

static const struct json *wrap(const yyjson_val *v)
{
    return (const struct json *)(const void *)v;
}

static struct str val_str(const yyjson_val *v)
{
    return (struct str){ yyjson_get_str((yyjson_val *)(uintptr_t)v),
                         yyjson_get_len((yyjson_val *)(uintptr_t)v) };
}

/* --- names twice: small objects pair by pair, large ones by sorting */
static int name_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool has_name_twice(yyjson_val *object)
{
    size_t count = yyjson_obj_size(object);
    struct str few[JSON_SMALL_OBJECT];
    struct str *names = few;
    yyjson_obj_iter it = yyjson_obj_iter_with(object);
    yyjson_val *key;
    size_t n = 0;
    bool twice = false;

    if (count > JSON_SMALL_OBJECT) {
        names = xcalloc(count, sizeof(*names));
    }
    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        names[n++] = val_str(key);
    }
    if (count > JSON_SMALL_OBJECT) {
        qsort(names, n, sizeof(*names), name_order);
        for (size_t i = 1; i < n && !twice; i++) {
            twice = str_eq(names[i - 1], names[i]);
        }
        free(names);
        return twice;
    }
    for (size_t i = 1; i < n && !twice; i++) {
        for (size_t k = 0; k < i && !twice; k++) {
            twice = str_eq(names[i], names[k]);
        }
    }
    return twice;
}

/* The walk needs no stack: depth is at most depth_max, kept in an array of iterators. */
struct level {
    bool is_object;
    yyjson_obj_iter object;
    yyjson_arr_iter array;
};

static int check_enter(yyjson_val *v, struct level *levels, size_t *depth, size_t depth_max,
                       struct err *err)
{
    if (!yyjson_is_ctn(v)) {
        return 0;
    }
    if (*depth == depth_max) {
        return err_set(err, -E_JSON, "The JSON is nested deeper than %zu levels.", depth_max);
    }
    if (yyjson_is_obj(v)) {
        if (has_name_twice(v)) {
            return err_set(err, -E_JSON, "An object has the same name twice.");
        }
        levels[*depth] = (struct level){ .is_object = true, .object = yyjson_obj_iter_with(v) };
    } else {
        levels[*depth] = (struct level){ .array = yyjson_arr_iter_with(v) };
    }
    (*depth)++;
    return 0;
}

static int check_walk(yyjson_val *root, size_t depth_max, struct err *err)
{
    struct level levels[JSON_DEPTH_MAX];
    size_t depth = 0;
    int rc = check_enter(root, levels, &depth, depth_max, err);

    while (rc == 0 && depth > 0) {
        struct level *top = &levels[depth - 1];
        yyjson_val *v;

        if (top->is_object) {
            yyjson_val *key = yyjson_obj_iter_next(&top->object);

            v = key == NULL ? NULL : yyjson_obj_iter_get_val(key);
        } else {
            v = yyjson_arr_iter_next(&top->array);
        }
        if (v == NULL) {
            depth--;
        } else {
            rc = check_enter(v, levels, &depth, depth_max, err);
        }
    }
    return rc;
}

int json_parse(struct str text, size_t depth_max, struct json_doc **ret_doc, struct err *err)
{
    yyjson_read_err fault;
    struct json_doc *doc;
    yyjson_doc *y;
    int rc;

    ASSERT(depth_max <= JSON_DEPTH_MAX);
    if (text.len == 0) {
        return err_set(err, -E_JSON, "The body is empty; send JSON.");
    }
    y = yyjson_read_opts((char *)(uintptr_t)text.p, text.len, YYJSON_READ_NUMBER_AS_RAW, NULL,
                         &fault);
    if (y == NULL) {
        return err_set(err, -E_JSON, "Not valid JSON at byte %zu: %s.", fault.pos, fault.msg);
    }
    rc = check_walk(yyjson_doc_get_root(y), depth_max, err);
    if (rc != 0) {
        yyjson_doc_free(y);
        return rc;
    }
    doc = xalloc(sizeof(*doc));
    doc->doc = y;
    *ret_doc = doc;
    return 0;
}

void json_doc_free(struct json_doc *doc)
{
    if (doc != NULL) {
        yyjson_doc_free(doc->doc);
        free(doc);
    }
}

const struct json *json_root(const struct json_doc *doc)
{
    return wrap(yyjson_doc_get_root(doc->doc));
}

enum json_type json_type(const struct json *v)
{
    yyjson_val *y = val_mut(v);

    switch (yyjson_get_type(y)) {
    case YYJSON_TYPE_BOOL:
        return JSON_BOOL;
    case YYJSON_TYPE_NUM:
    case YYJSON_TYPE_RAW:
        return JSON_NUMBER;
    case YYJSON_TYPE_STR:
        return JSON_STRING;
    case YYJSON_TYPE_ARR:
        return JSON_ARRAY;
    case YYJSON_TYPE_OBJ:
        return JSON_OBJECT;
    default:
        return JSON_NULL;
    }
}

bool json_bool(const struct json *v)
{
    return yyjson_is_true(val_mut(v));
}

struct str json_string(const struct json *v)
{
    return v != NULL && yyjson_is_str(val_mut(v)) ? val_str(val(v)) : STR_NONE;
}

struct str json_number(const struct json *v)
{
    yyjson_val *y = val_mut(v);

    return yyjson_is_raw(y) ? (struct str){ yyjson_get_raw(y), yyjson_get_len(y) } : STR_NONE;
}

int json_int(const struct json *v, int64_t min, int64_t max, int64_t *ret)
{
    struct str text = json_number(v);

    return text.p == NULL ? -E_INVALID : str_to_int(text, min, max, ret);
}

size_t json_count(const struct json *v)
{
    return yyjson_is_ctn(val_mut(v)) ? yyjson_get_len(val_mut(v)) : 0;
}

const struct json *json_member(const struct json *v, const char *name)
{
    return v == NULL ? NULL : wrap(yyjson_obj_get(val_mut(v), name));
}

const struct json *json_get(const struct json *v, struct str name)
{
    return v == NULL ? NULL : wrap(yyjson_obj_getn(val_mut(v), name.p, name.len));
}

const struct json *json_item(const struct json *v, size_t at)
{
    return wrap(yyjson_arr_get(val_mut(v), at));
}

struct json_iter json_iter(const struct json *container)
{
    return (struct json_iter){ .container = container,
                               .left = container == NULL ? 0 : json_count(container) };
}

const struct json *json_next(struct json_iter *it, struct str *ret_name)
{
    yyjson_val *container = val_mut(it->container);
    yyjson_val *at = (yyjson_val *)(uintptr_t)it->at;

    if (it->left == 0) {
        return NULL;
    }
    it->left--;
    if (yyjson_is_obj(container)) {
        /* `at` is the value before; a key stands behind it, then its value. */
        yyjson_val *key =
            at == NULL ? unsafe_yyjson_get_first(container) : unsafe_yyjson_get_next(at);

        if (ret_name != NULL) {
            *ret_name = val_str(key);
        }
        at = key + 1;
    } else {
        at = at == NULL ? unsafe_yyjson_get_first(container) : unsafe_yyjson_get_next(at);
    }
    it->at = at;
    return wrap(at);
}

int json_write(const struct json *v, struct buf *out)
{
    size_t len = 0;
    char *text = yyjson_val_write(val_mut(v), YYJSON_WRITE_NOFLAG, &len);
    int rc;

    if (text == NULL) {
        return -E_INTERNAL;
    }
    rc = buf_add(out, text, len);
    free(text);
    return rc;
}
