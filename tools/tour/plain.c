#include "tools/tour/plain.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

/* O_NONBLOCK means nothing for files on disk; a pipe that took a file's place must not hang us. */
int weft__plain_open(const char *path, uint64_t *calls)
{
    int number = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);

    ++*calls;
    return number < 0 ? -errno : number;
}

ssize_t weft__plain_read(int number, void *buffer, size_t bytes, uint64_t *calls)
{
    ssize_t got;

    do {
        got = read(number, buffer, bytes);
        ++*calls;
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

void weft__plain_close(int number, uint64_t *calls)
{
    (void)close(number);
    ++*calls;
}

int weft__plain_stat(const char *path, struct stat *out_info)
{
    return stat(path, out_info) < 0 ? -errno : 0;
}

int weft__plain_lstat(const char *path, struct stat *out_info)
{
    return lstat(path, out_info) < 0 ? -errno : 0;
}

bool weft__plain_in_proc(const char *path)
{
    struct statfs system;

    return statfs(path, &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}
