/* SPDX-License-Identifier: Apache-2.0 */
/* preset.c - the table of providers, from the JSON inside the binary. */
#include "inbound/preset.h"

#include <inbound/presets_json.inc>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"

static struct json_doc *document;
static struct preset *presets;
static size_t preset_count;

void presets_open(void)
{
    const struct json *list;
    const struct json *v;
    struct json_iter it;
    int rc;

    ASSERT(document == NULL);
    rc = json_parse((struct str){ (const char *)preset_files[0].bytes, preset_files[0].len },
                    JSON_DEPTH_MAX, &document, NULL);
    ASSERT(rc == 0);
    list = json_member(json_root(document), "presets");
    presets = xcalloc(json_count(list), sizeof(*presets));
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        presets[preset_count++] = (struct preset){
            .name = json_string(json_member(v, "name")),
            .title = json_string(json_member(v, "title")),
            .docs = json_string(json_member(v, "docs")),
            .note =
                json_member(v, "note") == NULL ? STR_NONE : json_string(json_member(v, "note")),
            .scheme = json_member(v, "scheme"),
        };
    }
}

void presets_close(void)
{
    json_doc_free(document);
    free(presets);
    document = NULL;
    presets = NULL;
    preset_count = 0;
}

const struct preset *preset_at(size_t index)
{
    return index < preset_count ? &presets[index] : NULL;
}

const struct preset *preset_find(struct str name)
{
    for (size_t i = 0; i < preset_count; i++) {
        if (str_eq(presets[i].name, name)) {
            return &presets[i];
        }
    }
    return NULL;
}
