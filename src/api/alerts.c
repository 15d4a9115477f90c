/* SPDX-License-Identifier: Apache-2.0 */
/* alerts.c - GET /api/v1/alerts: each alert of the server, firing or not. For the operator: keys of project default. */
#include "api/api_internal.h"
#include "api/handlers.h"
#include "api/problem.h"
#include "engine/alert.h"

static void put_alert(struct call *call, struct json_out *o, const struct alert *alert)
{
    json_out_object(o);
    json_put_c(o, "name", alert->name);
    json_put_c(o, "severity", alert->severity);
    json_put_c(o, "state", alert->is_firing ? "firing" : "resolved");
    json_put_time(o, "since", alert->since);
    json_put_int(o, "value", alert->value);
    json_put_int(o, "threshold", alert->threshold);
    json_put_c(o, "description", alert->text);
    json_put_str(o, "runbook", arena_printf(call->arena, "docs/runbooks/%s.md", alert->name));
    json_out_object_end(o);
}

void alerts_list(struct call *call)
{
    const struct alerts *alerts = call->api->options.alerts;
    const struct alert *alert;
    struct json_out *o;

    if (call->project != registry_default_project(call->api->options.registry)) {
        problem_detail(call, -E_NOT_FOUND,
                       "Alerts are of the whole server: use a key of project default.");
        return;
    }
    o = call_json(call);
    json_out_object(o);
    json_out_name(o, "data");
    json_out_array(o);
    for (size_t i = 0; (alert = alerts_at(alerts, i)) != NULL; i++) {
        put_alert(call, o, alert);
    }
    json_out_array_end(o);
    json_put_time(o, "judged_at", alerts_judged_at(alerts));
    json_out_object_end(o);
    call_reply(call, 200);
}
