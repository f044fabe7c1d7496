#include "tools/tour/limits.h"

#include <errno.h>
#include <sys/resource.h>

#include "tools/tour/plain.h"

/* 256 for two workers were slower than 64 by a sixth: their blocks no longer fit into the cache. */
enum { OPEN_FOR_EACH_WORKER = 32, OPEN_MOST = 256, LEFT_TO_OTHERS = 128 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t count_allowed(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= OPEN_MOST + LEFT_TO_OTHERS)
        return OPEN_MOST;
    return limit.rlim_cur > LEFT_TO_OTHERS ? (size_t)limit.rlim_cur - LEFT_TO_OTHERS : 1;
}

/* Looked at once for each large file, and never for others: a stat of every file would be work that
 * one way is better at than another. */
int weft__limits_check(const char *path, uint64_t before, uint64_t after)
{
    struct stat info;

    if (before >= WEFT__LIMITS_ENDLESS_BYTES || after < WEFT__LIMITS_ENDLESS_BYTES)
        return 0;
    if (weft__plain_lstat(path, &info) < 0)
        return 0; /* it is gone, and what is open of it is a file on disk */
    bool honest = (uint64_t)info.st_size >= WEFT__LIMITS_ENDLESS_BYTES &&
                  !weft__plain_in_proc(path);
    return honest ? 0 : -EFBIG;
}

size_t weft__limits_open_files(void)
{
    int workers = weft_worker_count(0);

    return smaller(count_allowed(), (size_t)(workers > 0 ? workers : 1) * OPEN_FOR_EACH_WORKER);
}
