/* SPDX-License-Identifier: Apache-2.0 */
/* api_internal.h - the api object; for the files of this floor only. */
#ifndef API_API_INTERNAL_H
#define API_API_INTERNAL_H

#include "api/api.h"
#include "api/call.h"
#include "base/list.h"
#include "engine/throttle.h"

enum {
    API_NAME_MAX = 256,
    API_TEXT_MAX = 2000, /* descriptions */
    API_METADATA_MAX = 50,
    API_METADATA_NAME_MAX = 64,
    API_METADATA_VALUE_MAX = 1024,
    API_PROJECTS_MAX = 1000,
    API_ADDRESS_FACTOR = 10,      /* tries to sign in per address, of those per account */
    API_KEYS_MAX = 1000,          /* of a project */
    API_EVENT_TYPES_MAX = 10000,  /* of a project */
    API_MAX_ENDPOINTS_MAX = 1000, /* what an app's max_endpoints may say */
    API_RETENTION_DAYS_MAX = 3650 /* what an app's retention_days may say */
};

struct type_schemas;

struct api {
    struct api_options options;
    struct http_server *http; /* for /metrics, NULL until it is known */
    bool is_draining;
    int64_t started_at;           /* wall ms */
    struct type_schemas *schemas; /* of event types, compiled */
    struct list creating;         /* calls whose new object is on its way to the store */
    struct throttle accounts;     /* tries to sign in, by account */
    struct throttle addresses;    /* the same by client address */
};

/* How many new objects of that kind are on their way (of that app, unless NULL). */
size_t api_creating(const struct api *api, enum config_kind kind, const struct app *app);

#endif
