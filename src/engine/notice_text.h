/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notice_text.h - the texts of notices: subject, plain text, HTML. The files of packaging/notices/ are part of the
 * program; a file of the same name in the operator's directory goes before it, read once at start.
 *
 * <name>.txt: its first line is "Subject: ...", then an empty line, then the text. <name>.html, where there is
 * one, else layout.html. {{fact}} stands for a value, escaped in HTML; an unknown fact is empty.
 */
#ifndef ENGINE_NOTICE_TEXT_H
#define ENGINE_NOTICE_TEXT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct notice_texts;

enum { NOTICE_FILE_MAX = 64 * 1024, NOTICE_SUBJECT_MAX = 200 };

struct notice_fact {
    const char *name;
    struct str value;
};

/* dir empty: those of the build alone. -E_CONFIG with a sentence: a file there cannot be used. */
NODISCARD int notice_texts_new(struct str dir, struct notice_texts **ret_texts,
                               struct err *err);
void notice_texts_free(struct notice_texts *t); /* NULL allowed */

/* Appends; the subject is one line of at most NOTICE_SUBJECT_MAX bytes. -E_NOT_FOUND: no such file. */
NODISCARD int notice_texts_plain(const struct notice_texts *t, const char *name,
                                 const struct notice_fact *facts, size_t count,
                                 struct buf *subject, struct buf *text);
/* `text` and `footer` are plain; empty lines part paragraphs. Links become links. */
NODISCARD int notice_texts_html(const struct notice_texts *t, const char *name,
                                const struct notice_fact *facts, size_t count,
                                struct str subject, struct str text, struct str footer,
                                struct buf *html);

#endif
