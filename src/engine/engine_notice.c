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
                            const char *detail)
{
    notice_raise(e->options.notices, &(struct notice){ .kind = NOTICE_ENDPOINT_DISABLED,
                                                       .app = endpoint->app,
                                                       .endpoint = endpoint,
                                                       .detail = str_from(detail) });
}
