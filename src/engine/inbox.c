/* SPDX-License-Identifier: Apache-2.0 */
/* inbox.c - the last requests of each test inbox, in memory. */
#include "engine/inbox.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/list.h"
#include "base/map.h"
#include "base/random.h"

struct item {
    struct list_node node;
    struct inbox_request request; /* strings are copies */
};

struct box {
    struct list_node node; /* by last use, oldest first */
    struct str token;
    struct list items; /* newest first */
    struct inbox_behaviour behaviour;
};

static const struct inbox_behaviour plain = { .status = 200 };

struct inbox {
    struct map boxes;
    struct list order;
    size_t bytes;
};

struct inbox *inbox_new(void)
{
    struct inbox *box = xalloc(sizeof(*box));

    map_init(&box->boxes);
    list_init(&box->order);
    return box;
}

static void str_free(struct str s)
{
    free((void *)(uintptr_t)s.p);
}

static size_t item_bytes(const struct item *item)
{
    return sizeof(*item) + item->request.headers.len + item->request.body.len;
}

static void item_drop(struct inbox *inbox, struct box *b, struct item *item)
{
    inbox->bytes -= item_bytes(item);
    list_remove(&b->items, &item->node);
    str_free(item->request.headers);
    str_free(item->request.body);
    str_free(item->request.event_type);
    str_free(item->request.delivery_id);
    free(item);
}

static void box_drop(struct inbox *inbox, struct box *b)
{
    struct list_node *n;

    while ((n = list_first(&b->items)) != NULL) {
        item_drop(inbox, b, CONTAINER_OF(n, struct item, node));
    }
    (void)map_remove(&inbox->boxes, b->token);
    list_remove(&inbox->order, &b->node);
    str_free(b->token);
    free(b);
}

void inbox_free(struct inbox *inbox)
{
    struct list_node *n;

    if (inbox == NULL) {
        return;
    }
    while ((n = list_first(&inbox->order)) != NULL) {
        box_drop(inbox, CONTAINER_OF(n, struct box, node));
    }
    map_done(&inbox->boxes);
    free(inbox);
}

bool inbox_token_valid(struct str token)
{
    if (token.len < INBOX_TOKEN_MIN || token.len > INBOX_TOKEN_MAX) {
        return false;
    }
    for (size_t i = 0; i < token.len; i++) {
        char c = token.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              c == '_' || c == '-')) {
            return false;
        }
    }
    return true;
}

static struct box *box_get(struct inbox *inbox, struct str token)
{
    struct box *b = map_get(&inbox->boxes, token);

    if (b != NULL) {
        list_remove(&inbox->order, &b->node);
        list_push_back(&inbox->order, &b->node);
        return b;
    }
    if (inbox->order.count == INBOX_TOKENS_MAX) {
        box_drop(inbox, CONTAINER_OF(list_first(&inbox->order), struct box, node));
    }
    b = xalloc(sizeof(*b));
    b->token = xstr(token);
    b->behaviour = plain;
    list_init(&b->items);
    list_push_back(&inbox->order, &b->node);
    (void)map_put(&inbox->boxes, b->token, b);
    return b;
}

int inbox_receive(struct inbox *inbox, struct str token, const struct inbox_request *request)
{
    struct box *b;
    struct item *item;

    if (!inbox_token_valid(token)) {
        return 404;
    }
    b = box_get(inbox, token);
    if (b->items.count == INBOX_REQUESTS_MAX) {
        item_drop(inbox, b, CONTAINER_OF(b->items.head.prev, struct item, node));
    }
    item = xalloc(sizeof(*item));
    item->request = *request;
    item->request.headers = xstr(request->headers);
    item->request.body = xstr(request->body);
    item->request.event_type = xstr(request->event_type);
    item->request.delivery_id = xstr(request->delivery_id);
    list_push_front(&b->items, &item->node);
    inbox->bytes += item_bytes(item);
    while (inbox->bytes > INBOX_BYTES_MAX && inbox->order.count > 1) {
        box_drop(inbox, CONTAINER_OF(list_first(&inbox->order), struct box, node));
    }
    return random_u64() % 100 < b->behaviour.failure_percent ? 500 : b->behaviour.status;
}

void inbox_set_behaviour(struct inbox *inbox, struct str token,
                         const struct inbox_behaviour *behaviour)
{
    ASSERT(inbox_token_valid(token));
    box_get(inbox, token)->behaviour = *behaviour;
}

struct inbox_behaviour inbox_behaviour(const struct inbox *inbox, struct str token)
{
    const struct box *b = map_get(&inbox->boxes, token);

    return b == NULL ? plain : b->behaviour;
}

void inbox_clear(struct inbox *inbox, struct str token)
{
    struct box *b = map_get(&inbox->boxes, token);
    struct list_node *n;

    while (b != NULL && (n = list_first(&b->items)) != NULL) {
        item_drop(inbox, b, CONTAINER_OF(n, struct item, node));
    }
}

const struct inbox_request *inbox_at(const struct inbox *inbox, struct str token, size_t index)
{
    struct box *b = map_get(&inbox->boxes, token);
    struct list_node *n;

    if (b == NULL || index >= b->items.count) {
        return NULL;
    }
    n = list_first(&b->items);
    while (index-- > 0) {
        n = n->next;
    }
    return &CONTAINER_OF(n, struct item, node)->request;
}
