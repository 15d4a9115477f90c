/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages.h - the pages inside the binary: dashboard, portal, docs (made from web/ at build time).
 *
 * They stand outside the table of routes: a path is asked for here when no route fits it. Every
 * asset is compressed once, at build time; a client that does not take gzip gets it inflated.
 */
#ifndef API_PAGES_H
#define API_PAGES_H

#include <stdbool.h>

struct call;

enum { PAGES_INFLATED_MAX = 4 * 1024 * 1024 };

/* True when the path names an asset, a page of the docs, or a place inside the application (then
 * the call is answered: 200 or 304 for GET and HEAD, 405 for others). */
bool pages_reply(struct call *call);

/* The shell, when a browser asked for a page (Accept: text/html) at a path that is also the API's;
 * true: answered. */
bool pages_shell(struct call *call);

#endif
