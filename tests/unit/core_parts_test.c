/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that the core is made of: the order, the table of moves, the heap of wakes, against plain models. */
#include "core/item.h"
#include "core/order.h"
#include "core/state.h"
#include "core/wake.h"
#include "core_rig.h"

enum { ITEMS = 200 };

/* A fixed sequence (xorshift), so that a failure comes again. */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static bool is_before(const struct item *a, const struct item *b)
{
    return a->key != b->key ? a->key < b->key : a->seq < b->seq;
}

static void assert_is_in_order(const struct item *items, const struct order *order,
                               const bool *is_in)
{
    uint32_t first = 0;
    uint32_t last = 0;
    uint32_t count = 0;
    uint32_t before = 0;

    for (uint32_t i = 1; i <= ITEMS; i++) {
        if (is_in[i]) {
            first = first == 0 || is_before(&items[i], &items[first]) ? i : first;
            last = last == 0 || is_before(&items[last], &items[i]) ? i : last;
            count++;
        }
    }
    assert_int_equal(order_first(items, order), first);
    assert_int_equal(order_last(items, order), last);
    assert_int_equal(order->count, count);
    for (uint32_t i = first; i != 0; i = order_next(items, i)) {
        assert_true(is_in[i]);
        assert_true(before == 0 || is_before(&items[before], &items[i]));
        before = i;
        count--;
    }
    assert_int_equal(count, 0);
}

static void order_is_a_sorted_set(void **state)
{
    static struct item items[ITEMS + 1];
    struct order order = { 0 };
    bool is_in[ITEMS + 1] = { false };
    uint32_t random = 12345;

    (void)state;
    for (uint32_t i = 1; i <= ITEMS; i++) {
        items[i].seq = i;
    }
    for (int n = 0; n < 5000; n++) {
        uint32_t i = 1 + next_random(&random) % ITEMS;

        if (is_in[i]) {
            order_remove(items, &order, i);
        } else {
            items[i].key = next_random(&random) % 20;
            order_insert(items, &order, i);
        }
        is_in[i] = !is_in[i];
        if (n % 10 == 0) {
            assert_is_in_order(items, &order, is_in);
        }
    }
}

static void order_stays_shallow_for_rising_keys(void **state)
{
    enum { MANY = 4096, DEPTH_MAX = 60 };
    struct item *items = calloc(MANY + 1, sizeof(*items));
    struct order order = { 0 };
    uint32_t deepest = 0;

    (void)state;
    assert_non_null(items);
    for (uint32_t i = 1; i <= MANY; i++) {
        items[i].seq = i;
        order_insert(items, &order, i);
    }
    for (uint32_t i = 1; i <= MANY; i++) {
        uint32_t depth = 0;

        for (uint32_t at = i; at != 0; at = items[at].parent) {
            depth++;
        }
        deepest = deepest > depth ? deepest : depth;
    }
    assert_true(deepest <= DEPTH_MAX);
    free(items);
}

static void only_drawn_moves_are_legal(void **state)
{
    static const char *const drawn[] = {
        /* from free, fresh, retry, urgent, sending, storing; to the same six */
        "-xxx--", "x--xx-", "x--xx-", "x---x-", "-----x", "xxxx--",
    };

    (void)state;
    for (int from = ITEM_FREE; from <= ITEM_STORING; from++) {
        for (int to = ITEM_FREE; to <= ITEM_STORING; to++) {
            assert_int_equal(item_move_legal((enum item_state)from, (enum item_state)to),
                             drawn[from][to] == 'x');
        }
    }
}

static void the_nearest_wake_is_first(void **state)
{
    struct rig *rig = rig_new(&rig_limits);
    int64_t times[65];
    uint32_t random = 99;

    (void)state;
    for (int i = 0; i < 65; i++) {
        times[i] = INT64_MAX;
    }
    for (int n = 0; n < 5000; n++) {
        uint32_t e = 1 + next_random(&random) % 64;
        uint32_t first = 0;

        times[e] =
            next_random(&random) % 4 == 0 ? INT64_MAX : (int64_t)(next_random(&random) % 1000);
        wake_set(rig->core, e, times[e]);
        for (uint32_t i = 1; i <= 64; i++) {
            if (times[i] != INT64_MAX && (first == 0 || times[i] < times[first])) {
                first = i;
            }
        }
        assert_int_equal(wake_first(rig->core), first);
    }
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_a_sorted_set),
        cmocka_unit_test(order_stays_shallow_for_rising_keys),
        cmocka_unit_test(only_drawn_moves_are_legal),
        cmocka_unit_test(the_nearest_wake_is_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
