/* SPDX-License-Identifier: Apache-2.0 */
#include "api/rules_form.h"

#include "api/object.h"

enum { RATE_TEXT_MAX = 32, WORD_MAX = 16 };

/* --- breaker, health_rules */
struct part {
    const char *name;
    int32_t *value;
    int64_t min, max;
};

static void read_ints(struct form *f, const struct part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t value;

        if (form_int(f, parts[i].name, false, parts[i].min, parts[i].max, &value)) {
            *parts[i].value = (int32_t)value;
        }
    }
}

static void read_breaker(struct form *f, struct health_rules *rules)
{
    struct health_rules fresh = health_rules_none;
    const struct part parts[] = {
        { "threshold_percent", &fresh.threshold_percent, 1, 99 },
        { "window", &fresh.window, RULES_WINDOW_MIN, RULES_WINDOW_MAX },
        { "open_s", &fresh.open_s, 1, RULES_OPEN_MAX_S },
    };
    const struct json *object;
    struct form part;
    bool is_null;
    bool enabled;

    if (!object_field(f, "breaker", &is_null)) {
        return;
    }
    if (!is_null && form_object(f, "breaker", false, &object)) {
        form_begin(&part, object, form_pointer(f, "breaker"), f->faults);
        if (form_bool(&part, "enabled", false, &enabled)) {
            fresh.breaker_enabled = enabled;
        }
        read_ints(&part, parts, sizeof(parts) / sizeof(parts[0]));
        form_end(&part);
    }
    rules->breaker_enabled = fresh.breaker_enabled;
    rules->threshold_percent = fresh.threshold_percent;
    rules->window = fresh.window;
    rules->open_s = fresh.open_s;
}

static void read_health(struct form *f, struct health_rules *rules)
{
    struct health_rules fresh = health_rules_none;
    const struct part parts[] = {
        { "failing_after", &fresh.failing_after, 0, RULES_FAILURES_MAX },
        { "pause_after", &fresh.pause_after, 0, RULES_FAILURES_MAX },
        { "exhausted", &fresh.exhausted, 0, RULES_EXHAUSTED_MAX },
        { "exhausted_period_s", &fresh.exhausted_period_s, 1, RULES_EXHAUSTED_PERIOD_MAX_S },
        { "stale_days", &fresh.stale_days, 0, RULES_STALE_DAYS_MAX },
    };
    const struct json *object;
    struct form part;
    bool is_null;

    if (!object_field(f, "health_rules", &is_null)) {
        return;
    }
    if (!is_null && form_object(f, "health_rules", false, &object)) {
        form_begin(&part, object, form_pointer(f, "health_rules"), f->faults);
        read_ints(&part, parts, sizeof(parts) / sizeof(parts[0]));
        form_end(&part);
    }
    rules->failing_after = fresh.failing_after;
    rules->pause_after = fresh.pause_after;
    rules->exhausted = fresh.exhausted;
    rules->exhausted_period_s = fresh.exhausted_period_s;
    rules->stale_days = fresh.stale_days;
}

void rules_health_read(struct form *f, struct health_rules *rules)
{
    read_breaker(f, rules);
    read_health(f, rules);
}

static void put_set(struct json_out *o, const char *name, int32_t value)
{
    if (value >= 0) {
        json_put_int(o, name, value);
    }
}

/* What is inherited is left out; a part that inherits everything is null. */
void rules_health_write(struct json_out *o, const struct health_rules *rules)
{
    json_out_name(o, "breaker");
    if (rules->breaker_enabled < 0 && rules->threshold_percent < 0 && rules->window < 0 &&
        rules->open_s < 0) {
        json_out_null(o);
    } else {
        json_out_object(o);
        if (rules->breaker_enabled >= 0) {
            json_put_bool(o, "enabled", rules->breaker_enabled != 0);
        }
        put_set(o, "threshold_percent", rules->threshold_percent);
        put_set(o, "window", rules->window);
        put_set(o, "open_s", rules->open_s);
        json_out_object_end(o);
    }
    json_out_name(o, "health_rules");
    if (rules->failing_after < 0 && rules->pause_after < 0 && rules->exhausted < 0 &&
        rules->exhausted_period_s < 0 && rules->stale_days < 0) {
        json_out_null(o);
        return;
    }
    json_out_object(o);
    put_set(o, "failing_after", rules->failing_after);
    put_set(o, "pause_after", rules->pause_after);
    put_set(o, "exhausted", rules->exhausted);
    put_set(o, "exhausted_period_s", rules->exhausted_period_s);
    put_set(o, "stale_days", rules->stale_days);
    json_out_object_end(o);
}

/* --- rate_limit */
int rules_rate_parse(struct str text, struct core_rate *ret_rate)
{
    static const struct {
        const char *word;
        int64_t ms;
    } units[] = { { "second", 1000 },
                  { "minute", 60 * 1000 },
                  { "hour", 3600 * 1000 },
                  { "day", 86400000 } };
    size_t slash = str_find(text, '/');
    int64_t requests = 0;
    size_t at = 0;

    for (; at < slash && text.p[at] >= '0' && text.p[at] <= '9'; at++) {
        requests = requests * 10 + (text.p[at] - '0');
        if (requests > RULES_RATE_MAX) {
            return -E_INVALID;
        }
    }
    if (at == 0 || at != slash || slash >= text.len || requests == 0) {
        return -E_INVALID;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (str_eq_c(str_sub(text, slash + 1, text.len), units[i].word)) {
            *ret_rate = (struct core_rate){ .requests = (uint32_t)requests,
                                            .burst = rate_burst_default((uint32_t)requests),
                                            .period_ms = units[i].ms };
            return 0;
        }
    }
    return -E_INVALID;
}

static void read_rate_object(struct form *f, const struct json *object, struct core_rate *rate)
{
    struct form part;
    int64_t requests;
    int64_t period_ms;
    int64_t burst;
    bool is_right;

    form_begin(&part, object, form_pointer(f, "rate_limit"), f->faults);
    is_right = form_int(&part, "requests", true, 1, RULES_RATE_MAX, &requests);
    is_right =
        form_int(&part, "period_ms", true, 1, RULES_RATE_PERIOD_MAX_MS, &period_ms) && is_right;
    if (is_right) {
        burst = rate_burst_default((uint32_t)requests);
        (void)form_int(&part, "burst", false, 1, requests, &burst);
        *rate = (struct core_rate){ .requests = (uint32_t)requests,
                                    .burst = (uint32_t)burst,
                                    .period_ms = period_ms };
    } else {
        (void)form_value(&part, "burst");
    }
    form_end(&part);
}

void rules_rate_read(struct form *f, struct core_rate *rate)
{
    const struct json *v;
    struct str text;
    bool is_null;

    if (!object_field(f, "rate_limit", &is_null)) {
        return;
    }
    v = form_value(f, "rate_limit");
    *rate = (struct core_rate){ .requests = 0 };
    if (is_null) {
        return;
    }
    if (json_type(v) == JSON_OBJECT) {
        read_rate_object(f, v, rate);
        return;
    }
    if (form_string(f, "rate_limit", false, 1, RATE_TEXT_MAX, &text) &&
        rules_rate_parse(text, rate) != 0) {
        form_fault(f->faults, form_pointer(f, "rate_limit"), "pattern",
                   "A rate is 100/second, /minute, /hour or /day, or requests and period_ms.");
    }
}

void rules_rate_write(struct json_out *o, const struct core_rate *rate)
{
    json_out_name(o, "rate_limit");
    if (rate->requests == 0) {
        json_out_null(o);
        return;
    }
    json_out_object(o);
    json_put_int(o, "requests", rate->requests);
    json_put_int(o, "period_ms", rate->period_ms);
    json_put_int(o, "burst", rate->burst);
    json_out_object_end(o);
}

/* --- ordered, on_failure */
void rules_order_read(struct form *f, enum core_ordered *ordered)
{
    bool is_ordered = *ordered != CORE_UNORDERED;
    bool skips = *ordered == CORE_ORDER_SKIP;
    struct str word;
    bool is_null;

    if (object_field(f, "ordered", &is_null)) {
        is_ordered = false;
        if (form_string(f, "ordered", false, 1, WORD_MAX, &word)) {
            is_ordered = str_eq_c(word, "endpoint");
            if (!is_ordered && !str_eq_c(word, "off")) {
                form_fault(f->faults, form_pointer(f, "ordered"), "pattern",
                           "This is off or endpoint.");
            }
        }
    }
    if (object_field(f, "on_failure", &is_null)) {
        skips = false;
        if (form_string(f, "on_failure", false, 1, WORD_MAX, &word)) {
            skips = str_eq_c(word, "skip");
            if (!skips && !str_eq_c(word, "block")) {
                form_fault(f->faults, form_pointer(f, "on_failure"), "pattern",
                           "This is block or skip.");
            }
        }
    }
    *ordered = !is_ordered ? CORE_UNORDERED : skips ? CORE_ORDER_SKIP : CORE_ORDER_BLOCK;
}

void rules_order_write(struct json_out *o, enum core_ordered ordered)
{
    json_put_c(o, "ordered", ordered == CORE_UNORDERED ? "off" : "endpoint");
    json_put_c(o, "on_failure", ordered == CORE_ORDER_SKIP ? "skip" : "block");
}
