#include "tools/tour/limits.h"

#include <sys/resource.h>

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

size_t weft__limits_open_files(void)
{
    int workers = weft_worker_count(0);

    return smaller(count_allowed(), (size_t)(workers > 0 ? workers : 1) * OPEN_FOR_EACH_WORKER);
}
