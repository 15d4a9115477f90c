/* SPDX-License-Identifier: Apache-2.0 */
/* replay_view.h - a replay job as people see it. */
#ifndef API_REPLAY_VIEW_H
#define API_REPLAY_VIEW_H

struct call;
struct replay_row;

/* The answer. A spec that cannot be read leaves its members out. */
void replay_reply(struct call *call, int status, const struct replay_row *row);

#endif
