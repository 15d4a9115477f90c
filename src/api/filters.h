/* SPDX-License-Identifier: Apache-2.0 */
/* filters.h - query parameters that narrow the logs: read and checked; a bad one is a fault
 * of the call. */
#ifndef API_FILTERS_H
#define API_FILTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/delivery.h"

struct call;
struct app;
struct endpoint;

/* RFC 3339 time, 0 when absent. */
int64_t filter_time(struct call *call, const char *name);
/* `type` by name: its number, 0 when absent, -1 when there is none of that name. A deleted
 * type is found too. */
int64_t filter_type(struct call *call);
/* `app` by id or slug. *ret_app NULL when absent; false: there is none. */
bool filter_app(struct call *call, struct app **ret_app);
/* `endpoint` by id, also a deleted one, of the call's app, or of its project when it has none.
 * *ret_endpoint NULL when absent; false: there is none. */
bool filter_endpoint(struct call *call, const struct endpoint **ret_endpoint);
/*
 * Several values with commas between. Types: their numbers, *ret_count 0 when absent; false:
 * only unknown ones. States: bits 1 << state, 0 when absent.
 */
bool filter_types(struct call *call, int64_t **ret_types, size_t *ret_count);
uint32_t filter_states(struct call *call);
/* `status`: a stored state, 0 when absent. */
int32_t filter_state(struct call *call);
/* `code`: an HTTP status, 0 when absent. */
int32_t filter_code(struct call *call);
/* `error`: a token's number, 0 when absent. */
int32_t filter_error(struct call *call);
/* `archived`: as in struct delivery_query, 0 when absent. */
int32_t filter_archived(struct call *call);

#endif
