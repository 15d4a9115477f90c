/* SPDX-License-Identifier: Apache-2.0 */
/* Scopes and roles, passwords and their thread, tries that are counted, what belongs to a session, and who may call a
 * route. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
/* clang-format on */

#include "api/access.h"
#include "api/auth.h"
#include "api/routes.h"
#include "crypto/keyring.h"
#include "engine/hasher.h"
#include "engine/scope.h"
#include "engine/sessions.h"
#include "engine/throttle.h"
#include "net/loop.h"

/* --- scopes and roles */
static void test_scopes_hold(void **state)
{
    static const struct {
        const char *name;
        unsigned holds;
    } rows[] = {
        { "admin", SCOPE_ALL },
        { "publish", SCOPE_PUBLISH | SCOPE_SELF },
        { "read", SCOPE_READ | SCOPE_SELF },
        { "manage", SCOPE_MANAGE | SCOPE_READ | SCOPE_SELF },
        { "tickets", SCOPE_TICKETS | SCOPE_SELF },
        { "self", 0 },
        { "", 0 },
        { "Admin", 0 },
    };
    unsigned bit = 0;
    unsigned count = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(scope_of_name(str_from(rows[i].name)), rows[i].holds);
    }
    while (scope_name(count, &bit) != NULL) {
        assert_true((scope_of_name(str_from(scope_name(count, &bit))) & bit) != 0);
        count++;
    }
    assert_int_equal(count, SCOPE_NAMES);
    for (enum role role = ROLE_VIEWER; role <= ROLE_OWNER; role++) {
        assert_int_equal(role_of_name(str_from(role_name(role))), role);
        assert_true((role_scopes(role) & SCOPE_READ) != 0);
    }
    assert_int_equal(role_of_name(STR("")), ROLE_NONE);
    assert_int_equal(role_scopes(ROLE_VIEWER) & (SCOPE_ADMIN | SCOPE_MANAGE | SCOPE_PUBLISH),
                     0);
    assert_int_equal(role_scopes(ROLE_DEVELOPER) & SCOPE_ADMIN, 0);
}

static void test_who_is_bound_to_an_app(void **state)
{
    static const struct {
        const char *pattern;
        unsigned scope;
        unsigned flags;
        int bound;
        int free;
    } rows[] = {
        { "/api/v1/apps/{app}", SCOPE_READ, 0, 0, 0 },
        { "/api/v1/apps/{app}/endpoints", SCOPE_MANAGE, 0, 0, 0 },
        { "/api/v1/apps/{app}", SCOPE_MANAGE, ROUTE_OPERATOR, -E_FORBIDDEN, 0 },
        { "/api/v1/apps", SCOPE_READ, 0, -E_FORBIDDEN, 0 },
        { "/api/v1/event-types", SCOPE_READ, ROUTE_SHARED, 0, 0 },
        { "/api/v1/session", SCOPE_SELF, 0, 0, 0 },
        { "/api/v1/apps/{app}/events", SCOPE_PUBLISH, 0, -E_FORBIDDEN, -E_FORBIDDEN },
        { "/healthz", 0, 0, 0, 0 },
    };
    struct app app = { .name = STR("app") };
    struct access access = { .kind = ACCESS_TICKET,
                             .scopes = SCOPE_READ | SCOPE_MANAGE | SCOPE_SELF };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct route route = { .method = "GET",
                               .pattern = rows[i].pattern,
                               .scope = rows[i].scope,
                               .flags = rows[i].flags };

        access.app = &app;
        assert_int_equal(access_decide(&access, &route), rows[i].bound);
        access.app = NULL;
        assert_int_equal(access_decide(&access, &route), rows[i].free);
    }
}

/* --- what browsers send */
static void test_cookies_are_found(void **state)
{
    static const struct {
        const char *header;
        const char *name;
        const char *value;
    } rows[] = {
        { "a=1", "a", "1" },       { "a=1; b=2", "b", "2" }, { "b=2;a=1", "a", "1" },
        { "aa=1; a=2", "a", "2" }, { " a = 1 ", "a", "1" },  { "a=", "a", "" },
        { "a=b=c", "a", "b=c" },   { "b=1", "a", NULL },     { "", "a", NULL },
        { "a", "a", NULL },        { ";;=;a=1", "a", "1" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct str value = auth_cookie(str_from(rows[i].header), rows[i].name);

        if (rows[i].value == NULL) {
            assert_null(value.p);
        } else {
            assert_true(str_eq_c(value, rows[i].value));
        }
    }
}

static void test_changes_come_from_this_origin(void **state)
{
    static const struct {
        const char *site;
        const char *origin;
        bool same;
    } rows[] = {
        { NULL, NULL, true },
        { "same-origin", NULL, true },
        { "cross-site", NULL, false },
        { "same-site", NULL, false },
        { "none", NULL, false },
        { NULL, "https://a.example:8443", true },
        { NULL, "https://A.EXAMPLE:8443", true },
        { NULL, "https://a.example", false },
        { NULL, "https://a.example:8443.evil", false },
        { NULL, "https://b.example:8443", false },
        { NULL, "null", false },
        { NULL, "", false },
        { NULL, "https:/", false },
        { "cross-site", "https://a.example:8443", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct str site = rows[i].site == NULL ? STR_NONE : str_from(rows[i].site);
        struct str origin = rows[i].origin == NULL ? STR_NONE : str_from(rows[i].origin);

        assert_int_equal(auth_same_origin(site, origin, STR("a.example:8443")), rows[i].same);
    }
}

/* --- tries */
static void test_throttle_counts(void **state)
{
    struct throttle t;

    (void)state;
    throttle_init(&t, 3, 3000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(throttle_take(&t, STR("a"), 10000), 0);
    }
    assert_int_equal(throttle_take(&t, STR("a"), 10000), 1000);
    assert_int_equal(throttle_take(&t, STR("b"), 10000), 0);
    assert_int_equal(throttle_take(&t, STR("a"), 10999), 1);
    assert_int_equal(throttle_take(&t, STR("a"), 11000), 0);
    assert_int_equal(throttle_take(&t, STR("a"), 11000), 1000);
    throttle_forget(&t, STR("a"));
    assert_int_equal(throttle_take(&t, STR("a"), 11000), 0);
    throttle_done(&t);
}

static void test_throttle_is_bounded(void **state)
{
    struct throttle t;
    char name[32];

    (void)state;
    throttle_init(&t, 2, 2000);
    for (int i = 0; i < THROTTLE_NAMES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "name %d", i);
        assert_int_equal(throttle_take(&t, str_from(name), 1000), 0);
    }
    assert_int_equal(throttle_take(&t, STR("one more"), 1500), 2000);
    assert_int_equal(throttle_take(&t, STR("name 7"), 1500), 0);
    assert_int_equal(throttle_take(&t, STR("one more"), 2001), 0);
    assert_true(t.names.count < 10);
    throttle_done(&t);
}

/* --- passwords */
static void test_passwords_fit(void **state)
{
    char hash[PASSWORD_HASH_SIZE];
    char other[PASSWORD_HASH_SIZE];

    (void)state;
    assert_int_equal(password_hash(STR("correct horse"), hash), 0);
    assert_int_equal(password_hash(STR("correct horse"), other), 0);
    assert_true(str_starts(str_from(hash), STR("$argon2id$v=19$m=65536,t=2,p=1$")));
    assert_string_not_equal(hash, other);
    assert_true(password_fits(STR("correct horse"), hash));
    assert_false(password_fits(STR("correct horse "), hash));
    assert_false(password_fits(STR(""), hash));
    assert_false(password_fits(STR("correct horse"), ""));
    assert_false(password_fits(STR(""), NULL));
}

struct hashing {
    struct hash_job job;
    struct loop *loop;
    unsigned done;
    unsigned *all;
};

static void on_hashed(struct hash_job *job)
{
    struct hashing *h = CONTAINER_OF(job, struct hashing, job);

    h->done++;
    (*h->all)++;
    for (size_t i = 0; i < sizeof(job->password); i++) {
        assert_int_equal(job->password[i], 0);
    }
    loop_stop(h->loop);
}

static void test_hasher_is_bounded(void **state)
{
    static struct hashing jobs[HASHER_QUEUE_MAX + 2];
    struct hasher *hasher;
    struct loop *loop;
    unsigned all = 0;
    unsigned refused = 0;

    (void)state;
    assert_int_equal(loop_new(&loop), 0);
    assert_int_equal(hasher_start(loop, &hasher), 0);
    for (size_t i = 0; i < HASHER_QUEUE_MAX + 2; i++) {
        struct hashing *h = &jobs[i];

        h->loop = loop;
        h->all = &all;
        h->job.make = true;
        h->job.on_done = on_hashed;
        memcpy(h->job.password, "secret", 6);
        h->job.password_len = 6;
        refused += hasher_submit(hasher, &h->job) == -E_BUSY ? 1 : 0;
    }
    assert_in_range(refused, 1, 2); /* one may run already */
    assert_int_equal(all, 0);
    assert_int_equal(loop_run(loop), 0);
    assert_int_equal(jobs[0].done, 1);
    assert_int_equal(jobs[0].job.result, 0);
    assert_true(password_fits(STR("secret"), jobs[0].job.hash));
    hasher_stop(hasher);
    assert_int_equal(all, HASHER_QUEUE_MAX + 2 - refused);
    loop_free(loop);
}

/* --- sessions and tickets */
struct rig {
    char path[64];
    struct keyring *keyring;
    struct sessions *sessions;
    struct project project;
    struct app app;
};

static void rig_start(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    (void)snprintf(rig->path, sizeof(rig->path), "/tmp/postern-people.%d", (int)getpid());
    assert_int_equal(keyring_open(rig->path, true, &rig->keyring, NULL), 0);
    rig->sessions = sessions_new(&(struct sessions_options){ .keyring = rig->keyring,
                                                             .idle_ms = 1000,
                                                             .portal_idle_ms = 2000,
                                                             .max_ms = 10000,
                                                             .count_max = 50 });
}

static void rig_stop(struct rig *rig)
{
    sessions_free(rig->sessions);
    keyring_free(rig->keyring);
    (void)unlink(rig->path);
}

static void test_sessions_end(void **state)
{
    struct session s = { .row = { .seen_at = 5000, .ends_at = 20000 } };
    struct member member = { .name = STR("m") };
    struct rig rig;

    (void)state;
    rig_start(&rig);
    assert_int_equal(sessions_end(rig.sessions, &s), 7000);
    s.member = &member;
    assert_int_equal(sessions_end(rig.sessions, &s), 6000);
    s.row.ends_at = 5500;
    assert_int_equal(sessions_end(rig.sessions, &s), 5500);
    rig_stop(&rig);
}

static void test_csrf_is_bound_to_its_token(void **state)
{
    char csrf[SESSION_CSRF_SIZE];
    struct rig rig;

    (void)state;
    rig_start(&rig);
    sessions_csrf(rig.sessions, STR("token"), csrf);
    assert_int_equal(strlen(csrf), SESSION_CSRF_SIZE - 1);
    assert_true(sessions_csrf_fits(rig.sessions, STR("token"), str_from(csrf)));
    assert_false(sessions_csrf_fits(rig.sessions, STR("tokem"), str_from(csrf)));
    assert_false(sessions_csrf_fits(rig.sessions, STR("token"), STR("")));
    csrf[0] = csrf[0] == 'a' ? 'b' : 'a';
    assert_false(sessions_csrf_fits(rig.sessions, STR("token"), str_from(csrf)));
    rig_stop(&rig);
}

static void test_tickets_hold_once_and_in_time(void **state)
{
    char token[SESSION_TOKEN_SIZE];
    struct ticket taken;
    struct rig rig;

    (void)state;
    rig_start(&rig);

    struct ticket ticket = {
        .project = &rig.project, .app = &rig.app, .role = SESSION_VIEW, .expires_at = 1000
    };

    assert_int_equal(sessions_ticket(rig.sessions, &ticket, 0, token), 0);
    assert_true(sessions_take(rig.sessions, str_from(token), 999, &taken));
    assert_ptr_equal(taken.app, &rig.app);
    assert_false(sessions_take(rig.sessions, str_from(token), 999, &taken));
    assert_int_equal(sessions_ticket(rig.sessions, &ticket, 0, token), 0);
    assert_false(sessions_take(rig.sessions, str_from(token), 1000, &taken));
    assert_int_equal(sessions_ticket(rig.sessions, &ticket, 0, token), 0);
    token[10] = token[10] == 'a' ? 'b' : 'a';
    assert_false(sessions_take(rig.sessions, str_from(token), 0, &taken));
    assert_false(sessions_take(rig.sessions, STR("ptk_"), 0, &taken));
    assert_int_equal(sessions_ticket(rig.sessions, &ticket, 0, token), 0);
    rig.app.object.deleted_at = 1;
    assert_false(sessions_take(rig.sessions, str_from(token), 0, &taken));
    rig_stop(&rig);
}

static void test_tickets_are_bounded(void **state)
{
    char token[SESSION_TOKEN_SIZE];
    struct rig rig;

    (void)state;
    rig_start(&rig);

    struct ticket ticket = { .project = &rig.project, .app = &rig.app, .expires_at = 1000 };

    for (size_t i = 0; i < 50; i++) {
        assert_int_equal(sessions_ticket(rig.sessions, &ticket, 0, token), 0);
    }
    assert_int_equal(sessions_ticket(rig.sessions, &ticket, 999, token), -E_BUSY);
    assert_int_equal(sessions_ticket(rig.sessions, &ticket, 1000, token), 0);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scopes_hold),
        cmocka_unit_test(test_who_is_bound_to_an_app),
        cmocka_unit_test(test_cookies_are_found),
        cmocka_unit_test(test_changes_come_from_this_origin),
        cmocka_unit_test(test_throttle_counts),
        cmocka_unit_test(test_throttle_is_bounded),
        cmocka_unit_test(test_passwords_fit),
        cmocka_unit_test(test_hasher_is_bounded),
        cmocka_unit_test(test_sessions_end),
        cmocka_unit_test(test_csrf_is_bound_to_its_token),
        cmocka_unit_test(test_tickets_hold_once_and_in_time),
        cmocka_unit_test(test_tickets_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
