/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub.c - one ring per watched project, one place in it per client.
 *
 * Publishing marks the ring; at the end of the turn its clients walk over what they do not want,
 * and those that find something are woken. So a turn that stores a thousand outcomes wakes a
 * client once.
 */
#include "engine/hub.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/map.h"
#include "json/json.h"
#include "net/loop.h"

enum { HUB_TICK_DATA_MAX = 512 };

struct hub_entry {
    struct hub_message message; /* data is owned */
};

/* What an app did in this second. */
struct hub_app {
    int64_t no;
    struct id id;
    uint32_t taken[HUB_TOPIC_COUNT];
    uint32_t skipped[HUB_TOPIC_COUNT];
    uint64_t counts[HUB_COUNTS];
    bool is_watched;
};

struct hub_ring {
    int64_t project;
    struct list clients;
    struct hub_entry entries[HUB_RING_MESSAGES];
    size_t first, count;
    size_t bytes;
    int64_t lost_id; /* the newest message that is not in the ring any more */
    bool is_dirty;
    int64_t left_at; /* boot ms when the last client left */
    uint32_t taken;  /* sampled messages in this second */
    struct map apps; /* no -> struct hub_app */
};

struct hub {
    struct loop *loop;
    struct loop_after after;
    struct loop_timer timer;
    struct map rings; /* project -> struct hub_ring */
    int64_t last_id;
    size_t clients;
    bool is_dirty;
};

static const char *const topic_names[HUB_TOPIC_COUNT] = {
#define HUB_NAME(name, text) text,
    HUB_TOPICS(HUB_NAME)
#undef HUB_NAME
};

static struct str key_of(const int64_t *key)
{
    return (struct str){ (const char *)key, sizeof(*key) };
}

static struct hub_ring *ring_of(const struct hub *hub, int64_t project)
{
    return hub == NULL || hub->rings.count == 0 ? NULL : map_get(&hub->rings, key_of(&project));
}

unsigned hub_topic_parse(struct str name)
{
    for (unsigned i = 0; i < HUB_TOPIC_COUNT; i++) {
        if (str_eq_c(name, topic_names[i])) {
            return 1u << i;
        }
    }
    return 0;
}

static unsigned topic_index(enum hub_topic topic)
{
    unsigned i = 0;

    while (i < HUB_TOPIC_COUNT && (1u << i) != (unsigned)topic) {
        i++;
    }
    ASSERT(i < HUB_TOPIC_COUNT);
    return i;
}

const char *hub_topic_name(enum hub_topic topic)
{
    return topic_names[topic_index(topic)];
}

/* --- The ring ----------------------------------------------------------------------------- */

static struct hub_message *ring_at(struct hub_ring *r, size_t i)
{
    ASSERT(i < r->count);
    return &r->entries[(r->first + i) % HUB_RING_MESSAGES].message;
}

static void ring_drop_first(struct hub_ring *r)
{
    struct hub_message *m = ring_at(r, 0);

    r->lost_id = m->id;
    r->bytes -= m->data.len;
    free((void *)(uintptr_t)m->data.p);
    r->first = (r->first + 1) % HUB_RING_MESSAGES;
    r->count--;
}

static void ring_forget_apps(struct hub_ring *r)
{
    struct hub_app *app;
    size_t at = 0;

    while ((app = map_next(&r->apps, &at)) != NULL) {
        free(app);
    }
    map_done(&r->apps);
    map_init(&r->apps);
}

static void ring_free(struct hub_ring *r)
{
    ASSERT(list_empty(&r->clients));
    while (r->count > 0) {
        ring_drop_first(r);
    }
    ring_forget_apps(r);
    map_done(&r->apps);
    free(r);
}

static struct hub_ring *ring_make(struct hub *hub, int64_t project)
{
    struct hub_ring *r = xalloc(sizeof(*r));

    r->project = project;
    r->lost_id = hub->last_id;
    list_init(&r->clients);
    map_init(&r->apps);
    (void)map_put(&hub->rings, key_of(&r->project), r);
    return r;
}

static void ring_add(struct hub *hub, struct hub_ring *r, const struct hub_message *message)
{
    struct hub_message *m;

    while (r->count == HUB_RING_MESSAGES ||
           (r->count > 0 && r->bytes + message->data.len > HUB_RING_BYTES)) {
        ring_drop_first(r);
    }
    r->count++;
    m = ring_at(r, r->count - 1);
    *m = *message;
    m->id = ++hub->last_id;
    m->data = xstr(message->data);
    r->bytes += m->data.len;
    r->is_dirty = true;
    hub->is_dirty = true;
    loop_wake(hub->loop);
}

/* --- Publishing --------------------------------------------------------------------------- */

bool hub_listens(const struct hub *hub, int64_t project)
{
    return ring_of(hub, project) != NULL;
}

/* Beyond the limit the apps of a second share one account, without a name. */
static struct hub_app *ring_app(struct hub_ring *r, int64_t no, const struct id *id)
{
    struct hub_app *app = map_get(&r->apps, key_of(&no));

    if (app == NULL && r->apps.count >= HUB_APPS_MAX) {
        no = 0;
        app = map_get(&r->apps, key_of(&no));
    }
    if (app == NULL) {
        app = xalloc(sizeof(*app));
        app->no = no;
        app->id = *id;
        (void)map_put(&r->apps, key_of(&app->no), app);
    }
    return app;
}

bool hub_take(struct hub *hub, enum hub_topic topic, int64_t project, int64_t app,
              const struct id *app_id)
{
    struct hub_ring *r = ring_of(hub, project);
    unsigned at = topic_index(topic);
    struct hub_app *a;

    if (r == NULL) {
        return false;
    }
    a = ring_app(r, app, app_id);
    if (a->taken[at] >= HUB_RATE_APP || r->taken >= HUB_RATE_PROJECT) {
        a->skipped[at]++;
        return false;
    }
    a->taken[at]++;
    r->taken++;
    return true;
}

void hub_publish(struct hub *hub, const struct hub_message *message)
{
    struct hub_ring *r = ring_of(hub, message->project);

    if (r != NULL && message->data.len <= HUB_DATA_MAX) {
        ring_add(hub, r, message);
    }
}

void hub_add(struct hub *hub, enum hub_count what, uint32_t n, int64_t project, int64_t app,
             const struct id *app_id)
{
    struct hub_ring *r = ring_of(hub, project);

    if (r != NULL) {
        ring_app(r, app, app_id)->counts[what] += n;
    }
}

/* --- The end of a second ------------------------------------------------------------------ */

struct tick {
    struct hub *hub;
    struct hub_ring *ring;
    struct buf text;
    struct hub_app rest; /* the sum of those that get no message of their own */
};

static void tick_sum(struct hub_app *sum, const struct hub_app *app)
{
    for (unsigned i = 0; i < HUB_COUNTS; i++) {
        sum->counts[i] += app->counts[i];
    }
    for (unsigned i = 0; i < HUB_TOPIC_COUNT; i++) {
        sum->skipped[i] += app->skipped[i];
    }
}

static void tick_publish(struct tick *t, const struct hub_app *app)
{
    static const char *const names[HUB_COUNTS] = { "accepted", "attempts", "delivered",
                                                   "failed" };
    unsigned topics = (unsigned)HUB_STATS | (app->counts[HUB_ACCEPTED] > 0 ? HUB_EVENTS : 0u);
    struct json_out o;
    char id[ID_TEXT_SIZE];
    int64_t skipped = 0;

    buf_clear(&t->text);
    json_out_begin(&o, &t->text);
    json_out_object(&o);
    id_format(ID_APP, &app->id, id);
    json_put_c(&o, "app_id", app->no == 0 ? NULL : id);
    for (unsigned i = 0; i < HUB_COUNTS; i++) {
        json_put_int(&o, names[i], (int64_t)app->counts[i]);
    }
    for (unsigned i = 0; i < HUB_TOPIC_COUNT; i++) {
        skipped += app->skipped[i];
        topics |= app->skipped[i] > 0 ? 1u << i : 0u;
    }
    json_put_int(&o, "skipped", skipped);
    json_out_object_end(&o);
    if (json_out_end(&o) == 0) {
        ring_add(t->hub, t->ring,
                 &(struct hub_message){ .topic = (enum hub_topic)topics,
                                        .project = t->ring->project,
                                        .app = app->no,
                                        .type = "counted",
                                        .data = buf_str(&t->text) });
    }
}

/* With many apps only those that have a client of their own are told apart. */
static void ring_watch_apps(struct hub_ring *r)
{
    struct list_node *n = list_first(&r->clients);

    for (; n != NULL; n = list_next(&r->clients, n)) {
        const struct hub_client *c = CONTAINER_OF(n, struct hub_client, node);
        struct hub_app *app = map_get(&r->apps, key_of(&c->app));

        if (app != NULL) {
            app->is_watched = true;
        }
    }
}

static void tick_ring(struct hub *hub, struct hub_ring *r)
{
    bool is_crowd = r->apps.count > HUB_TICK_APPS;
    struct tick t = { .hub = hub, .ring = r };
    struct hub_app *app;
    size_t at = 0;

    r->taken = 0;
    if (r->apps.count == 0) {
        return;
    }
    buf_init(&t.text, HUB_TICK_DATA_MAX);
    ring_watch_apps(r);
    while ((app = map_next(&r->apps, &at)) != NULL) {
        if (is_crowd && !app->is_watched) {
            tick_sum(&t.rest, app);
        } else {
            tick_publish(&t, app);
        }
    }
    if (is_crowd) {
        tick_publish(&t, &t.rest);
    }
    buf_done(&t.text);
    ring_forget_apps(r);
}

void hub_tick(struct hub *hub, int64_t boot_ms)
{
    struct hub_ring *r;
    size_t at = 0;

    while ((r = map_next(&hub->rings, &at)) != NULL) {
        if (list_empty(&r->clients) && boot_ms - r->left_at >= HUB_LINGER_MS) {
            (void)map_remove(&hub->rings, key_of(&r->project));
            ring_free(r);
            continue;
        }
        tick_ring(hub, r);
    }
}

static void on_timer(struct loop_timer *t)
{
    struct hub *hub = t->ctx;
    int64_t now = clock_boot_ms();

    hub_tick(hub, now);
    if (hub->rings.count > 0) {
        loop_timer_set(hub->loop, t, now + HUB_TICK_MS);
    }
}

/* --- Watching ----------------------------------------------------------------------------- */

static bool client_wants(const struct hub_client *c, const struct hub_message *m)
{
    return (c->topics & (unsigned)m->topic) != 0 && (c->app == 0 || c->app == m->app) &&
           (c->endpoint == 0 || c->endpoint == m->endpoint);
}

/* The index of the first message from id on. */
static size_t ring_find(struct hub_ring *r, int64_t id)
{
    size_t low = 0;
    size_t high = r->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (ring_at(r, mid)->id >= id) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return low;
}

/* The message that the client gets next, or NULL; goes over what it does not want. */
static struct hub_message *client_seek(struct hub *hub, struct hub_client *c)
{
    struct hub_ring *r = c->ring;

    if (c->next <= r->lost_id) {
        c->is_reset = true;
        c->next = hub->last_id + 1;
    }
    for (size_t i = ring_find(r, c->next); i < r->count; i++) {
        struct hub_message *m = ring_at(r, i);

        if (client_wants(c, m)) {
            c->next = m->id;
            return m;
        }
    }
    c->next = hub->last_id + 1;
    return NULL;
}

void hub_join(struct hub *hub, struct hub_client *client, int64_t after_id)
{
    struct hub_ring *r = ring_of(hub, client->project);

    ASSERT(!list_linked(&client->node) && client->on_wake != NULL);
    if (r == NULL) {
        r = ring_make(hub, client->project);
    }
    client->ring = r;
    client->next = after_id > 0 ? after_id + 1 : hub->last_id + 1;
    client->is_reset = after_id > hub->last_id;
    client->is_woken = false;
    if (client->is_reset) {
        client->next = hub->last_id + 1;
    }
    list_push_back(&r->clients, &client->node);
    hub->clients++;
    if (hub->timer.heap.at == 0) {
        loop_timer_set(hub->loop, &hub->timer, clock_boot_ms() + HUB_TICK_MS);
    }
    r->is_dirty = true;
    hub->is_dirty = true;
    loop_wake(hub->loop);
}

void hub_leave(struct hub *hub, struct hub_client *client)
{
    struct hub_ring *r = client->ring;

    if (r == NULL) {
        return;
    }
    list_remove(&r->clients, &client->node);
    client->ring = NULL;
    hub->clients--;
    if (list_empty(&r->clients)) {
        r->left_at = clock_boot_ms();
    }
}

enum hub_got hub_next(struct hub *hub, struct hub_client *client, struct hub_message *ret)
{
    struct hub_message *m;

    ASSERT(client->ring != NULL);
    m = client_seek(hub, client);
    if (client->is_reset) {
        client->is_reset = false;
        *ret = (struct hub_message){ .project = client->project, .id = client->next - 1 };
        return HUB_RESET;
    }
    if (m == NULL) {
        client->is_woken = false;
        return HUB_NOTHING;
    }
    client->next = m->id + 1;
    *ret = *m;
    return HUB_MESSAGE;
}

size_t hub_clients(const struct hub *hub)
{
    return hub->clients;
}

static void ring_wake(struct hub *hub, struct hub_ring *r)
{
    struct list_node *n = list_first(&r->clients);

    r->is_dirty = false;
    while (n != NULL) {
        struct hub_client *c = CONTAINER_OF(n, struct hub_client, node);

        n = list_next(&r->clients, n); /* on_wake may leave */
        if (!c->is_woken && (client_seek(hub, c) != NULL || c->is_reset)) {
            c->is_woken = true;
            c->on_wake(c);
        }
    }
}

static void on_turn(struct loop_after *a)
{
    struct hub *hub = a->ctx;
    struct hub_ring *r;
    size_t at = 0;

    if (!hub->is_dirty) {
        return;
    }
    hub->is_dirty = false;
    while ((r = map_next(&hub->rings, &at)) != NULL) {
        if (r->is_dirty) {
            ring_wake(hub, r);
        }
    }
}

/* --- Life --------------------------------------------------------------------------------- */

int hub_new(struct loop *loop, struct hub **ret_hub)
{
    struct hub *hub = xalloc(sizeof(*hub));

    hub->loop = loop;
    hub->last_id = clock_wall_ms() * 1000;
    map_init(&hub->rings);
    hub->after = (struct loop_after){ .on_turn = on_turn, .ctx = hub };
    hub->timer = (struct loop_timer){ .on_due = on_timer, .ctx = hub };
    loop_after_add(loop, &hub->after);
    *ret_hub = hub;
    return 0;
}

void hub_free(struct hub *hub)
{
    struct hub_ring *r;
    size_t at = 0;

    if (hub == NULL) {
        return;
    }
    loop_after_remove(hub->loop, &hub->after);
    loop_timer_cancel(hub->loop, &hub->timer);
    while ((r = map_next(&hub->rings, &at)) != NULL) {
        ring_free(r);
    }
    map_done(&hub->rings);
    free(hub);
}
