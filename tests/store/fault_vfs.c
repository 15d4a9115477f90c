/* SPDX-License-Identifier: Apache-2.0 */
#include "fault_vfs.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <time.h>

enum { HOLD_SECONDS_MAX = 20 };

struct fault_file {
    sqlite3_file base;
    bool is_wal;
    sqlite3_file *real; /* stands behind this struct */
};

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool full;
    bool write_error;
    bool sync_error;
    bool hold;
    bool held;
    unsigned syncs;
} faults = { .mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER };

static sqlite3_vfs fault_vfs;
static sqlite3_vfs *real_vfs;

static void set(bool *flag, bool on)
{
    (void)pthread_mutex_lock(&faults.mutex);
    *flag = on;
    (void)pthread_cond_broadcast(&faults.cond);
    (void)pthread_mutex_unlock(&faults.mutex);
}

void fault_vfs_full(bool on)
{
    set(&faults.full, on);
}

void fault_vfs_write_error(bool on)
{
    set(&faults.write_error, on);
}

void fault_vfs_sync_error(bool on)
{
    set(&faults.sync_error, on);
}

void fault_vfs_hold_sync(void)
{
    set(&faults.hold, true);
}

void fault_vfs_release_sync(void)
{
    set(&faults.hold, false);
}

void fault_vfs_reset(void)
{
    (void)pthread_mutex_lock(&faults.mutex);
    faults.full = false;
    faults.write_error = false;
    faults.sync_error = false;
    faults.hold = false;
    faults.held = false;
    faults.syncs = 0;
    (void)pthread_mutex_unlock(&faults.mutex);
}

bool fault_vfs_wait_held(void)
{
    struct timespec until;
    bool held;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += HOLD_SECONDS_MAX;
    (void)pthread_mutex_lock(&faults.mutex);
    while (!faults.held &&
           pthread_cond_timedwait(&faults.cond, &faults.mutex, &until) != ETIMEDOUT) {
    }
    held = faults.held;
    (void)pthread_mutex_unlock(&faults.mutex);
    return held;
}

unsigned fault_vfs_syncs(void)
{
    unsigned syncs;

    (void)pthread_mutex_lock(&faults.mutex);
    syncs = faults.syncs;
    (void)pthread_mutex_unlock(&faults.mutex);
    return syncs;
}

/*
 * --- The file's methods
 * -------------------------------------------------------------------------------
 */

static struct fault_file *file_of(sqlite3_file *file)
{
    return (struct fault_file *)(void *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return file_of(file)->real;
}

static int fault_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int fault_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 at)
{
    return real_of(file)->pMethods->xRead(real_of(file), bytes, len, at);
}

static int fault_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
    int rc = SQLITE_OK;

    (void)pthread_mutex_lock(&faults.mutex);
    if (file_of(file)->is_wal) {
        rc = faults.full ? SQLITE_FULL : faults.write_error ? SQLITE_IOERR_WRITE : SQLITE_OK;
    }
    (void)pthread_mutex_unlock(&faults.mutex);
    return rc != SQLITE_OK ? rc
                           : real_of(file)->pMethods->xWrite(real_of(file), bytes, len, at);
}

static int fault_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int fault_sync(sqlite3_file *file, int flags)
{
    int rc = real_of(file)->pMethods->xSync(real_of(file), flags);

    if (!file_of(file)->is_wal) {
        return rc;
    }
    (void)pthread_mutex_lock(&faults.mutex);
    while (faults.hold) {
        faults.held = true;
        (void)pthread_cond_broadcast(&faults.cond);
        (void)pthread_cond_wait(&faults.cond, &faults.mutex);
    }
    faults.held = false;
    if (faults.sync_error) {
        rc = SQLITE_IOERR_FSYNC;
    }
    faults.syncs += rc == SQLITE_OK;
    (void)pthread_mutex_unlock(&faults.mutex);
    return rc;
}

static int fault_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), ret_size);
}

static int fault_lock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xLock(real_of(file), lock);
}

static int fault_unlock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), lock);
}

static int fault_check_lock(sqlite3_file *file, int *ret_locked)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret_locked);
}

static int fault_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int fault_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int fault_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int fault_shm_map(sqlite3_file *file, int page, int size, int extend,
                         void volatile **ret_map)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, ret_map);
}

static int fault_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void fault_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int fault_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods fault_methods = {
    .iVersion = 2,
    .xClose = fault_close,
    .xRead = fault_read,
    .xWrite = fault_write,
    .xTruncate = fault_truncate,
    .xSync = fault_sync,
    .xFileSize = fault_size,
    .xLock = fault_lock,
    .xUnlock = fault_unlock,
    .xCheckReservedLock = fault_check_lock,
    .xFileControl = fault_control,
    .xSectorSize = fault_sector,
    .xDeviceCharacteristics = fault_characteristics,
    .xShmMap = fault_shm_map,
    .xShmLock = fault_shm_lock,
    .xShmBarrier = fault_shm_barrier,
    .xShmUnmap = fault_shm_unmap,
};

static int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                      int *ret_flags)
{
    struct fault_file *f = file_of(file);
    int rc;

    (void)vfs;
    f->real = (sqlite3_file *)(void *)(f + 1);
    f->is_wal = (flags & SQLITE_OPEN_WAL) != 0;
    rc = real_vfs->xOpen(real_vfs, name, f->real, flags, ret_flags);
    f->base.pMethods = f->real->pMethods == NULL ? NULL : &fault_methods;
    return rc;
}

void fault_vfs_register(void)
{
    if (real_vfs != NULL) {
        return;
    }
    real_vfs = sqlite3_vfs_find(NULL);
    fault_vfs = *real_vfs;
    fault_vfs.zName = FAULT_VFS;
    fault_vfs.szOsFile = (int)sizeof(struct fault_file) + real_vfs->szOsFile;
    fault_vfs.pNext = NULL;
    fault_vfs.xOpen = fault_open;
    (void)sqlite3_vfs_register(&fault_vfs, 0);
}
