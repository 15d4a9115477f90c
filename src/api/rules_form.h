/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules_form.h - the rules of health, rate and order (engine/rules.h) as fields of endpoints, projects and
 * apps. A field that is absent keeps its value; null is the default again; an object is the whole new value.
 */
#ifndef API_RULES_FORM_H
#define API_RULES_FORM_H

#include "engine/rules.h"
#include "json/form.h"
#include "json/json.h"

/* "breaker" and "health_rules". */
void rules_health_read(struct form *f, struct health_rules *rules);
void rules_health_write(struct json_out *o, const struct health_rules *rules);
/* "rate_limit": {requests, period_ms, burst?} or "100/minute". */
void rules_rate_read(struct form *f, struct core_rate *rate);
void rules_rate_write(struct json_out *o, const struct core_rate *rate);
/* "ordered" and "on_failure". */
void rules_order_read(struct form *f, enum core_ordered *ordered);
void rules_order_write(struct json_out *o, enum core_ordered ordered);
/* "100/minute", "5/second", "1000/hour", "1/day". Pure. */
NODISCARD int rules_rate_parse(struct str text, struct core_rate *ret_rate);

#endif
