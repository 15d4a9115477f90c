/* SPDX-License-Identifier: Apache-2.0 */
/* replay_tell.c - what a job tells: its progress to the live stream, its end to people. */
#include "base/buf.h"
#include "engine/hub.h"
#include "engine/notice.h"
#include "engine/registry.h"
#include "engine/replay_internal.h"
#include "json/json.h"

enum { TELL_MAX = 1024 };

const char *replay_state_name(enum replay_state state)
{
    switch (state) {
    case REPLAY_QUEUED:
        return "queued";
    case REPLAY_RUNNING:
        return "running";
    case REPLAY_PAUSED:
        return "paused";
    case REPLAY_COMPLETED:
        return "completed";
    case REPLAY_CANCELLED:
        return "cancelled";
    case REPLAY_FAILED:
        return "failed";
    }
    return NULL;
}

static void put_id(struct json_out *o, const char *name, enum id_kind kind, const struct id *id)
{
    char text[ID_TEXT_SIZE];

    id_format(kind, id, text);
    json_put_c(o, name, text);
}

void job_tell(struct job *j, const char *type)
{
    struct hub *hub = j->replays->options.hub;
    const struct app *app = registry_app_no(j->replays->options.registry, j->row.app);
    struct json_out o;
    struct buf text;

    if (app == NULL || !hub_listens(hub, app->project->object.no)) {
        return;
    }
    buf_init(&text, TELL_MAX);
    json_out_begin(&o, &text);
    json_out_object(&o);
    put_id(&o, "id", ID_REPLAY, &j->row.id);
    put_id(&o, "app_id", ID_APP, &app->object.id);
    json_put_c(&o, "state", replay_state_name(j->row.state));
    json_put_int(&o, "total", j->row.total);
    json_put_int(&o, "processed", j->row.processed);
    json_put_int(&o, "replayed", j->row.replayed);
    json_put_int(&o, "skipped", j->row.skipped);
    json_put_int(&o, "failed", j->row.failed);
    json_out_object_end(&o);
    if (json_out_end(&o) == 0) {
        hub_publish(hub, &(struct hub_message){ .topic = HUB_JOBS,
                                                .project = app->project->object.no,
                                                .app = app->object.no,
                                                .type = type,
                                                .data = buf_str(&text) });
    }
    buf_done(&text);
}

void job_done_notice(struct job *j)
{
    const struct app *app = registry_app_no(j->replays->options.registry, j->row.app);
    char id[ID_TEXT_SIZE];
    struct notice notice = {
        .kind = NOTICE_REPLAY_DONE, .app = app, .count = j->row.replayed, .always = true
    };

    if (app == NULL || !replay_makes(j->row.mode)) {
        return;
    }
    id_format(ID_REPLAY, &j->row.id, id);
    notice.detail = str_from(id);
    if (j->spec.reason.len > 0) {
        notice.reason = arena_printf(&j->step, " (%.*s)", STR_ARG(j->spec.reason));
    }
    notice_raise(j->replays->options.notices, &notice);
    if (j->row.mode != REPLAY_MODE_IDS && j->row.replayed > 0) {
        notice.kind = NOTICE_BULK_REPLAYED;
        notice_raise(j->replays->options.notices, &notice);
    }
}
