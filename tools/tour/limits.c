#include "tools/tour/limits.h"

#include <sys/resource.h>

enum { OPEN_MOST = 256, LEFT_TO_OTHERS = 128 };

size_t weft__limits_open_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= OPEN_MOST + LEFT_TO_OTHERS)
        return OPEN_MOST;
    return limit.rlim_cur > LEFT_TO_OTHERS ? (size_t)limit.rlim_cur - LEFT_TO_OTHERS : 1;
}
