/* SPDX-License-Identifier: Apache-2.0 */
/* event_type_presets.c - /api/v1/event-types/presets: catalogues that come with the server
 * (api/presets), to look at and to take over. */
#include <api/presets.inc>

#include "api/event_type_import.h"
#include "api/handlers.h"
#include "api/problem.h"
#include "base/assert.h"

enum { PRESETS = sizeof(presets) / sizeof(presets[0]) };

static struct str preset_text(size_t at)
{
    return (struct str){ (const char *)presets[at].bytes, presets[at].len };
}

/* The parsed preset that the path names; NULL: answered. */
static const struct json *named_preset(struct call *call)
{
    struct json_doc *doc = NULL;

    for (size_t i = 0; i < PRESETS; i++) {
        if (str_eq_c(call->token, presets[i].name)) {
            int rc = json_parse(preset_text(i), JSON_DEPTH_MAX, &doc, NULL);

            ASSERT(rc == 0); /* it is ours */
            call_keep(call, doc);
            return json_root(doc);
        }
    }
    problem_reply(call, -E_NOT_FOUND);
    return NULL;
}

static void put_brief(struct json_out *o, const struct json *preset)
{
    struct json_iter it = json_iter(json_member(preset, "event_types"));
    const struct json *type;

    json_put_str(o, "name", json_string(json_member(preset, "name")));
    json_put_str(o, "title", json_string(json_member(preset, "title")));
    json_put_str(o, "description", json_string(json_member(preset, "description")));
    json_out_name(o, "event_types");
    json_out_array(o);
    while ((type = json_next(&it, NULL)) != NULL) {
        json_out_str(o, json_string(json_member(type, "name")));
    }
    json_out_array_end(o);
}

void event_type_presets_list(struct call *call)
{
    struct json_out *o = call_json(call);

    json_out_object(o);
    json_out_name(o, "data");
    json_out_array(o);
    for (size_t i = 0; i < PRESETS; i++) {
        struct json_doc *doc = NULL;
        int rc = json_parse(preset_text(i), JSON_DEPTH_MAX, &doc, NULL);

        ASSERT(rc == 0);
        json_out_object(o);
        put_brief(o, json_root(doc));
        json_out_object_end(o);
        json_doc_free(doc);
    }
    json_out_array_end(o);
    json_out_object_end(o);
    call_reply(call, 200);
}

void event_type_presets_get(struct call *call)
{
    const struct json *preset = named_preset(call);

    if (preset != NULL) {
        json_out_value(call_json(call), preset);
        call_reply(call, 200);
    }
}

void event_type_presets_apply(struct call *call)
{
    struct type_import *import = arena_alloc(call->arena, sizeof(*import));
    const struct json *preset;
    const struct json *type;
    struct json_iter it;
    struct form f;

    form_begin(&f, call->body, STR_NONE, &call->faults);
    (void)form_bool(&f, "dry_run", false, &import->dry_run);
    (void)form_bool(&f, "new_versions", false, &import->new_versions);
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return;
    }
    preset = named_preset(call);
    if (preset == NULL) {
        return;
    }
    it = json_iter(json_member(preset, "event_types"));
    import->wishes = arena_alloc(call->arena, (it.left + 1) * sizeof(struct type_wish));
    while ((type = json_next(&it, NULL)) != NULL) {
        struct type_wish *wish = &import->wishes[import->count++];

        wish->name = json_string(json_member(type, "name"));
        wish->body = type;
        form_faults_init(&wish->faults, call->arena);
    }
    type_import_run(call, import);
}
