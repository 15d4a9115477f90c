/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.c - see sandbox.h. The order matters: the filter comes last, it forbids what the others call. */
#include "egress/sandbox.h"

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <grp.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "base/log.h"

enum { NOBODY = 65534 };

/* A coverage build writes its counts to files at exit. */
extern void __gcov_dump(void) __attribute__((weak));

static bool is_instrumented(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#endif
#endif
    return __gcov_dump != NULL;
}

/* --- Files: Landlock with no rule at all ------------------------------------------------------ */

/* The rights that a kernel of this ABI knows; an unknown one would be refused. */
static uint64_t landlock_rights(long abi)
{
    uint64_t rights = (UINT64_C(1) << 13) - 1; /* execute .. make symlink */

    if (abi >= 2) {
        rights |= UINT64_C(1) << 13; /* refer */
    }
    if (abi >= 3) {
        rights |= UINT64_C(1) << 14; /* truncate */
    }
    if (abi >= 5) {
        rights |= UINT64_C(1) << 15; /* ioctl of devices */
    }
    return rights;
}

int sandbox_close_files(void)
{
    struct landlock_ruleset_attr attr = { 0 };
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    long fd;
    long rc;

    if (abi < 1) {
        return -E_IO;
    }
    attr.handled_access_fs = landlock_rights(abi);
    fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
    if (fd < 0) {
        return -E_IO;
    }
    rc = syscall(SYS_landlock_restrict_self, (int)fd, 0);
    (void)close((int)fd);
    return rc == 0 ? 0 : -E_IO;
}

/* --- System calls ----------------------------------------------------------------------------- */

/* What the loop, the sockets, libcurl, c-ares, OpenSSL and malloc call. */
static const int allowed_calls[] = {
    /* descriptors */
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(close),
    SCMP_SYS(fcntl),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(pipe2),
    SCMP_SYS(eventfd2),
    /* sockets */
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    /* time, random, threads, signals */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(tgkill),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

static const int allowed_families[] = { AF_INET, AF_INET6, AF_NETLINK };

/* What nobody here calls by mistake. */
static const int deadly_calls[] = { SCMP_SYS(execve), SCMP_SYS(execveat) };

static int filter_allow(scmp_filter_ctx filter, int call, unsigned arg, scmp_datum_t value)
{
    const struct scmp_arg_cmp rule = { .arg = arg, .op = SCMP_CMP_EQ, .datum_a = value };

    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &rule);
}

static int filter_fill(scmp_filter_ctx filter)
{
    size_t i;
    int rc = 0;

    for (i = 0; i < sizeof(allowed_calls) / sizeof(allowed_calls[0]); i++) {
        rc |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed_calls[i], 0);
    }
    for (i = 0; i < sizeof(allowed_families) / sizeof(allowed_families[0]); i++) {
        rc |= filter_allow(filter, SCMP_SYS(socket), 0, (scmp_datum_t)allowed_families[i]);
    }
    rc |= filter_allow(filter, SCMP_SYS(ioctl), 1, FIONBIO);
    rc |= filter_allow(filter, SCMP_SYS(ioctl), 1, FIONREAD);
    for (i = 0; i < sizeof(deadly_calls) / sizeof(deadly_calls[0]); i++) {
        rc |= seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly_calls[i], 0);
    }
    return rc;
}

int sandbox_filter_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int rc;

    if (filter == NULL) {
        return -E_IO;
    }
    rc = filter_fill(filter);
    if (rc == 0) {
        rc = seccomp_load(filter);
    }
    seccomp_release(filter);
    return rc == 0 ? 0 : -E_IO;
}

/* --- All of it -------------------------------------------------------------------------------- */

/* As root: become nobody. In a container that cannot, stay and say so. */
static void sandbox_drop_root(void)
{
    if (geteuid() != 0) {
        return;
    }
    if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) != 0) {
        LOG_W("egress stays root", "errno=%d", errno);
    }
}

int sandbox_enter(struct err *err)
{
    const struct rlimit none = { 0, 0 };

    sandbox_drop_root();
    /* After the change of user, which takes it back. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        setrlimit(RLIMIT_CORE, &none) != 0) {
        return err_set(err, -E_IO, "The sandbox of egress cannot be set up (errno %d).", errno);
    }
    if (is_instrumented()) {
        LOG_D("an instrumented build runs without sandbox", "process=%s", "egress");
        return 0;
    }
    if (sandbox_close_files() != 0) {
        LOG_W("this kernel has no Landlock; egress can see files", "errno=%d", errno);
    }
    if (sandbox_filter_calls() != 0) {
        LOG_W("this kernel has no seccomp; egress can make every system call", "errno=%d",
              errno);
    }
    return 0;
}
