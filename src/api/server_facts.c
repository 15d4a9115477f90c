/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_facts.c - GET /api/v1/server: what a form or a receiver's code needs to know of this server, such as
 * the prefix of its headers and what the retry presets mean.
 */
#include "api/api_internal.h"
#include "api/handlers.h"
#include "core/retry.h"

static void put_preset(struct json_out *o, enum retry_preset preset)
{
    struct retry_policy policy;
    const char *name = retry_preset_name(preset);

    if (retry_preset(str_from(name), &policy) != 0) {
        return;
    }
    json_out_object(o);
    json_put_c(o, "name", name);
    json_put_int(o, "max_attempts", policy.max_attempts);
    json_out_name(o, "delays_s");
    json_out_array(o);
    for (uint8_t i = 0; i < policy.delay_count; i++) {
        json_out_int(o, policy.delays_s[i]);
    }
    json_out_array_end(o);
    json_out_object_end(o);
}

void server_facts(struct call *call)
{
    const struct api_options *options = &call->api->options;
    struct json_out *o = call_json(call);

    json_out_object(o);
    json_put_c(o, "version", POSTERN_VERSION);
    json_put_str(o, "header_prefix", options->header_prefix);
    json_put_c(o, "secret_reveal", options->reveals_secrets ? "reauth" : "never");
    json_put_int(o, "endpoint_timeout_ms", options->endpoint_timeout_ms);
    json_out_name(o, "retry_presets");
    json_out_array(o);
    for (int preset = RETRY_DEFAULT; preset < RETRY_CUSTOM; preset++) {
        put_preset(o, (enum retry_preset)preset);
    }
    json_out_array_end(o);
    json_out_object_end(o);
    call_reply(call, 200);
}
