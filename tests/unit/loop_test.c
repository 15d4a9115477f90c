/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: order of a turn, and that what was removed is not called. No waiting: pipes and timers in the past. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/loop.h"

struct rig {
    struct loop *loop;
    char trace[64]; /* what was called, a letter each */
    size_t len;
    int turns_left; /* the loop stops after so many */
    struct loop_after end;
};

static void note(struct rig *rig, char c)
{
    assert_true(rig->len + 1 < sizeof(rig->trace));
    rig->trace[rig->len++] = c;
}

static void on_end(struct loop_after *a)
{
    struct rig *rig = a->ctx;

    rig->turns_left--;
    if (rig->turns_left == 0) {
        loop_stop(rig->loop);
    } else {
        loop_wake(rig->loop);
    }
}

static void rig_init(struct rig *rig, int turns)
{
    memset(rig, 0, sizeof(*rig));
    assert_int_equal(loop_new(&rig->loop), 0);
    rig->turns_left = turns;
    rig->end.on_turn = on_end;
    rig->end.ctx = rig;
    loop_after_add(rig->loop, &rig->end);
    loop_wake(rig->loop);
}

static void rig_run(struct rig *rig, const char *trace)
{
    assert_int_equal(loop_run(rig->loop), 0);
    assert_string_equal(rig->trace, trace);
    loop_free(rig->loop);
}

/* --- Descriptors ------------------------------------------------------------------------------ */

struct pipe_watch {
    struct loop_watch watch;
    struct rig *rig;
    struct pipe_watch *removes; /* removed when this one is called */
    int fds[2];
    char letter;
};

static void on_pipe(struct loop_watch *w, unsigned events)
{
    struct pipe_watch *p = w->ctx;
    char c;

    assert_int_equal(events, LOOP_READ);
    assert_int_equal(read(p->fds[0], &c, 1), 1);
    note(p->rig, p->letter);
    if (p->removes != NULL) {
        loop_unwatch(p->rig->loop, &p->removes->watch);
    }
}

static void pipe_open(struct pipe_watch *p, struct rig *rig, char letter)
{
    memset(p, 0, sizeof(*p));
    p->rig = rig;
    p->letter = letter;
    assert_int_equal(pipe2(p->fds, O_CLOEXEC | O_NONBLOCK), 0);
    p->watch.fd = p->fds[0];
    p->watch.on_ready = on_pipe;
    p->watch.ctx = p;
    assert_int_equal(loop_watch(rig->loop, &p->watch, LOOP_READ), 0);
    assert_int_equal(write(p->fds[1], "x", 1), 1);
}

static void pipe_close(struct pipe_watch *p)
{
    (void)close(p->fds[0]);
    (void)close(p->fds[1]);
}

static void ready_ones_are_called(void **state)
{
    struct pipe_watch a;
    struct pipe_watch b;
    struct rig rig;

    (void)state;
    rig_init(&rig, 2);
    pipe_open(&a, &rig, 'a');
    pipe_open(&b, &rig, 'b');
    rig_run(&rig, "ab");
    pipe_close(&a);
    pipe_close(&b);
}

/* Both are ready in the same turn; whichever comes first removes the other. */
static void a_removed_one_is_not_called_in_its_turn(void **state)
{
    struct pipe_watch a;
    struct pipe_watch *b = test_malloc(sizeof(*b));
    struct rig rig;

    (void)state;
    rig_init(&rig, 2);
    pipe_open(&a, &rig, 'a');
    pipe_open(b, &rig, 'b');
    a.removes = b;
    b->removes = &a;
    assert_int_equal(loop_run(rig.loop), 0);
    assert_int_equal(rig.len, 1);
    pipe_close(&a);
    pipe_close(b);
    test_free(b);
    loop_free(rig.loop);
}

static void a_watch_may_remove_itself(void **state)
{
    struct pipe_watch a;
    struct rig rig;

    (void)state;
    rig_init(&rig, 3);
    pipe_open(&a, &rig, 'a');
    assert_int_equal(write(a.fds[1], "y", 1), 1);
    a.removes = &a;
    rig_run(&rig, "a");
    pipe_close(&a);
}

static void waiting_for_nothing_is_silent(void **state)
{
    struct pipe_watch a;
    struct rig rig;

    (void)state;
    rig_init(&rig, 3);
    pipe_open(&a, &rig, 'a');
    assert_int_equal(loop_watch_change(rig.loop, &a.watch, 0), 0);
    (void)close(a.fds[1]); /* even a hang-up is not reported */
    assert_int_equal(loop_run(rig.loop), 0);
    assert_int_equal(rig.len, 0);
    rig.turns_left = 1;
    loop_wake(rig.loop);
    assert_int_equal(loop_watch_change(rig.loop, &a.watch, LOOP_READ), 0);
    rig_run(&rig, "a");
    (void)close(a.fds[0]);
}

static void a_bad_descriptor_is_an_error(void **state)
{
    struct loop_watch w = { .fd = 1000000, .on_ready = on_pipe };
    struct loop *loop;

    (void)state;
    assert_int_equal(loop_new(&loop), 0);
    assert_int_equal(loop_watch(loop, &w, LOOP_READ), -E_IO);
    loop_unwatch(loop, &w); /* not watched: nothing happens */
    loop_free(loop);
}

/* --- Timers ----------------------------------------------------------------------------------- */

struct letter_timer {
    struct loop_timer timer;
    struct rig *rig;
    struct letter_timer *cancels;
    int again; /* set itself anew, in the past, so many times */
    char letter;
};

static void on_letter_due(struct loop_timer *t)
{
    struct letter_timer *l = t->ctx;

    note(l->rig, l->letter);
    if (l->cancels != NULL) {
        loop_timer_cancel(l->rig->loop, &l->cancels->timer);
    }
    if (l->again > 0) {
        l->again--;
        loop_timer_set(l->rig->loop, t, 0);
    }
}

static void timer_open(struct letter_timer *l, struct rig *rig, char letter, int64_t boot_ms)
{
    memset(l, 0, sizeof(*l));
    l->rig = rig;
    l->letter = letter;
    l->timer.on_due = on_letter_due;
    l->timer.ctx = l;
    loop_timer_set(rig->loop, &l->timer, boot_ms);
}

static void timers_come_in_order_of_time(void **state)
{
    struct letter_timer t[4];
    struct rig rig;
    int64_t now;

    (void)state;
    rig_init(&rig, 1);
    now = loop_now(rig.loop);
    timer_open(&t[0], &rig, 'd', now + 3);
    timer_open(&t[1], &rig, 'b', now + 1);
    timer_open(&t[2], &rig, 'c', now + 2);
    timer_open(&t[3], &rig, 'a', now - 1000);
    while (clock_boot_ms() < now + 5) {
        /* until all are due */
    }
    rig_run(&rig, "abcd");
}

static void a_later_timer_waits(void **state)
{
    struct letter_timer far;
    struct letter_timer near;
    struct rig rig;

    (void)state;
    rig_init(&rig, 5);
    timer_open(&far, &rig, 'f', loop_now(rig.loop) + 3600000);
    timer_open(&near, &rig, 'n', 0);
    loop_timer_cancel(rig.loop, &near.timer);
    loop_timer_set(rig.loop, &near.timer, 0);
    loop_timer_set(rig.loop, &near.timer, 0); /* once all the same */
    rig_run(&rig, "n");
    assert_int_not_equal(far.timer.heap.at, 0);
}

static void a_cancelled_timer_is_not_called(void **state)
{
    struct letter_timer a;
    struct letter_timer b;
    struct rig rig;

    (void)state;
    rig_init(&rig, 2);
    timer_open(&a, &rig, 'a', 0);
    timer_open(&b, &rig, 'b', 0);
    a.cancels = &b;
    rig_run(&rig, "a");
}

/* One that is always due does not keep the others, nor the end of the turn, from coming. */
static void a_busy_timer_lets_others_pass(void **state)
{
    struct letter_timer busy;
    struct letter_timer other;
    struct rig rig;

    (void)state;
    rig_init(&rig, 3);
    timer_open(&busy, &rig, 'x', 0);
    busy.again = 1000;
    timer_open(&other, &rig, 'o', 0);
    rig_run(&rig, "xoxx");
}

/* Without loop_wake the loop sleeps until the first timer. */
static void the_loop_sleeps_until_a_timer(void **state)
{
    struct letter_timer t;
    struct rig rig;
    int64_t start = clock_boot_ms();

    (void)state;
    rig_init(&rig, 2);
    timer_open(&t, &rig, 't', start + 20);
    /* Of the two turns only the first is woken. */
    rig.turns_left = 1;
    assert_int_equal(loop_run(rig.loop), 0);
    assert_int_equal(rig.len, 0);
    rig.turns_left = 1;
    rig_run(&rig, "t");
    assert_true(clock_boot_ms() >= start + 20);
}

/* --- After a turn ----------------------------------------------------------------------------- */

struct letter_after {
    struct loop_after after;
    struct rig *rig;
    struct letter_after *removes;
    struct letter_after *adds;
    char letter;
};

static void on_letter_turn(struct loop_after *a)
{
    struct letter_after *l = a->ctx;

    note(l->rig, l->letter);
    if (l->removes != NULL) {
        loop_after_remove(l->rig->loop, &l->removes->after);
    }
    if (l->adds != NULL) {
        loop_after_add(l->rig->loop, &l->adds->after);
        l->adds = NULL;
    }
}

static void after_open(struct letter_after *l, struct rig *rig, char letter, bool add)
{
    memset(l, 0, sizeof(*l));
    l->rig = rig;
    l->letter = letter;
    l->after.on_turn = on_letter_turn;
    l->after.ctx = l;
    if (add) {
        loop_after_add(rig->loop, &l->after);
    }
}

static void afters_are_called_once_a_turn_in_order(void **state)
{
    struct letter_after a;
    struct letter_after b;
    struct rig rig;

    (void)state;
    rig_init(&rig, 3);
    after_open(&a, &rig, 'a', true);
    after_open(&b, &rig, 'b', true);
    rig_run(&rig, "ababab");
}

static void afters_may_add_and_remove(void **state)
{
    struct letter_after a;
    struct letter_after b;
    struct letter_after c;
    struct rig rig;

    (void)state;
    rig_init(&rig, 3);
    after_open(&a, &rig, 'a', true);
    after_open(&b, &rig, 'b', true);
    after_open(&c, &rig, 'c', false);
    a.removes = &b; /* before b was called */
    a.adds = &c;    /* first called in the next turn */
    rig_run(&rig, "aacac");
}

static void an_after_may_remove_itself(void **state)
{
    struct letter_after a;
    struct rig rig;

    (void)state;
    rig_init(&rig, 3);
    after_open(&a, &rig, 'a', true);
    a.removes = &a;
    rig_run(&rig, "a");
}

static void the_order_of_a_turn(void **state)
{
    struct letter_after after;
    struct letter_timer timer;
    struct pipe_watch pipe;
    struct rig rig;

    (void)state;
    rig_init(&rig, 1);
    after_open(&after, &rig, 'a', true);
    timer_open(&timer, &rig, 't', 0);
    pipe_open(&pipe, &rig, 'p');
    rig_run(&rig, "pta");
    pipe_close(&pipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_ones_are_called),
        cmocka_unit_test(a_removed_one_is_not_called_in_its_turn),
        cmocka_unit_test(a_watch_may_remove_itself),
        cmocka_unit_test(waiting_for_nothing_is_silent),
        cmocka_unit_test(a_bad_descriptor_is_an_error),
        cmocka_unit_test(timers_come_in_order_of_time),
        cmocka_unit_test(a_later_timer_waits),
        cmocka_unit_test(a_cancelled_timer_is_not_called),
        cmocka_unit_test(a_busy_timer_lets_others_pass),
        cmocka_unit_test(the_loop_sleeps_until_a_timer),
        cmocka_unit_test(afters_are_called_once_a_turn_in_order),
        cmocka_unit_test(afters_may_add_and_remove),
        cmocka_unit_test(an_after_may_remove_itself),
        cmocka_unit_test(the_order_of_a_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
