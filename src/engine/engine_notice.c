/* SPDX-License-Identifier: Apache-2.0 */
/* engine_notice.c - what of sending people must be told. */
#include "egress/token.h"
#include "engine/engine_internal.h"
#include "engine/notice.h"

void engine_notice_failed(struct engine *e, const struct attempt *a,
                          const struct endpoint *endpoint)
{
    const struct delivery_row *d = &a->outcome.delivery;
    const struct event_type *type = registry_type_no(e->options.registry, a->type);
    int64_t accepted = engine_wall(e, a->start.delivery.accepted);

    notice_raise(e->options.notices,
                 &(struct notice){ .kind = NOTICE_DELIVERY_EXHAUSTED,
                                   .app = endpoint->app,
                                   .endpoint = endpoint,
                                   .event = &a->event,
                                   .delivery = &a->delivery,
                                   .event_type = type == NULL ? STR_NONE : type->object.slug,
                                   .detail = str_from(token_sentence(d->last_error)),
                                   .count = d->attempt_count,
                                   .since = accepted });
}

void engine_notice_disabled(struct engine *e, const struct endpoint *endpoint,
                            enum core_disable why)
{
    static const char *const details[] = {
        [CORE_DISABLE_GONE] = "it answered 410 Gone",
        [CORE_DISABLE_FAILURES] = "too many attempts in a row failed",
        [CORE_DISABLE_EXHAUSTED] = "too many deliveries were exhausted",
    };
    bool is_pause = why == CORE_DISABLE_FAILURES;

    notice_raise(
        e->options.notices,
        &(struct notice){ .kind = is_pause ? NOTICE_AUTO_PAUSED : NOTICE_ENDPOINT_DISABLED,
                          .app = endpoint->app,
                          .endpoint = endpoint,
                          .detail = str_from(details[why]),
                          .count = is_pause ? endpoint->failures : 0 });
}
