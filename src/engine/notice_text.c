/* SPDX-License-Identifier: Apache-2.0 */
/* notice_text.c - which file, and {{fact}} by {{fact}} into the text. */
#include "engine/notice_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"

struct built_in {
    const char *name;
    const char *text;
};

static const struct built_in built_in[] = {
#include <engine/notice_texts.inc>
};

enum { BUILT_IN = sizeof(built_in) / sizeof(built_in[0]), FILE_NAME_MAX = 64, FACTS_EXTRA = 3 };

struct text_file {
    char name[FILE_NAME_MAX];
    char *text;
};

/* As many as there are names that are asked for: each built-in .txt, its .html, and the layout. */
struct notice_texts {
    struct text_file files[2 * BUILT_IN];
    size_t count;
};

/* --- files */
static int file_read(const char *path, char **ret_text, struct err *err)
{
    char *text;
    ssize_t n;
    size_t len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return errno == ENOENT
                   ? -E_NOT_FOUND
                   : err_set(err, -E_CONFIG, "%s cannot be read (errno %d).", path, errno);
    }
    text = xalloc(NOTICE_FILE_MAX + 1);
    do {
        n = read(fd, text + len, NOTICE_FILE_MAX - len);
        len += n > 0 ? (size_t)n : 0;
    } while ((n > 0 && len < NOTICE_FILE_MAX) || (n < 0 && errno == EINTR));
    (void)close(fd);
    if (n < 0 || len == NOTICE_FILE_MAX || !str_is_utf8((struct str){ text, len }) ||
        strlen(text) != len) {
        free(text);
        return err_set(err, -E_CONFIG, "%s is not UTF-8 text below %d bytes.", path,
                       (int)NOTICE_FILE_MAX);
    }
    *ret_text = text;
    return 0;
}

static int file_take(struct notice_texts *t, struct str dir, const char *name, size_t stem,
                     const char *ending, struct err *err)
{
    struct text_file *file = &t->files[t->count];
    char path[4200];
    int rc;

    ASSERT(t->count < sizeof(t->files) / sizeof(t->files[0]));
    ASSERT(stem + strlen(ending) < sizeof(file->name));
    memcpy(file->name, name, stem);
    memcpy(file->name + stem, ending, strlen(ending) + 1);
    (void)snprintf(path, sizeof(path), "%.*s/%s", STR_ARG(dir), file->name);
    rc = file_read(path, &file->text, err);
    if (rc == 0 && strcmp(ending, ".txt") == 0 &&
        !str_starts(str_from(file->text), STR("Subject: "))) {
        free(file->text);
        file->text = NULL;
        return err_set(err, -E_CONFIG, "%s does not begin with \"Subject: \".", path);
    }
    if (rc == 0) {
        t->count++;
    }
    return rc == -E_NOT_FOUND ? 0 : rc;
}

int notice_texts_new(struct str dir, struct notice_texts **ret_texts, struct err *err)
{
    struct notice_texts *t = xalloc(sizeof(*t));
    int rc = 0;

    for (size_t i = 0; rc == 0 && dir.len > 0 && i < BUILT_IN; i++) {
        const char *name = built_in[i].name;
        size_t stem = strlen(name) - strlen(strrchr(name, '.'));

        if (str_ends(str_from(name), STR(".txt"))) {
            rc = file_take(t, dir, name, stem, ".txt", err);
        }
        if (rc == 0) {
            rc = file_take(t, dir, name, stem, ".html", err);
        }
    }
    if (rc != 0) {
        notice_texts_free(t);
        return rc;
    }
    *ret_texts = t;
    return 0;
}

void notice_texts_free(struct notice_texts *t)
{
    for (size_t i = 0; t != NULL && i < t->count; i++) {
        free(t->files[i].text);
    }
    free(t);
}

static const char *text_find(const struct notice_texts *t, const char *name, const char *ending)
{
    char file[FILE_NAME_MAX];

    (void)snprintf(file, sizeof(file), "%s%s", name, ending);
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->files[i].name, file) == 0) {
            return t->files[i].text;
        }
    }
    for (size_t i = 0; i < BUILT_IN; i++) {
        if (strcmp(built_in[i].name, file) == 0) {
            return built_in[i].text;
        }
    }
    return NULL;
}

/* --- {{fact}} */
static int put_html(struct buf *out, struct str s)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < s.len; i++) {
        switch (s.p[i]) {
        case '&':
            rc = buf_add_c(out, "&amp;");
            break;
        case '<':
            rc = buf_add_c(out, "&lt;");
            break;
        case '>':
            rc = buf_add_c(out, "&gt;");
            break;
        case '"':
            rc = buf_add_c(out, "&quot;");
            break;
        case '\'':
            rc = buf_add_c(out, "&#39;");
            break;
        default:
            rc = buf_add_char(out, s.p[i]);
            break;
        }
    }
    return rc;
}

struct filling {
    const struct notice_fact *facts;
    size_t count;
    const struct notice_fact *raw; /* HTML of ours */
    size_t raw_count;
    bool is_html;
};

static int put_fact(struct buf *out, const struct filling *f, struct str name)
{
    for (size_t i = 0; i < f->raw_count; i++) {
        if (str_eq_c(name, f->raw[i].name)) {
            return buf_add_str(out, f->raw[i].value);
        }
    }
    for (size_t i = 0; i < f->count; i++) {
        if (str_eq_c(name, f->facts[i].name)) {
            return f->is_html ? put_html(out, f->facts[i].value)
                              : buf_add_str(out, f->facts[i].value);
        }
    }
    return 0;
}

static int fill(struct buf *out, const struct filling *f, struct str text)
{
    int rc = 0;

    while (rc == 0 && text.len > 0) {
        const char *open = memmem(text.p, text.len, "{{", 2);
        const char *end =
            open == NULL ? NULL : memmem(open, text.len - (size_t)(open - text.p), "}}", 2);

        if (end == NULL) {
            return buf_add_str(out, text);
        }
        rc = buf_add(out, text.p, (size_t)(open - text.p));
        if (rc == 0) {
            rc = put_fact(out, f, (struct str){ open + 2, (size_t)(end - open) - 2 });
        }
        text = str_sub(text, (size_t)(end - text.p) + 2, text.len);
    }
    return rc;
}

/* One line: what would end or fold it becomes a blank; cut at a whole character. */
static void subject_trim(struct buf *subject, size_t from)
{
    if (subject->len - from > NOTICE_SUBJECT_MAX) {
        subject->len = from + NOTICE_SUBJECT_MAX;
        while (subject->len > from &&
               ((unsigned char)subject->p[subject->len] & 0xc0) == 0x80) {
            subject->len--;
        }
        subject->p[subject->len] = '\0';
    }
    for (size_t i = from; i < subject->len; i++) {
        if ((unsigned char)subject->p[i] < 0x20 || subject->p[i] == 0x7f) {
            subject->p[i] = ' ';
        }
    }
}

int notice_texts_plain(const struct notice_texts *t, const char *name,
                       const struct notice_fact *facts, size_t count, struct buf *subject,
                       struct buf *text)
{
    struct filling f = { .facts = facts, .count = count };
    struct str file = str_from(text_find(t, name, ".txt"));
    struct str head;
    size_t at = subject->len;
    int rc;

    if (file.p == NULL || !str_split(&file, '\n', &head)) {
        return -E_NOT_FOUND;
    }
    while (file.len > 0 && (file.p[0] == '\n' || file.p[0] == '\r')) {
        file = str_sub(file, 1, file.len);
    }
    rc = fill(subject, &f, str_sub(head, strlen("Subject: "), head.len));
    subject_trim(subject, at);
    return rc == 0 ? fill(text, &f, file) : rc;
}

/* --- HTML of a plain text */
static size_t link_length(struct str s)
{
    size_t n = 0;

    if (!str_starts(s, STR("https://")) && !str_starts(s, STR("http://"))) {
        return 0;
    }
    while (n < s.len && (unsigned char)s.p[n] > 0x20 && strchr("<>\"'(),;", s.p[n]) == NULL) {
        n++;
    }
    while (n > 0 && s.p[n - 1] == '.') {
        n--;
    }
    return n;
}

static int put_line(struct buf *out, struct str line)
{
    int rc = 0;

    while (rc == 0 && line.len > 0) {
        size_t n = link_length(line);
        struct str piece = str_sub(line, 0, n > 0 ? n : 1);

        if (n > 0) {
            rc = buf_add_c(out, "<a href=\"");
            rc = rc == 0 ? put_html(out, piece) : rc;
            rc = rc == 0 ? buf_add_c(out, "\">") : rc;
        }
        rc = rc == 0 ? put_html(out, piece) : rc;
        if (rc == 0 && n > 0) {
            rc = buf_add_c(out, "</a>");
        }
        line = str_sub(line, piece.len, line.len);
    }
    return rc;
}

static int put_paragraphs(struct buf *out, struct str text)
{
    bool is_open = false;
    struct str line;
    int rc = 0;

    while (rc == 0 && text.len > 0 && str_split(&text, '\n', &line)) {
        if (line.len == 0) {
            rc = is_open ? buf_add_c(out, "</p>\n") : 0;
            is_open = false;
            continue;
        }
        rc = buf_add_c(out, is_open ? "<br>\n" : "<p>");
        is_open = true;
        rc = rc == 0 ? put_line(out, line) : rc;
    }
    return rc == 0 && is_open ? buf_add_c(out, "</p>\n") : rc;
}

int notice_texts_html(const struct notice_texts *t, const char *name,
                      const struct notice_fact *facts, size_t count, struct str subject,
                      struct str text, struct str footer, struct buf *html)
{
    const char *file = text_find(t, name, ".html");
    struct buf escaped;
    struct buf paragraphs;
    struct buf below;
    struct notice_fact raw[FACTS_EXTRA];
    struct filling f = { facts, count, raw, FACTS_EXTRA, true };
    int rc;

    file = file != NULL ? file : text_find(t, "layout", ".html");
    ASSERT(file != NULL);
    buf_init(&escaped, NOTICE_FILE_MAX);
    buf_init(&paragraphs, 4 * NOTICE_FILE_MAX);
    buf_init(&below, NOTICE_FILE_MAX);
    rc = put_html(&escaped, subject);
    rc = rc == 0 ? put_paragraphs(&paragraphs, text) : rc;
    rc = rc == 0 ? put_paragraphs(&below, footer) : rc;
    raw[0] = (struct notice_fact){ "subject", buf_str(&escaped) };
    raw[1] = (struct notice_fact){ "paragraphs", buf_str(&paragraphs) };
    raw[2] = (struct notice_fact){ "footer", buf_str(&below) };
    rc = rc == 0 ? fill(html, &f, str_from(file)) : rc;
    buf_done(&escaped);
    buf_done(&paragraphs);
    buf_done(&below);
    return rc;
}
