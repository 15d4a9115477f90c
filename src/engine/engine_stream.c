/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_stream.c - what the live stream tells of deliveries: after the commit, sampled, and
 * nothing at all while nobody watches the project.
 */
#include "base/buf.h"
#include "egress/token.h"
#include "engine/engine_internal.h"
#include "engine/hub.h"
#include "json/json.h"

enum { STREAM_DATA_MAX = 2048 };

static void put_id(struct json_out *o, const char *name, enum id_kind kind, const struct id *id)
{
    char text[ID_TEXT_SIZE];

    id_format(kind, id, text);
    json_put_c(o, name, text);
}

static void put_delivery(struct engine *e, struct json_out *o, const struct delivery_row *d,
                         const struct endpoint *endpoint, const struct id *event)
{
    const struct event_type *type = registry_type_no(e->options.registry, d->type);

    json_out_object(o);
    put_id(o, "id", ID_DELIVERY, &d->id);
    put_id(o, "app_id", ID_APP, &endpoint->app->object.id);
    put_id(o, "endpoint_id", ID_ENDPOINT, &endpoint->object.id);
    if (event == NULL) {
        json_put_c(o, "event_id", NULL);
    } else {
        put_id(o, "event_id", ID_EVENT, event);
    }
    json_out_name(o, "event_type");
    if (type == NULL) {
        json_out_null(o);
    } else {
        json_out_str(o, type->object.slug);
    }
    json_put_c(o, "status", delivery_state_name(d->state));
    json_put_int(o, "attempt_count", d->attempt_count);
    json_put_time(o, "next_attempt_at", d->next_at);
    if (d->created_at != 0) {
        json_put_time(o, "created_at", d->created_at); /* an outcome does not know it */
    }
    json_put_time(o, "ended_at", d->ended_at);
    json_out_name(o, "status_code");
    if (d->last_code == 0) {
        json_out_null(o);
    } else {
        json_out_int(o, d->last_code);
    }
    json_put_c(o, "error", d->last_error == TOKEN_NONE ? NULL : token_name(d->last_error));
    json_out_name(o, "latency_ms");
    if (d->attempt_count == 0) {
        json_out_null(o);
    } else {
        json_out_int(o, d->last_ms);
    }
    json_out_object_end(o);
}

void stream_delivery(struct engine *e, const char *name, const struct delivery_row *d,
                     const struct id *event)
{
    const struct endpoint *endpoint = registry_endpoint_no(e->options.registry, d->endpoint);
    const struct app *app = endpoint == NULL ? NULL : endpoint->app;
    struct json_out o;
    struct buf text;

    if (app == NULL || !hub_take(e->options.hub, HUB_DELIVERIES, app->project->object.no,
                                 app->object.no, &app->object.id)) {
        return;
    }
    buf_init(&text, STREAM_DATA_MAX);
    json_out_begin(&o, &text);
    put_delivery(e, &o, d, endpoint, event);
    if (json_out_end(&o) == 0) {
        hub_publish(e->options.hub, &(struct hub_message){ .topic = HUB_DELIVERIES,
                                                           .project = app->project->object.no,
                                                           .app = app->object.no,
                                                           .endpoint = endpoint->object.no,
                                                           .type = name,
                                                           .data = buf_str(&text) });
    }
    buf_done(&text);
}

static void stream_count(struct engine *e, enum hub_count what, const struct app *app)
{
    if (app != NULL) {
        hub_add(e->options.hub, what, 1, app->project->object.no, app->object.no,
                &app->object.id);
    }
}

void stream_accepted(struct engine *e, const struct event_publish *p)
{
    const struct app *app = registry_app_no(e->options.registry, p->event.app);

    if (app == NULL || !hub_listens(e->options.hub, app->project->object.no)) {
        return;
    }
    stream_count(e, HUB_ACCEPTED, app);
    for (int32_t i = 0; i < p->event.delivery_count; i++) {
        stream_delivery(e, "delivery.created", &p->deliveries[i], &p->event.id);
    }
}

void stream_outcome(struct engine *e, const struct outcome *o, const struct id *event)
{
    const struct app *app = registry_app_no(e->options.registry, o->delivery.app);

    if (app == NULL || !hub_listens(e->options.hub, app->project->object.no)) {
        return;
    }
    if (o->attempt.number > 0) {
        stream_count(e, HUB_ATTEMPTS, app);
    }
    if (o->delivery.state == DELIVERY_DELIVERED) {
        stream_count(e, HUB_DELIVERED, app);
    } else if (o->delivery.state == DELIVERY_FAILED) {
        stream_count(e, HUB_FAILED, app);
    }
    if (!o->keeps_row) {
        stream_delivery(e, "delivery.updated", &o->delivery, event);
    }
}

void stream_endpoint(struct engine *e, const struct endpoint *endpoint)
{
    const struct app *app = endpoint->app;
    struct json_out o;
    struct buf text;

    if (!hub_listens(e->options.hub, app->project->object.no)) {
        return;
    }
    buf_init(&text, STREAM_DATA_MAX);
    json_out_begin(&o, &text);
    json_out_object(&o);
    put_id(&o, "id", ID_ENDPOINT, &endpoint->object.id);
    put_id(&o, "app_id", ID_APP, &app->object.id);
    json_put_c(&o, "status", endpoint_status_name(endpoint->status));
    json_put_int(&o, "version", endpoint->object.version);
    json_put_bool(&o, "deleted", endpoint->object.deleted_at != 0);
    json_out_object_end(&o);
    if (json_out_end(&o) == 0) {
        hub_publish(e->options.hub, &(struct hub_message){ .topic = HUB_ENDPOINTS,
                                                           .project = app->project->object.no,
                                                           .app = app->object.no,
                                                           .endpoint = endpoint->object.no,
                                                           .type = "endpoint.updated",
                                                           .data = buf_str(&text) });
    }
    buf_done(&text);
}
