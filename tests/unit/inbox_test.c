/* SPDX-License-Identifier: Apache-2.0 */
/* The test inbox: newest first, and every limit reached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "engine/inbox.h"

static int receive(struct inbox *box, const char *token, struct str body, int attempt)
{
    return inbox_receive(
        box, str_from(token),
        &(struct inbox_request){ .body = body, .attempt = attempt, .verdict = "valid" });
}

static void test_newest_first(void **state)
{
    struct inbox *box = inbox_new();

    (void)state;
    for (int i = 1; i <= INBOX_REQUESTS_MAX + 5; i++) {
        assert_int_equal(receive(box, "token-of-eight", STR("x"), i), 200);
    }
    assert_int_equal(inbox_at(box, STR("token-of-eight"), 0)->attempt, INBOX_REQUESTS_MAX + 5);
    assert_int_equal(inbox_at(box, STR("token-of-eight"), INBOX_REQUESTS_MAX - 1)->attempt, 6);
    assert_null(inbox_at(box, STR("token-of-eight"), INBOX_REQUESTS_MAX));
    assert_null(inbox_at(box, STR("another-token"), 0));
    inbox_free(box);
}

static void test_tokens(void **state)
{
    struct inbox *box = inbox_new();
    char token[32];

    (void)state;
    assert_int_equal(receive(box, "short", STR("x"), 1), 404);
    assert_int_equal(receive(box, "with/slash", STR("x"), 1), 404);
    for (int i = 0; i <= INBOX_TOKENS_MAX; i++) {
        (void)snprintf(token, sizeof(token), "token-%06d", i);
        assert_int_equal(receive(box, token, STR("x"), 1), 200);
    }
    assert_null(inbox_at(box, STR("token-000000"), 0));
    assert_non_null(inbox_at(box, STR("token-000001"), 0));
    inbox_free(box);
}

static void test_bytes(void **state)
{
    enum { SIZE = 4 * 1024 * 1024 };
    struct inbox *box = inbox_new();
    char *bytes = xalloc(SIZE);
    unsigned kept = 0;
    char token[32];

    (void)state;
    for (int i = 0; i < 20; i++) {
        (void)snprintf(token, sizeof(token), "token-%06d", i);
        assert_int_equal(receive(box, token, (struct str){ bytes, SIZE }, 1), 200);
    }
    for (int i = 0; i < 20; i++) {
        (void)snprintf(token, sizeof(token), "token-%06d", i);
        kept += inbox_at(box, str_from(token), 0) != NULL ? 1 : 0;
    }
    assert_int_equal(kept, INBOX_BYTES_MAX / SIZE - 1);
    free(bytes);
    inbox_free(box);
}

static void test_behaviour(void **state)
{
    struct inbox *box = inbox_new();
    struct str token = STR("token-of-eight");
    struct inbox_behaviour always = { .status = 200, .delay_ms = 5, .failure_percent = 100 };
    struct inbox_behaviour gone = { .status = 410 };

    (void)state;
    assert_int_equal(inbox_behaviour(box, token).status, 200);
    inbox_set_behaviour(box, token, &gone);
    assert_int_equal(receive(box, "token-of-eight", STR("x"), 1), 410);
    inbox_set_behaviour(box, token, &always);
    assert_int_equal(receive(box, "token-of-eight", STR("x"), 2), 500);
    assert_int_equal(inbox_behaviour(box, token).delay_ms, 5);
    inbox_clear(box, token);
    assert_null(inbox_at(box, token, 0));
    assert_int_equal(inbox_behaviour(box, token).failure_percent, 100);
    inbox_clear(box, STR("another-token"));
    inbox_free(box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newest_first),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_behaviour),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
