/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox, each case in a process of its own: what is closed is closed, what sending needs goes on. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "egress/sandbox.h"

enum { NO_SUPPORT = 77, BAD = 1 };

/* How a process ends that runs `work`. */
static int status_of(int (*work)(void))
{
    int status = -1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(work());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_SUPPORT) {
        skip();
    }
    return status;
}

static void check_clean(int status)
{
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int files(void)
{
    int open_before = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
    char c;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return BAD;
    }
    if (sandbox_close_files() != 0) {
        return NO_SUPPORT;
    }
    if (open("/etc/hostname", O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES) {
        return BAD;
    }
    if (open("/tmp/sandbox-test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0 ||
        errno != EACCES) {
        return BAD;
    }
    /* What was open stays open. */
    return open_before < 0 || read(open_before, &c, 1) >= 0 ? 0 : BAD;
}

static int calls(void)
{
    int sock;
    void *memory;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return BAD;
    }
    if (sandbox_filter_calls() != 0) {
        return NO_SUPPORT;
    }
    if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM) {
        return BAD;
    }
    if (open("/etc/hostname", O_RDONLY | O_CLOEXEC) >= 0 || errno != EPERM) {
        return BAD;
    }
    if (kill(getppid(), 0) == 0 || unshare(0) == 0 || fork() >= 0) {
        return BAD;
    }
    sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (sock < 0 || close(sock) != 0 || random_u64() == random_u64() || clock_wall_ms() <= 0) {
        return BAD;
    }
    memory = malloc((size_t)8 * 1024 * 1024);
    free(memory);
    return memory != NULL ? 0 : BAD;
}

static int exec_after_filter(void)
{
    char path[] = "/bin/true";
    char *args[] = { path, NULL };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return BAD;
    }
    if (sandbox_filter_calls() != 0) {
        return NO_SUPPORT;
    }
    (void)execv(path, args);
    return BAD;
}

/* Inside the filter even asking is refused, and nobody may install one without no_new_privs. */
static int enter(void)
{
    struct err err = { 0 };
    int no_new_privs;

    if (sandbox_enter(&err) != 0) {
        return BAD;
    }
    no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    if (no_new_privs != 1 && (no_new_privs != -1 || errno != EPERM)) {
        return BAD;
    }
    return geteuid() == 0 ? BAD : 0;
}

static void files_are_closed(void **state)
{
    (void)state;
    check_clean(status_of(files));
}

static void other_calls_are_refused(void **state)
{
    (void)state;
    check_clean(status_of(calls));
}

static void exec_is_deadly(void **state)
{
    int status;

    (void)state;
    status = status_of(exec_after_filter);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void all_of_it(void **state)
{
    (void)state;
    check_clean(status_of(enter));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_closed),
        cmocka_unit_test(other_calls_are_refused),
        cmocka_unit_test(exec_is_deadly),
        cmocka_unit_test(all_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
