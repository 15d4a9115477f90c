/* SPDX-License-Identifier: Apache-2.0 */
/* bench_cpu.c - what /proc says of the server's processes. One that ends meanwhile is left out. */
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/bench.h"

enum { FILE_TEXT_MAX = 4096, PATH_TEXT_MAX = 64 };

/* At most size - 1 bytes of /proc/PID/NAME, NUL-terminated; the number of bytes, 0 when there is none. */
static size_t read_proc(int pid, const char *name, char *ret_text, size_t size)
{
    char path[PATH_TEXT_MAX];
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    n = read(fd, ret_text, size - 1);
    (void)close(fd);
    if (n <= 0) {
        return 0;
    }
    ret_text[n] = '\0';
    return (size_t)n;
}

/* Fields of stat behind the name in brackets, which may hold blanks: 3 is the state. */
static bool read_stat(int pid, int64_t *ret_parent, int64_t *ret_cpu_us)
{
    char text[FILE_TEXT_MAX];
    struct str left;
    struct str field;
    const char *bracket;
    int64_t ticks = 0;
    int64_t parent = 0;

    if (read_proc(pid, "stat", text, sizeof(text)) == 0) {
        return false;
    }
    bracket = strrchr(text, ')');
    if (bracket == NULL || bracket[1] != ' ') {
        return false;
    }
    left = str_from(bracket + 2);
    for (int number = 3; number <= 15 && str_split(&left, ' ', &field); number++) {
        int64_t value = 0;

        if (number == 4 && str_to_int(field, 0, INT64_MAX, &parent) != 0) {
            return false;
        }
        if (number >= 14 && str_to_int(field, 0, INT64_MAX, &value) == 0) {
            ticks += value;
        }
    }
    *ret_parent = parent;
    *ret_cpu_us = ticks * 1000000 / sysconf(_SC_CLK_TCK);
    return true;
}

static int64_t read_memory(int pid)
{
    char text[FILE_TEXT_MAX];
    const char *at;
    int64_t kib = 0;
    struct str value;

    if (read_proc(pid, "status", text, sizeof(text)) == 0) {
        return 0;
    }
    at = strstr(text, "VmHWM:");
    if (at == NULL) {
        return 0;
    }
    at += strcspn(at, "0123456789");
    value = (struct str){ at, strspn(at, "0123456789") };
    return str_to_int(value, 0, INT64_MAX / 1024, &kib) == 0 ? kib * 1024 : 0;
}

/* The word behind the program's name: serve or egress. The keeper is a fork of serve, one level below it. */
static bool has_word(int pid, const char *word)
{
    char text[FILE_TEXT_MAX];
    size_t len = read_proc(pid, "cmdline", text, sizeof(text));
    size_t first = strnlen(text, len) + 1;

    return len > 0 && first < len && strcmp(text + first, word) == 0;
}

static void describe(int pid, bool is_root, struct bench_process *ret)
{
    const char *name = is_root ? "serve" : has_word(pid, "egress") ? "egress" : "keeper";

    (void)snprintf(ret->name, sizeof(ret->name), "%s", name);
    ret->pid = pid;
    ret->memory = read_memory(pid);
}

/* The pid in a name of /proc, 0 when it is none. */
static int pid_of(const char *name)
{
    int64_t pid = 0;

    return str_to_int(str_from(name), 1, INT32_MAX, &pid) == 0 ? (int)pid : 0;
}

static bool is_listed(const struct bench_process *list, size_t count, int64_t pid)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].pid == pid) {
            return true;
        }
    }
    return false;
}

static int is_process(const struct dirent *entry)
{
    return pid_of(entry->d_name) != 0;
}

/* The pids of all processes in *ret_list (free()); how many. */
static size_t list_processes(int **ret_list)
{
    struct dirent **entries = NULL;
    int count = scandir("/proc", &entries, is_process, alphasort);
    int *list = xcalloc(count > 0 ? (size_t)count : 1, sizeof(list[0]));

    for (int i = 0; i < count; i++) {
        list[i] = pid_of(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    *ret_list = list;
    return count > 0 ? (size_t)count : 0;
}

/* One pass over all processes: adds those whose parent is listed. The number added. */
static size_t add_children(struct bench_process *list, size_t *count)
{
    size_t before = *count;
    int *pids = NULL;
    size_t pid_count = list_processes(&pids);

    for (size_t i = 0; i < pid_count && *count < BENCH_PROCESSES_MAX; i++) {
        int64_t parent = 0;
        int64_t cpu = 0;

        if (read_stat(pids[i], &parent, &cpu) && is_listed(list, *count, parent) &&
            !is_listed(list, *count, pids[i])) {
            describe(pids[i], false, &list[*count]);
            list[*count].cpu_us = cpu;
            (*count)++;
        }
    }
    free(pids);
    return *count - before;
}

size_t bench_read_processes(int pid, struct bench_process *ret_list)
{
    int64_t parent = 0;
    int64_t cpu = 0;
    size_t count = 0;
    size_t added;

    if (pid <= 0 || !read_stat(pid, &parent, &cpu)) {
        return 0;
    }
    describe(pid, true, &ret_list[0]);
    ret_list[0].cpu_us = cpu;
    count = 1;
    /* Until a pass finds nothing new: a process may have a smaller pid than its parent. */
    do {
        added = add_children(ret_list, &count);
    } while (added > 0);
    return count;
}

/* `serve` of this very program. The keeper has the same words; its parent is the server itself. */
static bool is_server(int pid, const struct stat *self)
{
    char path[PATH_TEXT_MAX];
    struct stat other;
    int64_t parent = 0;
    int64_t cpu = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
    if (stat(path, &other) != 0 || other.st_ino != self->st_ino ||
        other.st_dev != self->st_dev) {
        return false;
    }
    return has_word(pid, "serve") && read_stat(pid, &parent, &cpu) &&
           !has_word((int)parent, "serve");
}

int bench_find_server(void)
{
    struct stat self;
    int *pids = NULL;
    size_t count;
    int found = 0;
    size_t servers = 0;

    if (stat("/proc/self/exe", &self) != 0) {
        return 0;
    }
    count = list_processes(&pids);
    for (size_t i = 0; i < count; i++) {
        if (is_server(pids[i], &self)) {
            found = pids[i];
            servers++;
        }
    }
    free(pids);
    return servers == 1 ? found : 0;
}
