/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/record.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/table.h"

enum { NAME_MAX_LEN = 64, NAME_WIDTH = 20, CELL_MAX = 1024 * 1024 };

int record_text(const char *name, const struct json *value, struct buf *out)
{
    struct str text = json_string(value);
    int64_t at = 0;

    if (value == NULL || json_type(value) == JSON_NULL) {
        return 0;
    }
    if (json_type(value) != JSON_STRING) {
        return json_write(value, out);
    }
    if (str_ends(str_from(name), STR("_at")) && clock_parse(text, &at) == 0) {
        char local[32];

        cli_local_time(at, local);
        return buf_add_c(out, local);
    }
    return text_clean(text, out);
}

/* `a.b`: b inside a. */
static const struct json *member_at(const struct json *object, const char *path)
{
    struct str left = str_from(path);
    struct str part;

    while (object != NULL && str_split(&left, '.', &part)) {
        char name[NAME_MAX_LEN];

        (void)snprintf(name, sizeof(name), "%.*s", STR_ARG(part));
        object = json_member(object, name);
    }
    return object;
}

/* "last_error_code" as LAST ERROR CODE. */
static void make_head(const char *column, char ret_head[NAME_MAX_LEN])
{
    size_t i = 0;

    for (; column[i] != '\0' && i + 1 < NAME_MAX_LEN; i++) {
        char c = column[i];

        ret_head[i] = c == '_' || c == '.' ? ' ' : (c >= 'a' && c <= 'z') ? (char)(c - 32) : c;
    }
    ret_head[i] = '\0';
}

static int add_rows(struct table *table, const struct json *array, const char *const *columns,
                    size_t count)
{
    struct json_iter it = json_iter(array);
    const struct json *object;
    struct buf cell;
    int rc = 0;

    buf_init(&cell, CELL_MAX);
    for (object = json_next(&it, NULL); object != NULL && rc == 0;
         object = json_next(&it, NULL)) {
        for (size_t i = 0; i < count && rc == 0; i++) {
            buf_clear(&cell);
            rc = record_text(columns[i], member_at(object, columns[i]), &cell);
            table_add(table, buf_str(&cell));
        }
    }
    buf_done(&cell);
    return rc;
}

int record_rows(const struct cli *cli, const struct json *array, const char *const *columns,
                size_t count, struct buf *out)
{
    char heads[TABLE_COLUMNS_MAX][NAME_MAX_LEN];
    const char *names[TABLE_COLUMNS_MAX];
    struct table table;
    int rc;

    if (count > TABLE_COLUMNS_MAX) {
        count = TABLE_COLUMNS_MAX;
    }
    for (size_t i = 0; i < count; i++) {
        make_head(columns[i], heads[i]);
        names[i] = heads[i];
    }
    table_init(&table, names, count);
    rc = add_rows(&table, array, columns, count);
    if (rc == 0) {
        rc = cli->output == OUTPUT_COMPACT ? table_write_compact(&table, out)
                                           : table_write(&table, cli->color_out, out);
    }
    table_done(&table);
    return rc;
}

static bool is_list_of_objects(const struct json *value)
{
    return json_type(value) == JSON_ARRAY && json_count(value) > 0 &&
           json_type(json_item(value, 0)) == JSON_OBJECT;
}

/* A table below the record: its columns are the plain members of the first object. */
static int add_inner(const struct cli *cli, struct str name, const struct json *array,
                     struct buf *out)
{
    char names[TABLE_COLUMNS_MAX][NAME_MAX_LEN];
    const char *columns[TABLE_COLUMNS_MAX];
    struct json_iter it = json_iter(json_item(array, 0));
    const struct json *value;
    struct str member;
    size_t count = 0;
    int rc;

    while (count < TABLE_COLUMNS_MAX && (value = json_next(&it, &member)) != NULL) {
        if (json_type(value) != JSON_OBJECT && json_type(value) != JSON_ARRAY &&
            member.len < NAME_MAX_LEN) {
            (void)snprintf(names[count], NAME_MAX_LEN, "%.*s", STR_ARG(member));
            columns[count] = names[count];
            count++;
        }
    }
    if (count == 0) {
        return 0;
    }
    rc = buf_add_char(out, '\n');
    if (rc == 0) {
        rc = text_clean(name, out);
    }
    if (rc == 0) {
        rc = buf_add_char(out, '\n');
    }
    return rc != 0 ? rc : record_rows(cli, array, columns, count, out);
}

static int add_line(const struct cli *cli, struct str name, const struct json *value,
                    struct buf *out)
{
    char c_name[NAME_MAX_LEN];
    size_t width = text_width(name);
    size_t gap = width < NAME_WIDTH ? NAME_WIDTH - width : 0;
    int rc;

    (void)snprintf(c_name, sizeof(c_name), "%.*s",
                   (int)(name.len < NAME_MAX_LEN ? name.len : 0), name.p);
    rc = text_clean(name, out);
    if (rc == 0) {
        rc = cli->output == OUTPUT_COMPACT ? buf_add_char(out, '\t')
                                           : buf_printf(out, "%*s ", (int)gap, "");
    }
    if (rc == 0) {
        rc = record_text(c_name, value, out);
    }
    return rc != 0 ? rc : buf_add_char(out, '\n');
}

int record_write(const struct cli *cli, const struct json *object, struct buf *out)
{
    struct json_iter it = json_iter(object);
    const struct json *value;
    struct str name;
    int rc = 0;

    while (rc == 0 && (value = json_next(&it, &name)) != NULL) {
        if (!is_list_of_objects(value)) {
            rc = add_line(cli, name, value, out);
        }
    }
    it = json_iter(object);
    while (rc == 0 && (value = json_next(&it, &name)) != NULL) {
        if (is_list_of_objects(value)) {
            rc = add_inner(cli, name, value, out);
        }
    }
    return rc;
}

int record_print(const struct cli *cli, struct str json)
{
    struct json_doc *doc = NULL;
    struct err err = { 0 };
    struct buf out;
    int rc;
    int code = EXIT_ERROR;

    if (json.len == 0) {
        return EXIT_OK;
    }
    if (cli->output == OUTPUT_JSON) {
        code = cli_print(json);
        return code == EXIT_OK && json.p[json.len - 1] != '\n' ? cli_print(STR("\n")) : code;
    }
    rc = json_parse(json, JSON_DEPTH_MAX, &doc, &err);
    if (rc != 0) {
        return cli_fail(cli, EXIT_ERROR, "the server's answer is not JSON", err.text,
                        "postern doctor");
    }
    buf_init(&out, CLI_OUTPUT_MAX);
    if (json_type(json_root(doc)) == JSON_OBJECT) {
        rc = record_write(cli, json_root(doc), &out);
    } else {
        rc = record_text("", json_root(doc), &out);
    }
    if (rc == 0) {
        code = cli_print(buf_str(&out));
    }
    buf_done(&out);
    json_doc_free(doc);
    return code;
}
