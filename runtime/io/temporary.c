/* Files for a while. A name is tried with O_EXCL, so whoever has it already keeps it. */
#include "runtime/io/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <weft/temporary.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "runtime/base/fallback.h"
#include "runtime/base/sys.h"
#include "runtime/io/fd.h"
#include "runtime/sched/error.h"

enum { tries_most = 100, mode_own = 0600 };

/* Other processes may have the same seed, not the same number at the same time. */
void weft__temporary_name(char out_name[WEFT__TEMPORARY_LETTERS + 1])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
    struct weft__worker *worker = weft__self_worker();
    uint64_t bits = weft__random_next(&worker->random) ^ (uint64_t)weft__clock_now() ^
                    (uint64_t)weft__sys_process_id() << 32;
    struct weft__random random;

    weft__random_init(&random, bits);
    for (int i = 0; i < WEFT__TEMPORARY_LETTERS; i++)
        out_name[i] = letters[weft__random_below(&random, sizeof(letters) - 1)];
    out_name[WEFT__TEMPORARY_LETTERS] = '\0';
}

static const char *folder_or_default(const char *folder)
{
    if (folder != NULL)
        return folder;
    folder = getenv("TMPDIR");
    return folder != NULL && *folder != '\0' ? folder : "/tmp";
}

static int open_new(const char *path, unsigned flags, weft_deadline until)
{
    const struct weft__request request = {
        .opcode = WEFT__OP_OPENAT,
        .fd = AT_FDCWD,
        .address = path,
        .flags = flags | O_RDWR | O_CLOEXEC,
        .bytes = mode_own,
    };
    return weft__operation_run(&request, until, 0, NULL);
}

static void remove_quietly(const char *path)
{
    const struct weft__request request = { .opcode = WEFT__OP_UNLINKAT,
                                           .fd = AT_FDCWD,
                                           .address = path };
    (void)weft__operation_run(&request, WEFT_NEVER, WEFT__OPERATION_SHIELDED, NULL);
}

/* Makes the file of which @path has all but the last letters, which begin at @name. A number. */
static int open_named(const char *path, char *name, weft_deadline until)
{
    int number = -EEXIST;

    for (int i = 0; i < tries_most && number == -EEXIST; i++) {
        weft__temporary_name(name);
        number = open_new(path, O_CREAT | O_EXCL, until);
    }
    if (number == -ECANCELED || number == -ETIMEDOUT)
        remove_quietly(path); /* it may have been made */
    return number;
}

/* "folder/prefix" and room for the letters; NULL: no memory. */
static char *make_path(const char *folder, const char *prefix, char **out_name, size_t *out_bytes)
{
    size_t folder_length = strlen(folder);
    size_t prefix_length = strlen(prefix);
    size_t bytes = folder_length + 1 + prefix_length + WEFT__TEMPORARY_LETTERS + 1;
    char *path = weft__memory_alloc(WEFT__NODE_LOCAL, bytes);

    if (path == NULL)
        return NULL;
    memcpy(path, folder, folder_length);
    path[folder_length] = '/';
    memcpy(path + folder_length + 1, prefix, prefix_length);
    *out_name = path + folder_length + 1 + prefix_length;
    *out_bytes = bytes;
    return path;
}

/* Where the file system has no files without a name: one that loses its own. */
static int open_and_remove(const char *folder, weft_deadline until)
{
    char *name;
    size_t bytes;
    char *path = make_path(folder, ".weft-", &name, &bytes);

    if (path == NULL)
        return -ENOMEM;
    int number = open_named(path, name, until);
    if (number >= 0)
        remove_quietly(path);
    weft__memory_free(path, bytes);
    return number;
}

weft_fd weft_temporary_open(const char *folder, weft_deadline until)
{
    if (weft__worker_task(weft__self_worker()) == NULL)
        return weft__error_outside();
    folder = folder_or_default(folder);
    int number = open_new(folder, O_TMPFILE, until);
    if (number == -EOPNOTSUPP || number == -EISDIR) {
        WEFT__FALLBACK(TEMPORARY_NAMED);
        number = open_and_remove(folder, until);
    }
    return number < 0 ? number : weft__fd_take(number);
}

weft_fd weft_temporary_create(const char *folder, const char *prefix, char *out_path,
                              size_t path_bytes, weft_deadline until)
{
    char *name;
    size_t bytes;

    WEFT_NEED(prefix);
    WEFT_NEED(out_path);
    if (weft__worker_task(weft__self_worker()) == NULL)
        return weft__error_outside();
    char *path = make_path(folder_or_default(folder), prefix, &name, &bytes);
    if (path == NULL)
        return -ENOMEM;
    int number = bytes <= path_bytes ? open_named(path, name, until) : -ENAMETOOLONG;
    weft_fd fd = number < 0 ? number : weft__fd_take(number);
    if (fd > 0)
        memcpy(out_path, path, bytes);
    else if (number >= 0)
        remove_quietly(path);
    weft__memory_free(path, bytes);
    return fd;
}
