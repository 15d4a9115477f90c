/* SPDX-License-Identifier: Apache-2.0 */
/* replay_spec.c - what a job repeats: to the document in its row and back, and as a look at one endpoint. */
#include "base/assert.h"
#include "base/buf.h"
#include "engine/registry.h"
#include "engine/replay.h"
#include "json/jmespath.h"
#include "json/json.h"
#include "json/patch.h"

int replay_spec_write(const struct replay_spec *spec, struct buf *out)
{
    struct json_out o;

    json_out_begin(&o, out);
    json_out_object(&o);
    json_out_name(&o, "types");
    json_out_array(&o);
    for (size_t i = 0; i < spec->type_count; i++) {
        json_out_int(&o, spec->types[i]);
    }
    json_out_array_end(&o);
    json_put_int(&o, "state", spec->state);
    json_put_int(&o, "code", spec->code);
    json_put_int(&o, "error", spec->error);
    json_put_int(&o, "since", spec->since);
    json_put_int(&o, "until", spec->until);
    json_put_str(&o, "reason", spec->reason);
    json_put_bool(&o, "new_id", spec->new_id);
    if (spec->merge_patch != NULL) {
        json_out_name(&o, "merge_patch");
        json_out_value(&o, spec->merge_patch);
    }
    if (spec->jmespath.len > 0) {
        json_put_str(&o, "jmespath", spec->jmespath);
    }
    if (spec->filter != NULL) {
        json_out_name(&o, "filter");
        json_out_value(&o, spec->filter);
    }
    json_put_raw(&o, "by", spec->by);
    json_out_object_end(&o);
    return json_out_end(&o);
}

static int read_int(const struct json *root, const char *name, int64_t *ret)
{
    const struct json *v = json_member(root, name);

    return v == NULL ? -E_INVALID : json_int(v, 0, INT64_MAX, ret);
}

static int read_types(const struct json *list, struct arena *arena, struct replay_spec *spec)
{
    struct json_iter it;
    const struct json *v;
    int64_t *types;
    int rc = 0;

    if (list == NULL || json_type(list) != JSON_ARRAY) {
        return -E_INVALID;
    }
    types = arena_alloc(arena, (json_count(list) + 1) * sizeof(*types));
    it = json_iter(list);
    while (rc == 0 && (v = json_next(&it, NULL)) != NULL) {
        rc = json_int(v, 0, INT64_MAX, &types[spec->type_count]);
        spec->type_count++;
    }
    spec->types = types;
    return rc;
}

int replay_spec_read(const struct json *root, struct arena *arena, struct replay_spec *ret_spec)
{
    struct replay_spec spec = { .state = 0 };
    const struct json *by = json_member(root, "by");
    int64_t state = 0;
    int64_t code = 0;
    int64_t error = 0;
    int rc = read_types(json_member(root, "types"), arena, &spec);

    rc = rc == 0 ? read_int(root, "state", &state) : rc;
    rc = rc == 0 ? read_int(root, "code", &code) : rc;
    rc = rc == 0 ? read_int(root, "error", &error) : rc;
    rc = rc == 0 ? read_int(root, "since", &spec.since) : rc;
    rc = rc == 0 ? read_int(root, "until", &spec.until) : rc;
    if (rc != 0) {
        return rc;
    }
    spec.state = (int32_t)state;
    spec.code = (int32_t)code;
    spec.error = (int32_t)error;
    spec.reason = json_string(json_member(root, "reason"));
    spec.new_id = json_bool(json_member(root, "new_id"));
    spec.merge_patch = json_member(root, "merge_patch");
    spec.filter = json_member(root, "filter");
    spec.jmespath = json_string(json_member(root, "jmespath"));
    if (spec.jmespath.len > 0) {
        struct jmespath_fault fault;

        rc = jmespath_compile(spec.jmespath, arena, &spec.expression, &fault);
    }
    if (by != NULL) {
        struct buf text;

        buf_init(&text, REPLAY_SPEC_MAX);
        if (json_write(by, &text) == 0) {
            spec.by = arena_str(arena, buf_str(&text));
        }
        buf_done(&text);
    }
    if (rc == 0) {
        *ret_spec = spec;
    }
    return rc;
}

static bool spec_names(const struct replay_spec *spec, int64_t type)
{
    for (size_t i = 0; i < spec->type_count; i++) {
        if (spec->types[i] == type) {
            return true;
        }
    }
    return spec->type_count == 0;
}

/* What the endpoint wants today, of what is asked for; in order of number. */
static void look_types(const struct replay_spec *spec, const struct endpoint *endpoint,
                       struct arena *arena, struct replay_look *look)
{
    const struct project *project = endpoint->app->project;
    int64_t *types = arena_alloc(arena, (project->type_count + 1) * sizeof(*types));

    for (size_t i = 0; i < project->type_count; i++) {
        const struct event_type *type =
            (const struct event_type *)(const void *)project->type_list[i];

        if (spec_names(spec, type->object.no) && registry_wants(endpoint, type)) {
            types[look->type_count++] = type->object.no;
        }
    }
    look->types = types;
}

struct replay_look replay_spec_look(const struct replay_spec *spec, enum replay_mode mode,
                                    const struct endpoint *endpoint, struct arena *arena)
{
    struct replay_look look = { .mode = mode,
                                .app = endpoint->app->object.no,
                                .endpoint = endpoint->object.no,
                                .types = spec->types,
                                .type_count = spec->type_count,
                                .state = spec->state,
                                .code = spec->code,
                                .error = spec->error,
                                .since = spec->since,
                                .until = spec->until,
                                .look_max = REPLAY_LOOK_MAX,
                                .item_max = REPLAY_BITE_MAX };

    if (replay_walks_events(mode)) {
        look.type_count = 0;
        look_types(spec, endpoint, arena, &look);
    }
    /* Before it was there, nothing can be missing. */
    if (mode == REPLAY_MODE_MISSING && look.since < endpoint->object.created_at) {
        look.since = endpoint->object.created_at;
    }
    return look;
}

bool replay_reaches(const struct endpoint *endpoint)
{
    return endpoint != NULL && endpoint->object.deleted_at == 0 &&
           endpoint->slot != REGISTRY_NO_SLOT && endpoint->status != ENDPOINT_DISABLED;
}

/* --- changed data */
static void put_id(struct json_out *o, const struct json *old, const struct id *id)
{
    char text[ID_TEXT_SIZE];

    json_out_name(o, "id");
    if (id == NULL) {
        json_out_value(o, old);
        return;
    }
    id_format(ID_EVENT, id, text);
    json_out_c(o, text);
}

static int put_data(struct json_out *o, const struct json *data, const struct replay_spec *spec)
{
    struct jmespath_fault fault;
    uint64_t steps = JMESPATH_STEPS_MAX;
    struct buf text;
    int rc;

    if (spec->merge_patch != NULL) {
        patch_merge(o, data, spec->merge_patch);
        return 0;
    }
    buf_init(&text, JMESPATH_OUTPUT_MAX + 1);
    rc = jmespath_run(spec->expression, data, &steps, &text, &fault);
    if (rc == 0) {
        json_out_raw(o, buf_str(&text));
    }
    buf_done(&text);
    return rc;
}

static int correct_write(const struct json *root, const struct replay_spec *spec,
                         const struct id *id, size_t data_max, struct buf *out)
{
    struct json_iter it = json_iter(root);
    const struct json *v;
    struct str name;
    struct json_out o;
    size_t len = 0;
    int rc = 0;

    json_out_begin(&o, out);
    json_out_object(&o);
    while (rc == 0 && (v = json_next(&it, &name)) != NULL) {
        if (str_eq_c(name, "id")) {
            put_id(&o, v, id);
        } else if (str_eq_c(name, "data")) {
            json_out_name_str(&o, name);
            len = out->len;
            rc = put_data(&o, v, spec);
            len = out->len - len;
        } else {
            json_out_name_str(&o, name);
            json_out_value(&o, v);
        }
    }
    if (rc != 0) {
        return rc;
    }
    json_out_object_end(&o);
    return len > data_max ? -E_TOO_LARGE : json_out_end(&o);
}

int replay_correct(struct str body, const struct replay_spec *spec, const struct id *id,
                   size_t data_max, struct buf *out)
{
    struct json_doc *doc = NULL;
    struct json_doc *again = NULL;
    size_t at = out->len;
    int rc = json_parse(body, JSON_DEPTH_MAX, &doc, NULL);

    if (rc == 0) {
        rc = correct_write(json_root(doc), spec, id, data_max, out);
    }
    if (rc == 0) {
        /* A patch may make it deeper than we read. */
        rc = json_parse(str_sub(buf_str(out), at, out->len - at), JSON_DEPTH_MAX, &again, NULL);
    }
    json_doc_free(again);
    json_doc_free(doc);
    return rc;
}
