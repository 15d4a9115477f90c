/* SPDX-License-Identifier: Apache-2.0 */
/* Map, heap and list against simple models. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"

enum { N = 2000 };

static uint32_t test_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void test_map(void **state)
{
    static int values[N];
    static char keys[N][16];
    static bool present[N];
    uint32_t seed = 1;
    struct map m;
    size_t at = 0;
    size_t count = 0;
    size_t walked = 0;

    (void)state;
    map_init(&m);
    for (int i = 0; i < N; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "key-%d", i);
    }
    for (int step = 0; step < 100000; step++) {
        uint32_t i = test_random(&seed) % N;

        if (test_random(&seed) % 3 == 0) {
            assert_ptr_equal(map_remove(&m, str_from(keys[i])), present[i] ? &values[i] : NULL);
            count -= present[i] ? 1 : 0;
            present[i] = false;
        } else {
            assert_ptr_equal(map_put(&m, str_from(keys[i]), &values[i]),
                             present[i] ? &values[i] : NULL);
            count += present[i] ? 0 : 1;
            present[i] = true;
        }
        assert_int_equal(m.count, count);
    }
    for (int i = 0; i < N; i++) {
        assert_ptr_equal(map_get(&m, str_from(keys[i])), present[i] ? &values[i] : NULL);
    }
    while (map_next(&m, &at) != NULL) {
        walked++;
    }
    assert_int_equal(walked, count);
    map_done(&m);
}

static void test_heap(void **state)
{
    static struct heap_node nodes[N];
    uint32_t seed = 7;
    struct heap h;
    int64_t last_key = INT64_MIN;
    uint64_t last_seq = 0;
    struct heap_node *n;

    (void)state;
    heap_init(&h);
    for (uint64_t i = 0; i < N; i++) {
        heap_push(&h, &nodes[i], test_random(&seed) % 100, i);
    }
    for (int i = 0; i < N; i += 3) {
        heap_remove(&h, &nodes[i]);
        heap_remove(&h, &nodes[i]);
    }
    while ((n = heap_first(&h)) != NULL) {
        assert_true(n->key > last_key || (n->key == last_key && n->seq > last_seq));
        assert_int_not_equal((n - nodes) % 3, 0);
        last_key = n->key;
        last_seq = n->seq;
        heap_remove(&h, n);
    }
    heap_done(&h);
}

static void test_list(void **state)
{
    struct list_node nodes[5] = { 0 };
    struct list a;
    struct list b;

    (void)state;
    list_init(&a);
    list_init(&b);
    for (int i = 0; i < 5; i++) {
        list_push_back(i < 3 ? &a : &b, &nodes[i]);
    }
    list_remove(&a, &nodes[1]);
    list_remove(&a, &nodes[1]);
    assert_int_equal(a.count, 2);
    list_splice(&a, &b);
    assert_int_equal(a.count, 4);
    assert_true(list_empty(&b));
    assert_ptr_equal(list_pop_front(&a), &nodes[0]);
    assert_ptr_equal(list_next(&a, &nodes[2]), &nodes[3]);
    assert_null(list_next(&a, &nodes[4]));
    assert_false(list_linked(&nodes[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_heap),
        cmocka_unit_test(test_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
