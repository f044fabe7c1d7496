#include "tests/support/heap.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>

#include "numa/mallocx.h"

/* Source: sanitizer/allocator_interface.h. */
extern __attribute__((weak)) size_t __sanitizer_get_current_allocated_bytes(void);

/* jemalloc counts what lies in a cache of a thread as allocated; its figures stand still until the
 * epoch is moved. */
static int64_t ask_jemalloc(void)
{
    uint64_t epoch = 1;
    size_t bytes = 0;
    size_t room = sizeof(bytes);

    (void)mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    (void)mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch));
    return mallctl("stats.allocated", &bytes, &room, NULL, 0) == 0 ? (int64_t)bytes : -1;
}

int64_t heap_bytes(void)
{
    int64_t bytes = mallctl != NULL ? ask_jemalloc() : -1;

    if (bytes >= 0)
        return bytes;
    if (__sanitizer_get_current_allocated_bytes != NULL)
        return (int64_t)__sanitizer_get_current_allocated_bytes();
    struct mallinfo2 libc = mallinfo2();
    return (int64_t)(libc.uordblks + libc.hblkhd);
}

int64_t heap_mapped_bytes(void)
{
    char line[128];
    int64_t kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "re");

    if (status == NULL)
        return 0;
    while (fgets(line, sizeof(line), status) != NULL)
        if (sscanf(line, "VmData: %" SCNd64, &kilobytes) == 1)
            break;
    (void)fclose(status);
    return kilobytes * 1024;
}
