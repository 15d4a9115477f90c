/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint_retry.c - the retry policy of an endpoint as JSON. */
#include "api/endpoint_form.h"
#include "api/object.h"
#include "base/assert.h"

static void default_policy(struct retry_policy *policy)
{
    int rc = retry_preset(STR("default"), policy);

    ASSERT(rc == 0);
}

/* [seconds before attempt 2, 3, ...] */
static void read_delays(struct form *f, const struct json *list, struct retry_policy *policy)
{
    struct json_iter it = json_iter(list);
    const struct json *v;
    size_t at = 0;

    if (json_count(list) > RETRY_DELAYS_MAX) {
        form_fault(f->faults, form_pointer(f, "schedule"), "too_long",
                   "At most %d delays are allowed.", (int)RETRY_DELAYS_MAX);
        return;
    }
    default_policy(policy);
    policy->preset = RETRY_CUSTOM;
    policy->max_age_s = 0;
    while ((v = json_next(&it, NULL)) != NULL) {
        int64_t seconds = 0;

        if (json_int(v, 0, RETRY_DELAY_MAX_S, &seconds) != 0) {
            form_fault(f->faults,
                       arena_printf(f->faults->arena, "%.*s/%zu",
                                    STR_ARG(form_pointer(f, "schedule")), at),
                       "range", "A delay is a whole number of seconds from 0 to %d.",
                       (int)RETRY_DELAY_MAX_S);
        }
        policy->delays_s[at++] = (uint32_t)seconds;
    }
    ASSERT(at <= RETRY_DELAYS_MAX);
    policy->delay_count = (uint8_t)at;
    policy->max_attempts = (uint8_t)(at + 1);
}

static void read_schedule(struct form *f, struct retry_policy *policy)
{
    const struct json *v = form_value(f, "schedule");

    if (v == NULL || json_type(v) == JSON_NULL) {
        return;
    }
    if (json_type(v) == JSON_ARRAY) {
        read_delays(f, v, policy);
        return;
    }
    if (json_type(v) != JSON_STRING || retry_preset(json_string(v), policy) != 0) {
        form_fault(
            f->faults, form_pointer(f, "schedule"), "pattern",
            "A schedule is default, platform, standard-webhooks, none, or a list of seconds.");
    }
}

static void read_on(struct form *f, struct retry_policy *policy)
{
    struct str on;

    if (form_string(f, "on", false, 1, API_NAME_MAX, &on) &&
        retry_on_parse(on, &policy->on) != 0) {
        form_fault(f->faults, form_pointer(f, "on"), "pattern",
                   "This is strict, seed003 or lenient.");
    }
}

/* The whole policy is given anew: what is absent in the object comes from the schedule's
 * preset. */
void endpoint_retry_read(struct form *f, struct retry_policy *policy)
{
    struct retry_policy fresh;
    const struct json *object;
    int64_t attempts, age, jitter;
    struct form part;
    bool is_null;

    if (!object_field(f, "retry", &is_null)) {
        return;
    }
    default_policy(&fresh);
    if (!is_null && form_object(f, "retry", false, &object)) {
        form_begin(&part, object, form_pointer(f, "retry"), f->faults);
        read_schedule(&part, &fresh);
        (void)form_bool(&part, "enabled", false, &fresh.enabled);
        if (form_int(&part, "max_attempts", false, 1, RETRY_ATTEMPTS_MAX, &attempts)) {
            fresh.max_attempts = (uint8_t)attempts;
        }
        if (form_int(&part, "max_age_s", false, 0, ENDPOINT_AGE_MAX_S, &age)) {
            fresh.max_age_s = (uint32_t)age;
        }
        if (form_int(&part, "jitter_percent", false, 0, RETRY_JITTER_MAX, &jitter)) {
            fresh.jitter_percent = (uint8_t)jitter;
        }
        read_on(&part, &fresh);
        form_end(&part);
    }
    *policy = fresh;
}

void endpoint_retry_write(struct json_out *o, const struct retry_policy *policy)
{
    json_out_object(o);
    json_put_bool(o, "enabled", policy->enabled);
    json_out_name(o, "schedule");
    if (policy->preset == RETRY_CUSTOM) {
        json_out_array(o);
        for (size_t i = 0; i < policy->delay_count; i++) {
            json_out_int(o, policy->delays_s[i]);
        }
        json_out_array_end(o);
    } else {
        json_out_c(o, retry_preset_name(policy->preset));
    }
    json_put_int(o, "max_attempts", policy->max_attempts);
    json_put_int(o, "max_age_s", policy->max_age_s);
    json_put_c(o, "on", retry_on_name(policy->on));
    json_put_int(o, "jitter_percent", policy->jitter_percent);
    json_out_object_end(o);
}
