/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The required tests of the official JSON Schema test suite, both drafts. The data lies outside the
 * repository: POSTERN_CONFORMANCE/json-schema, default ../shared/conformance beside it; draft-07
 * also where Debian's package json-schema-test-suite puts it. Without data the program says so
 * and exits 77.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "json/schema.h"

enum { FILE_MAX = 4 * 1024 * 1024, DOCUMENTS_MAX = 200, SKIPPED = 77, PATH_SIZE = 4096 };

struct suite {
    struct schema_options options;
    struct schema_document documents[DOCUMENTS_MAX];
    size_t files, schemas, tests, failures;
};

static bool read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "re");
    size_t n = 1;

    if (file == NULL) {
        return false;
    }
    buf_init(out, FILE_MAX);
    while (n > 0 && buf_reserve(out, 65536) == 0) {
        n = fread(out->p + out->len, 1, 65536, file);
        out->len += n;
    }
    (void)fclose(file);
    return true;
}

static bool join(char path[PATH_SIZE], const char *folder, const char *name)
{
    size_t n = strlen(folder);
    size_t more = strlen(name);

    if (n + more + 2 > PATH_SIZE) {
        return false;
    }
    memcpy(path, folder, n);
    path[n] = '/';
    memcpy(path + n + 1, name, more + 1);
    return true;
}

/* All files below a folder, as http://localhost:1234/<way>: a document each. */
static void load_remotes(struct suite *suite, const char *folder, const char *way)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char path[PATH_SIZE];
    char below[PATH_SIZE];
    struct stat about;
    struct buf text;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.' || !join(path, folder, entry->d_name) ||
            !join(below, way, entry->d_name) || stat(path, &about) != 0) {
            continue;
        }
        if (S_ISDIR(about.st_mode)) {
            load_remotes(suite, path, below);
        } else if (suite->options.document_count < DOCUMENTS_MAX && read_file(path, &text)) {
            suite->documents[suite->options.document_count++] =
                (struct schema_document){ xstr(str_from(below)), xstr(buf_str(&text)) };
            buf_done(&text);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

static struct str member_text(const struct json *v, const char *name)
{
    return json_string(json_member(v, name));
}

static void run_group(struct suite *suite, const char *file, const struct json *group)
{
    struct json_iter it = json_iter(json_member(group, "tests"));
    struct schema *schema = NULL;
    struct schema_errors errors;
    const struct json *test;
    struct arena arena;
    struct buf text;

    arena_init(&arena);
    schema_errors_init(&errors, &arena);
    buf_init(&text, FILE_MAX);
    suite->schemas++;
    if (json_write(json_member(group, "schema"), &text) != 0 ||
        schema_compile(buf_str(&text), &suite->options, &schema, &errors) != 0) {
        printf("FAILED %s: %.*s: does not compile: %.*s (%.*s)\n", file,
               STR_ARG(member_text(group, "description")), STR_ARG(errors.rows[0].text),
               STR_ARG(errors.rows[0].schema));
    }
    while ((test = json_next(&it, NULL)) != NULL) {
        bool wanted = json_bool(json_member(test, "valid"));
        bool valid = !wanted;

        suite->tests++;
        schema_errors_init(&errors, &arena);
        if (schema == NULL ||
            schema_check(schema, json_member(test, "data"), &valid, &errors) != 0 ||
            valid != wanted || (errors.count == 0) != valid) {
            suite->failures++;
            printf("FAILED %s: %.*s: %.*s\n", file, STR_ARG(member_text(group, "description")),
                   STR_ARG(member_text(test, "description")));
        }
    }
    schema_free(schema);
    buf_done(&text);
    arena_done(&arena);
}

static void run_file(struct suite *suite, const char *path, const char *name)
{
    struct json_doc *doc = NULL;
    struct json_iter it;
    const struct json *group;
    struct buf text;

    if (!read_file(path, &text) ||
        json_parse(buf_str(&text), JSON_DEPTH_MAX, &doc, NULL) != 0) {
        printf("FAILED %s cannot be read\n", path);
        suite->failures++;
        return;
    }
    suite->files++;
    it = json_iter(json_root(doc));
    while ((group = json_next(&it, NULL)) != NULL) {
        run_group(suite, name, group);
    }
    json_doc_free(doc);
    buf_done(&text);
}

/* The files of the folder itself; what is optional lies in folders below. False: no folder. */
static bool run_folder(struct suite *suite, const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char path[PATH_SIZE];

    if (dir == NULL) {
        return false;
    }
    while ((entry = readdir(dir)) != NULL) {
        struct str name = str_from(entry->d_name);

        if (str_ends(name, STR(".json")) && join(path, folder, entry->d_name)) {
            run_file(suite, path, entry->d_name);
        }
    }
    (void)closedir(dir);
    return true;
}

/* 1: passed; 0: failed; -1: no data. */
static int run_draft(const char *root, const char *name, enum schema_draft draft,
                     size_t tests_min)
{
    struct suite *suite = xalloc(sizeof(*suite));
    char path[PATH_SIZE];
    bool is_here;
    int result;

    suite->options.draft = draft;
    suite->options.documents = suite->documents;
    (void)snprintf(path, sizeof(path), "%s/remotes", root);
    load_remotes(suite, path, "http://localhost:1234");
    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    is_here = run_folder(suite, path);
    for (size_t i = 0; i < suite->options.document_count; i++) {
        free((void *)(uintptr_t)suite->documents[i].uri.p);
        free((void *)(uintptr_t)suite->documents[i].text.p);
    }
    result = !is_here ? -1 : suite->failures == 0 && suite->tests >= tests_min ? 1 : 0;
    if (is_here) {
        printf("%s: %zu tests, %zu failed (%zu schemas in %zu files of %s)\n", name,
               suite->tests, suite->failures, suite->schemas, suite->files, path);
    }
    free(suite);
    return result;
}

int main(void)
{
    const char *conformance = getenv("POSTERN_CONFORMANCE");
    const char *source = getenv("SOURCE_ROOT");
    char root[PATH_SIZE];
    int both[2];

    if (conformance != NULL) {
        (void)snprintf(root, sizeof(root), "%s/json-schema", conformance);
    } else {
        (void)snprintf(root, sizeof(root), "%s/../shared/conformance/json-schema",
                       source == NULL ? "." : source);
    }
    both[0] = run_draft(root, "draft2020-12", SCHEMA_2020_12, 1299);
    both[1] = run_draft(root, "draft7", SCHEMA_DRAFT_07, 900);
    if (both[1] < 0) {
        both[1] = run_draft("/usr/share/json-schema-test-suite", "tests/draft7",
                            SCHEMA_DRAFT_07, 400);
    }
    if (both[0] < 0) {
        printf("skipped: draft2020-12: no test suite in %s (POSTERN_CONFORMANCE)\n", root);
    }
    if (both[1] < 0) {
        printf("skipped: draft7: no test suite in %s, nor Debian's json-schema-test-suite\n",
               root);
    }
    if (both[0] == 0 || both[1] == 0) {
        return 1;
    }
    return both[0] < 0 || both[1] < 0 ? SKIPPED : 0;
}
