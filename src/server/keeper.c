/* SPDX-License-Identifier: Apache-2.0 */
/* keeper.c - one byte in, one socket out (SCM_RIGHTS). */
#include "server/keeper.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

enum { KEEPER_WAIT_S = 2, KEEPER_CHILD_FD = 3 };

struct keeper {
    int fd;
    pid_t pid;
};

/* In the grandchild: the socket becomes fd 3, everything else is closed, egress begins. */
static _Noreturn void keeper_exec(int fd)
{
    static char name[] = "postern";
    static char command[] = "egress";
    char *const argv[] = { name, command, NULL };
    sigset_t none;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (fd != KEEPER_CHILD_FD) {
        if (dup2(fd, KEEPER_CHILD_FD) < 0) {
            _exit(1);
        }
    } else if (fcntl(fd, F_SETFD, 0) < 0) {
        _exit(1);
    }
    (void)close_range(KEEPER_CHILD_FD + 1, ~0U, 0);
    (void)execv("/proc/self/exe", argv);
    _exit(1);
}

static int keeper_answer(int fd, int egress)
{
    char byte = egress < 0 ? '-' : '+';
    struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

    memset(&control, 0, sizeof(control));
    if (egress >= 0) {
        struct cmsghdr *c;

        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof(control.bytes);
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &egress, sizeof(int));
    }
    return sendmsg(fd, &msg, MSG_NOSIGNAL) == 1 ? 0 : -E_IO;
}

static void keeper_make(int fd)
{
    int pair[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        (void)keeper_answer(fd, -1);
        return;
    }
    pid = fork();
    if (pid == 0) {
        keeper_exec(pair[1]);
    }
    (void)close(pair[1]);
    (void)keeper_answer(fd, pid < 0 ? -1 : pair[0]);
    (void)close(pair[0]);
}

/* The keeper's whole life. Children are reaped by the kernel (SIGCHLD ignored). */
static _Noreturn void keeper_run(int fd)
{
    char byte;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_NAME, "postern-keeper");
    (void)signal(SIGCHLD, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN); /* a terminal sends it to all: serve decides when to end */
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    if (getppid() == 1) {
        _exit(0);
    }
    for (;;) {
        ssize_t n = recv(fd, &byte, 1, 0);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n != 1) {
            _exit(0);
        }
        keeper_make(fd);
    }
}

int keeper_start(struct keeper **ret_keeper)
{
    struct timeval wait = { .tv_sec = KEEPER_WAIT_S };
    struct keeper *k;
    int pair[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return -E_IO;
    }
    pid = fork();
    if (pid < 0) {
        (void)close(pair[0]);
        (void)close(pair[1]);
        return -E_IO;
    }
    if (pid == 0) {
        (void)close(pair[0]);
        keeper_run(pair[1]);
    }
    (void)close(pair[1]);
    (void)setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    k = xalloc(sizeof(*k));
    k->fd = pair[0];
    k->pid = pid;
    *ret_keeper = k;
    return 0;
}

int keeper_spawn(void *keeper)
{
    struct keeper *k = keeper;
    char byte = '?';
    struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr msg = { .msg_iov = &iov,
                          .msg_iovlen = 1,
                          .msg_control = control.bytes,
                          .msg_controllen = sizeof(control.bytes) };
    struct cmsghdr *c;
    int fd = -1;

    if (send(k->fd, &byte, 1, MSG_NOSIGNAL) != 1 ||
        recvmsg(k->fd, &msg, MSG_CMSG_CLOEXEC) != 1 || byte != '+') {
        LOG_E("the keeper did not start a sending process", "errno=%d", errno);
        return -1;
    }
    c = CMSG_FIRSTHDR(&msg);
    if (c == NULL || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int))) {
        return -1;
    }
    memcpy(&fd, CMSG_DATA(c), sizeof(int));
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

void keeper_stop(struct keeper *k)
{
    if (k == NULL) {
        return;
    }
    (void)close(k->fd);
    while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR) {
        continue;
    }
    free(k);
}
