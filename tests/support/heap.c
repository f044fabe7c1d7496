#include "tests/support/heap.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>

#include "numa/mallocx.h"

/* Source: sanitizer/allocator_interface.h. */
extern __attribute__((weak)) size_t __sanitizer_get_current_allocated_bytes(void);

/* One of jemalloc's figures, as of the last epoch; -1 where it is not linked or counts nothing. */
static int64_t ask_jemalloc(const char *figure)
{
    size_t bytes = 0;
    size_t room = sizeof(bytes);

    if (mallctl == NULL || mallctl(figure, &bytes, &room, NULL, 0) != 0)
        return -1;
    return (int64_t)bytes;
}

/* It counts what lies in a cache of a thread as allocated; its figures stand still until the epoch
 * is moved. */
static void bring_up_to_date(void)
{
    uint64_t epoch = 1;

    if (mallctl == NULL)
        return;
    (void)mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    (void)mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch));
}

int64_t heap_bytes(void)
{
    bring_up_to_date();
    int64_t bytes = ask_jemalloc("stats.allocated");

    if (bytes >= 0)
        return bytes;
    if (__sanitizer_get_current_allocated_bytes != NULL)
        return (int64_t)__sanitizer_get_current_allocated_bytes();
    struct mallinfo2 libc = mallinfo2();
    return (int64_t)(libc.uordblks + libc.hblkhd);
}

/* It maps a new piece when a thread first needs one there, however long the program has run. */
static int64_t mapped_by_allocator(void)
{
    bring_up_to_date();
    int64_t mapped = ask_jemalloc("stats.mapped");

    if (mapped >= 0)
        return mapped + ask_jemalloc("stats.retained");
    struct mallinfo2 libc = mallinfo2();
    return (int64_t)(libc.arena + libc.hblkhd);
}

int64_t heap_mapped_beside(void)
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
    return kilobytes * 1024 - mapped_by_allocator();
}
