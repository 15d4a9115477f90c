/* SPDX-License-Identifier: Apache-2.0 */
/* The live stream's hub: who gets what, places in the ring, sampling. No waiting. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <string.h>

#include "engine/hub.h"
#include "net/loop.h"

enum { PROJECT = 7, APP = 11, OTHER_APP = 12, ENDPOINT = 21 };

struct rig {
    struct loop *loop;
    struct hub *hub;
    struct loop_after end;
    unsigned wakes;
};

static void on_end(struct loop_after *a)
{
    struct rig *rig = a->ctx;

    loop_stop(rig->loop);
}

static void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    assert_int_equal(loop_new(&rig->loop), 0);
    assert_int_equal(hub_new(rig->loop, &rig->hub), 0);
    rig->end = (struct loop_after){ .on_turn = on_end, .ctx = rig };
    loop_after_add(rig->loop, &rig->end);
}

static void rig_turn(struct rig *rig)
{
    loop_wake(rig->loop);
    assert_int_equal(loop_run(rig->loop), 0);
}

static void rig_done(struct rig *rig)
{
    hub_free(rig->hub);
    loop_free(rig->loop);
}

static void on_wake(struct hub_client *client)
{
    struct rig *rig = client->ctx;

    rig->wakes++;
}

static struct hub_client client_of(struct rig *rig, unsigned topics, int64_t app)
{
    return (struct hub_client){
        .topics = topics, .project = PROJECT, .app = app, .on_wake = on_wake, .ctx = rig
    };
}

static void publish(struct rig *rig, enum hub_topic topic, int64_t app, const char *data)
{
    hub_publish(rig->hub, &(struct hub_message){ .topic = topic,
                                                 .project = PROJECT,
                                                 .app = app,
                                                 .endpoint = app == 0 ? 0 : ENDPOINT,
                                                 .type = "x",
                                                 .data = str_from(data) });
}

static void got(struct rig *rig, struct hub_client *client, const char *data)
{
    struct hub_message m;

    assert_int_equal(hub_next(rig->hub, client, &m), HUB_MESSAGE);
    assert_true(str_eq_c(m.data, data));
}

static void got_nothing(struct rig *rig, struct hub_client *client)
{
    struct hub_message m;

    assert_int_equal(hub_next(rig->hub, client, &m), HUB_NOTHING);
}

static void test_filters(void **state)
{
    struct rig rig;
    struct hub_client all;
    struct hub_client bound;
    struct hub_client endpoint;
    struct hub_client foreign;

    (void)state;
    rig_init(&rig);
    all = client_of(&rig, HUB_ALL, 0);
    bound = client_of(&rig, HUB_DELIVERIES, APP);
    endpoint = client_of(&rig, HUB_ALL, 0);
    endpoint.endpoint = ENDPOINT;
    foreign = client_of(&rig, HUB_ALL, 0);
    foreign.project = PROJECT + 1;
    assert_false(hub_listens(rig.hub, PROJECT));
    hub_join(rig.hub, &all, 0);
    hub_join(rig.hub, &bound, 0);
    hub_join(rig.hub, &endpoint, 0);
    hub_join(rig.hub, &foreign, 0);
    assert_true(hub_listens(rig.hub, PROJECT));
    assert_int_equal(hub_clients(rig.hub), 4);
    publish(&rig, HUB_DELIVERIES, OTHER_APP, "1");
    publish(&rig, HUB_ENDPOINTS, APP, "2");
    publish(&rig, HUB_DELIVERIES, APP, "3");
    publish(&rig, HUB_NOTICES, 0, "4");
    rig_turn(&rig);
    assert_int_equal(rig.wakes, 3);
    got(&rig, &all, "1");
    got(&rig, &all, "2");
    got(&rig, &all, "3");
    got(&rig, &all, "4");
    got_nothing(&rig, &all);
    got(&rig, &bound, "3");
    got_nothing(&rig, &bound);
    got(&rig, &endpoint, "1");
    got(&rig, &endpoint, "2");
    got(&rig, &endpoint, "3");
    got_nothing(&rig, &endpoint);
    got_nothing(&rig, &foreign);
    /* Not woken for what it does not want. */
    publish(&rig, HUB_ENDPOINTS, APP, "5");
    rig_turn(&rig);
    assert_int_equal(rig.wakes, 5);
    got_nothing(&rig, &bound);
    hub_leave(rig.hub, &all);
    hub_leave(rig.hub, &bound);
    hub_leave(rig.hub, &endpoint);
    hub_leave(rig.hub, &foreign);
    hub_leave(rig.hub, &foreign);
    assert_int_equal(hub_clients(rig.hub), 0);
    rig_done(&rig);
}

static void test_resume(void **state)
{
    struct rig rig;
    struct hub_client client;
    struct hub_message m;
    int64_t first;

    (void)state;
    rig_init(&rig);
    client = client_of(&rig, HUB_ALL, 0);
    hub_join(rig.hub, &client, 0);
    publish(&rig, HUB_DELIVERIES, APP, "1");
    publish(&rig, HUB_DELIVERIES, APP, "2");
    assert_int_equal(hub_next(rig.hub, &client, &m), HUB_MESSAGE);
    first = m.id;
    hub_leave(rig.hub, &client);
    publish(&rig, HUB_DELIVERIES, APP, "3");
    hub_join(rig.hub, &client, first);
    got(&rig, &client, "2");
    got(&rig, &client, "3");
    got_nothing(&rig, &client);
    hub_leave(rig.hub, &client);
    /* Of an earlier process, and of none. */
    for (int i = 0; i < 2; i++) {
        hub_join(rig.hub, &client, i == 0 ? 1 : first + 1000000);
        rig_turn(&rig);
        assert_int_equal(hub_next(rig.hub, &client, &m), HUB_RESET);
        got_nothing(&rig, &client);
        publish(&rig, HUB_DELIVERIES, APP, "4");
        got(&rig, &client, "4");
        hub_leave(rig.hub, &client);
    }
    /* The ring goes when nobody has watched for a while. */
    hub_tick(rig.hub, INT64_MAX);
    assert_false(hub_listens(rig.hub, PROJECT));
    hub_join(rig.hub, &client, first);
    assert_int_equal(hub_next(rig.hub, &client, &m), HUB_RESET);
    hub_leave(rig.hub, &client);
    rig_done(&rig);
}

static void test_slow_client_is_reset(void **state)
{
    struct rig rig;
    struct hub_client slow;
    struct hub_client quick;
    struct hub_message m;
    char text[16];

    (void)state;
    rig_init(&rig);
    slow = client_of(&rig, HUB_ALL, 0);
    quick = client_of(&rig, HUB_ALL, 0);
    hub_join(rig.hub, &slow, 0);
    hub_join(rig.hub, &quick, 0);
    for (int i = 0; i <= HUB_RING_MESSAGES; i++) {
        (void)snprintf(text, sizeof(text), "%d", i);
        publish(&rig, HUB_DELIVERIES, APP, text);
        got(&rig, &quick, text);
    }
    assert_int_equal(hub_next(rig.hub, &slow, &m), HUB_RESET);
    assert_true(m.id > 0);
    got_nothing(&rig, &slow);
    publish(&rig, HUB_DELIVERIES, APP, "on");
    got(&rig, &slow, "on");
    hub_leave(rig.hub, &slow);
    hub_leave(rig.hub, &quick);
    rig_done(&rig);
}

static void test_bytes_are_bounded(void **state)
{
    static char data[HUB_DATA_MAX + 2];
    struct rig rig;
    struct hub_client client;
    struct hub_message m;
    unsigned count = 0;

    (void)state;
    memset(data, 'x', HUB_DATA_MAX);
    rig_init(&rig);
    client = client_of(&rig, HUB_ALL, 0);
    hub_join(rig.hub, &client, 0);
    data[HUB_DATA_MAX] = 'x';
    publish(&rig, HUB_JOBS, APP, data); /* too long: dropped */
    data[HUB_DATA_MAX] = '\0';
    got_nothing(&rig, &client);
    hub_leave(rig.hub, &client);
    hub_join(rig.hub, &client, 0);
    publish(&rig, HUB_JOBS, APP, "first");
    assert_int_equal(hub_next(rig.hub, &client, &m), HUB_MESSAGE);
    hub_leave(rig.hub, &client);
    hub_join(rig.hub, &client, m.id);
    for (size_t i = 0; i < HUB_RING_BYTES / HUB_DATA_MAX; i++) {
        publish(&rig, HUB_JOBS, APP, data);
    }
    while (hub_next(rig.hub, &client, &m) == HUB_MESSAGE) {
        count++;
    }
    assert_int_equal(count, HUB_RING_BYTES / HUB_DATA_MAX); /* "first" made room */
    hub_leave(rig.hub, &client);
    rig_done(&rig);
}

static void test_sampling(void **state)
{
    const struct id app_id = { { 1 } };
    struct rig rig;
    struct hub_client stats;
    struct hub_client deliveries;
    struct hub_message m;

    (void)state;
    rig_init(&rig);
    assert_false(hub_take(rig.hub, HUB_DELIVERIES, PROJECT, APP, &app_id));
    assert_false(hub_take(NULL, HUB_DELIVERIES, PROJECT, APP, &app_id));
    stats = client_of(&rig, HUB_STATS, 0);
    deliveries = client_of(&rig, HUB_DELIVERIES, 0);
    hub_join(rig.hub, &stats, 0);
    hub_join(rig.hub, &deliveries, 0);
    for (unsigned i = 0; i < HUB_RATE_APP + 5; i++) {
        assert_int_equal(hub_take(rig.hub, HUB_DELIVERIES, PROJECT, APP, &app_id),
                         i < HUB_RATE_APP);
    }
    hub_add(rig.hub, HUB_ACCEPTED, 3, PROJECT, APP, &app_id);
    hub_add(rig.hub, HUB_FAILED, 2, PROJECT, APP, &app_id);
    hub_tick(rig.hub, 0);
    assert_int_equal(hub_next(rig.hub, &stats, &m), HUB_MESSAGE);
    assert_string_equal(m.type, "counted");
    assert_non_null(strstr(m.data.p, "\"accepted\":3,\"attempts\":0,\"delivered\":0,"
                                     "\"failed\":2,\"skipped\":5}"));
    assert_int_equal(hub_next(rig.hub, &deliveries, &m), HUB_MESSAGE);
    got_nothing(&rig, &deliveries);
    /* A new second, and nothing in it. */
    hub_tick(rig.hub, 0);
    got_nothing(&rig, &stats);
    assert_true(hub_take(rig.hub, HUB_DELIVERIES, PROJECT, APP, &app_id));
    /* Loud apps together leave the bound of the project. */
    hub_tick(rig.hub, 0);
    for (unsigned i = 0; i < HUB_RATE_PROJECT; i++) {
        assert_true(hub_take(rig.hub, HUB_DELIVERIES, PROJECT, APP + 1 + i, &app_id));
    }
    assert_false(hub_take(rig.hub, HUB_DELIVERIES, PROJECT, APP, &app_id));
    hub_leave(rig.hub, &stats);
    hub_leave(rig.hub, &deliveries);
    rig_done(&rig);
}

static void test_many_apps_are_summed_up(void **state)
{
    const struct id app_id = { { 1 } };
    struct rig rig;
    struct hub_client all;
    struct hub_client bound;
    struct hub_message m;
    unsigned count = 0;

    (void)state;
    rig_init(&rig);
    all = client_of(&rig, HUB_STATS, 0);
    bound = client_of(&rig, HUB_STATS, APP + 3);
    hub_join(rig.hub, &all, 0);
    hub_join(rig.hub, &bound, 0);
    for (unsigned i = 0; i < HUB_TICK_APPS + 1; i++) {
        hub_add(rig.hub, HUB_ACCEPTED, 1, PROJECT, APP + i, &app_id);
    }
    hub_tick(rig.hub, 0);
    while (hub_next(rig.hub, &all, &m) == HUB_MESSAGE) {
        count++;
    }
    assert_int_equal(count, 2); /* the watched one, and the rest */
    assert_int_equal(hub_next(rig.hub, &bound, &m), HUB_MESSAGE);
    assert_int_equal(m.app, APP + 3);
    hub_leave(rig.hub, &all);
    hub_leave(rig.hub, &bound);
    rig_done(&rig);
}

static void test_topics(void **state)
{
    (void)state;
    assert_int_equal(hub_topic_parse(STR("jobs")), HUB_JOBS);
    assert_int_equal(hub_topic_parse(STR("job")), 0);
    assert_string_equal(hub_topic_name(HUB_STATS), "stats");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_slow_client_is_reset),
        cmocka_unit_test(test_bytes_are_bounded),
        cmocka_unit_test(test_sampling),
        cmocka_unit_test(test_many_apps_are_summed_up),
        cmocka_unit_test(test_topics),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
