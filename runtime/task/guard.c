#include "runtime/task/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "runtime/base/atomic.h"
#include "runtime/base/fallback.h"
#include "runtime/base/sys.h"

enum {
    reserved_maps = 8192, /* left to the program and its libraries */
    maps_per_guard = 2,
    row_max = 32,
    unknown = -1
};

static _Atomic int markers = unknown; /* 1: guard markers work, 0: they do not */
static _Atomic int rows = unknown;    /* 0: one call for several guards does not work */
static _Atomic long budget = unknown; /* mprotect guards that may still be made */
static _Atomic bool canaries;         /* some stack has nothing else */

static long count_maps(void)
{
    char block[512];
    long lines = 0;
    ssize_t count;

    int fd = weft__sys_open("/proc/self/maps", 0, 0);
    if (fd < 0)
        return 0;
    while ((count = weft__sys_read(fd, block, sizeof(block))) > 0)
        for (ssize_t i = 0; i < count; i++)
            lines += block[i] == '\n';
    (void)weft__sys_close(fd);
    return lines;
}

static long map_limit(void)
{
    char text[32];

    if (weft__sys_read_file("/proc/sys/vm/max_map_count", text, sizeof(text)) > 0)
        return strtol(text, NULL, 10);
    return 65530; /* the kernel's default */
}

static long first_budget(void)
{
    long left = (map_limit() - count_maps() - reserved_maps) / maps_per_guard;
    return left > 0 ? left : 0;
}

static bool install_marker(void *low)
{
    if (weft__load_relaxed(&markers) == 0)
        return false;
    int rc = weft__sys_madvise(low, WEFT__GUARD_BYTES, WEFT__GUARD_INSTALL);
    if (weft__load_relaxed(&markers) == unknown)
        weft__store_relaxed(&markers, rc == 0);
    return rc == 0;
}

bool weft__guard_install_row(char *low, size_t stride, unsigned count)
{
    struct iovec guards[row_max];

    if (weft__load_relaxed(&rows) == 0 || weft__load_relaxed(&markers) == 0 || count > row_max)
        return false;
    for (unsigned i = 0; i < count; i++)
        guards[i] = (struct iovec){ low + i * stride, WEFT__GUARD_BYTES };
    ssize_t done = weft__sys_madvise_row(guards, count, WEFT__GUARD_INSTALL);
    if (done == (ssize_t)(count * WEFT__GUARD_BYTES))
        return true;
    WEFT__FALLBACK(GUARDS_ONE_BY_ONE);
    weft__store_relaxed(&rows, 0); /* an older kernel; those done are done again, one by one */
    return false;
}

enum weft__guard weft__guard_install(void *low)
{
    if (install_marker(low))
        return WEFT__GUARD_MARKED;
    if (weft__load_relaxed(&budget) == unknown) {
        long none = unknown;
        (void)weft__cas_relaxed(&budget, &none, first_budget());
    }
    if (weft__sub_relaxed(&budget, 1) > 0 &&
        weft__sys_mprotect(low, WEFT__GUARD_BYTES, PROT_NONE) == 0) {
        WEFT__FALLBACK(GUARD_BY_MPROTECT);
        return WEFT__GUARD_PROTECTED;
    }
    WEFT__FALLBACK(GUARD_CANARY);
    weft__add_relaxed(&budget, 1);
    weft__store_relaxed(&canaries, true);
    return WEFT__GUARD_NONE;
}

void weft__guard_give_back(long count)
{
    if (count > 0)
        weft__add_relaxed(&budget, count);
}

const char *weft__guard_method(void)
{
    if (weft__load_relaxed(&markers) != 0)
        return "guard markers";
    return weft__load_relaxed(&budget) != 0 ? "mprotect" : "canaries";
}

bool weft__guard_has_markers(void)
{
    if (weft__load_relaxed(&markers) == unknown) {
        void *trial = weft__sys_map(WEFT__GUARD_BYTES);
        if (trial != NULL) {
            (void)install_marker(trial);
            (void)weft__sys_unmap(trial, WEFT__GUARD_BYTES);
        }
    }
    return weft__load_relaxed(&markers) != 0;
}

bool weft__guard_has_canaries(void)
{
    return weft__load_relaxed(&canaries);
}

void weft__guard_look(struct weft__guard_facts *out_facts)
{
    long limit = map_limit();
    long left = (limit - reserved_maps) / maps_per_guard;

    *out_facts = (struct weft__guard_facts){ .map_limit = limit,
                                             .maps_kept = reserved_maps,
                                             .guards_most = left > 0 ? left : 0 };
}

void weft__guard_pretend(bool no_markers, long new_budget)
{
    weft__store_relaxed(&markers, no_markers ? 0 : unknown);
    weft__store_relaxed(&budget, new_budget);
}
