/*
 * Folders. The open goes through the ring; reading entries has no io_uring operation, so it is a
 * call on a helper thread for every 32 KiB of them.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include <weft/blocking.h>
#include <weft/file.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/base/descriptor.h"
#include "runtime/base/sys.h"
#include "runtime/io/fd.h"
#include "runtime/io/operation.h"
#include "runtime/sched/error.h"
#include "runtime/sched/runtime.h"

enum { block_bytes = 32 * 1024 };

/* What getdents64(2) writes. */
struct kernel_entry {
    uint64_t inode;
    int64_t offset;
    uint16_t bytes;
    uint8_t type;
    char name[];
};

struct dir {
    struct weft__record record;
    int number;    /* (i) */
    bool busy;     /* (l) a task reads it */
    size_t filled; /* bytes of the block that hold entries; the reading task's */
    size_t at;     /* next entry in it */
    char *block;   /* (i) */
};

static struct weft__record_cache *own_cache(void)
{
    struct weft__worker *worker = weft__self_worker();
    return worker != NULL ? &worker->records : NULL;
}

static weft_dir make_dir(int number)
{
    weft__record_define(WEFT__KIND_DIR, sizeof(struct dir));
    char *block = weft__memory_alloc(WEFT__NODE_LOCAL, block_bytes);
    struct weft__record *record = block != NULL ? weft__record_new(WEFT__KIND_DIR, own_cache())
                                                : NULL;

    if (record == NULL || weft__descriptor_own(number, weft__record_handle(record)) < 0) {
        if (record != NULL)
            weft__record_free_locked(record, own_cache());
        weft__memory_free(block, block_bytes);
        (void)weft__sys_close(number);
        return -ENOMEM;
    }
    struct dir *dir = WEFT__CONTAINER(record, struct dir, record);
    dir->number = number;
    dir->busy = false;
    dir->filled = 0;
    dir->at = 0;
    dir->block = block;
    weft__record_unlock(record);
    return weft__record_handle(record);
}

weft_dir weft_dir_open(const char *path, weft_deadline until)
{
    WEFT_NEED(path);
    const struct weft__request request = {
        .opcode = WEFT__OP_OPENAT,
        .fd = AT_FDCWD,
        .address = path,
        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
    };
    int number = weft__operation_run(&request, until, 0, NULL);

    return number < 0 ? number : make_dir(number);
}

/* The locked folder behind a handle that nobody has closed. */
static struct dir *lock_open(weft_dir handle, int *out_error)
{
    struct weft__record *record = weft__record_lock(handle, WEFT__KIND_DIR, out_error);

    if (record == NULL) {
        *out_error = weft__fd_error(handle, *out_error);
        return NULL;
    }
    if (weft__record_has(record, WEFT__LIFE_ENDED)) {
        weft__record_unlock(record);
        *out_error = -EBADF;
        return NULL;
    }
    return WEFT__CONTAINER(record, struct dir, record);
}

/* Ends a closed folder that no task reads; it is locked. */
static int end_locked(struct dir *dir)
{
    int number = dir->number;
    weft_dir handle = weft__record_handle(&dir->record);

    weft__memory_free(dir->block, block_bytes);
    weft__record_free_locked(&dir->record, own_cache());
    return weft__descriptor_close(number, handle);
}

static int64_t read_block(void *argument)
{
    struct dir *dir = argument;
    ssize_t bytes = weft__sys_getdents(dir->number, dir->block, block_bytes);

    dir->at = 0;
    dir->filled = bytes > 0 ? (size_t)bytes : 0;
    return bytes;
}

static weft_file_kind kind_of(uint8_t type)
{
    switch (type) {
    case DT_REG: return WEFT_FILE_REGULAR;
    case DT_DIR: return WEFT_FILE_DIRECTORY;
    case DT_LNK: return WEFT_FILE_SYMLINK;
    case DT_FIFO: return WEFT_FILE_PIPE;
    case DT_SOCK: return WEFT_FILE_SOCKET;
    case DT_CHR: return WEFT_FILE_CHARACTER;
    case DT_BLK: return WEFT_FILE_BLOCK;
    default: return WEFT_FILE_UNKNOWN;
    }
}

static bool is_self_or_parent(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* The next entry of the block; false: it has none left. */
static bool next_in_block(struct dir *dir, weft_dir_entry *out_entry)
{
    while (dir->at < dir->filled) {
        const struct kernel_entry *found = (const struct kernel_entry *)(const void *)(dir->block +
                                                                                       dir->at);
        dir->at += found->bytes;
        size_t length = strnlen(found->name, sizeof(out_entry->name) - 1);
        if (is_self_or_parent(found->name))
            continue;
        out_entry->kind = kind_of(found->type);
        out_entry->inode = found->inode;
        memcpy(out_entry->name, found->name, length);
        out_entry->name[length] = '\0';
        return true;
    }
    return false;
}

static int next_entry(struct dir *dir, weft_dir_entry *out_entry, weft_deadline until)
{
    while (!next_in_block(dir, out_entry)) {
        int rc = (int)weft_blocking_call(read_block, dir, NULL, until);
        if (rc <= 0)
            return rc;
    }
    return 1;
}

/* Why @task (or a thread: NULL) may not read a locked folder now; 0: it may. */
static int refuse_locked(const struct weft__task *task, const struct dir *dir)
{
    if (task == NULL)
        return weft__error_outside();
    if (weft__task_canceled(task)) /* also when entries are there: a walk ends at once */
        return -ECANCELED;
    if (dir->busy)
        return -EBUSY;
    return weft__descriptor_is_owned(dir->number, weft__record_handle(&dir->record)) ? 0 : -EBADF;
}

int weft_dir_next(weft_dir dir, weft_dir_entry *out_entry, weft_deadline until)
{
    int rc = 0;

    WEFT_NEED(out_entry);
    struct dir *found = lock_open(dir, &rc);
    if (found == NULL)
        return rc;
    rc = refuse_locked(weft__worker_task(weft__self_worker()), found);
    if (rc == 0)
        found->busy = true;
    weft__record_unlock(&found->record);
    if (rc < 0)
        return rc;
    rc = next_entry(found, out_entry, until);
    weft__record_lock_own(&found->record);
    found->busy = false;
    if (weft__record_has(&found->record, WEFT__LIFE_ENDED)) /* closed meanwhile */
        (void)end_locked(found);
    else
        weft__record_unlock(&found->record);
    return rc;
}

/* While a task reads, the folder is only marked: the reader ends it. */
int weft_dir_close(weft_dir dir)
{
    int rc = 0;
    struct dir *found = lock_open(dir, &rc);

    if (found == NULL)
        return rc;
    if (!found->busy)
        return end_locked(found);
    weft__record_set_locked(&found->record, WEFT__LIFE_ENDED);
    weft__record_unlock(&found->record);
    return 0;
}
