/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/keyring.h"

static const char request_headers[] =
    "Content-Type: application/json\r\nUser-Agent: Postern/0\r\nAccept-Encoding: identity\r\n"
    "webhook-id: evt_0351qkmGQu2eQL1UsZ82az\r\nwebhook-timestamp: 1795327521\r\n"
    "webhook-signature: v1,12NnToOSuHLGEUAx7SNH8eDXNEuJm/0V7oJ2hviRFgQ=\r\n"
    "Postern-Signature: "
    "t=1795327521,v1=9ed594265e87c4ffd98b78df05aa9621f8bdbcee9a2dc7d2f579ca74b0e6f1bf\r\n"
    "Postern-Webhook-Id: dlv_0351qkmGQu2eQL1UsZ82b0\r\nPostern-Event-Type: user.created\r\n"
    "Postern-Delivery-Id: dlv_0351qkmGQu2eQL1UsZ82b0\r\nPostern-Attempt: 1\r\n";

void rows_fill(struct bench_rows *r, struct id_maker *ids, int64_t app, struct str body,
               int64_t key_number)
{
    int64_t now = clock_wall_ms();

    memset(r, 0, sizeof(*r));
    r->delivery = (struct delivery_row){ .id = id_make(ids, now),
                                         .app = app,
                                         .endpoint = app,
                                         .type = 1,
                                         .state = DELIVERY_PENDING,
                                         .created_at = now };
    r->publish.event = (struct event_row){ .id = id_make(ids, now),
                                           .app = app,
                                           .type = 1,
                                           .occurred_at = now,
                                           .accepted_at = now,
                                           .body = body,
                                           .delivery_count = 1,
                                           .sent_count = 1 };
    r->publish.deliveries = &r->delivery;
    if (key_number >= 0) {
        int n = snprintf(r->key, sizeof(r->key), "bench-%lld", (long long)key_number);

        r->publish.keys[0] = (struct idem_key){ IDEM_HEADER, { r->key, (size_t)n } };
        r->publish.key_count = 1;
        sha256(body, r->publish.body_hash);
    }
}

void rows_outcome(struct bench_rows *r)
{
    int64_t now = clock_wall_ms();

    r->outcome = (struct outcome){
        .attempt = { .delivery = r->delivery.seq,
                     .number = 1,
                     .started_at = now,
                     .duration_us = 500,
                     .status_code = 200,
                     .phase_us = { 0, -1, -1, 400, 100 },
                     .url = STR("http://127.0.0.1:9000/bench"),
                     .ip = STR("127.0.0.1"),
                     .request_headers = str_from(request_headers),
                     .response_headers = STR("Content-Length: 2\r\n"),
                     .response_body = STR("ok") },
        .delivery = r->delivery,
        .was_open = true,
        .is_first = true,
    };
    r->outcome.delivery.state = DELIVERY_DELIVERED;
    r->outcome.delivery.attempt_count = 1;
    r->outcome.delivery.ended_at = now;
    r->outcome.delivery.last_code = 200;
}
