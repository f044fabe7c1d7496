/*
 * A million tasks wait at the same time, each on a stack of its own, and all wake. Prints what each
 * costs: memory of the process and the page tables that the kernel keeps for it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/stress.h"

enum { million = 1000000, room_kib = 8 * 1024 * 1024 };

struct crowd {
    weft_chan gate;
    uint32_t count;
    _Atomic uint32_t waiting;
    _Atomic uint32_t woken;
};

/* A number of a file of /proc, in KiB; 0: it has none of that name. */
static uint64_t proc_kib(const char *path, const char *name)
{
    FILE *file = fopen(path, "r");
    char line[256];
    uint64_t value = 0;

    if (file == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtoull(line + strlen(name), NULL, 10);
    (void)fclose(file);
    return value;
}

static uint64_t used_kib(void)
{
    return proc_kib("/proc/self/status", "VmRSS:") + proc_kib("/proc/self/status", "VmPTE:");
}

static int wait_at_gate(void *argument)
{
    struct crowd *crowd = argument;

    weft__add_relaxed(&crowd->waiting, 1);
    STRESS_EQUAL(weft_chan_take(crowd->gate, NULL, WEFT_NEVER), -EPIPE);
    weft__add_relaxed(&crowd->woken, 1);
    return 0;
}

static int gather(void *argument)
{
    struct crowd *crowd = argument;
    weft_scope_options forgetting = WEFT_SCOPE_OPTIONS(.forget = 1);
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.stack_bytes = 0);
    weft_scope scope = weft_scope_open(&forgetting);
    uint64_t before = used_kib();

    for (uint32_t i = 0; i < crowd->count; i++) {
        options.place = weft_place_worker(i % (uint32_t)weft_worker_count(0));
        STRESS_CHECK(weft_spawn(scope, wait_at_gate, crowd, &options) > 0);
        if (i % 1024 == 0)
            (void)weft_yield();
        if (i % 100000 == 0)
            stress_round(i);
    }
    while (weft__load_relaxed(&crowd->waiting) < crowd->count)
        STRESS_EQUAL(weft_sleep(weft_after(WEFT_MILLISECOND)), 0);
    stress_round(crowd->count);
    printf("# %d workers: %" PRIu64 " bytes for each of %u parked tasks\n", weft_worker_count(0),
           (used_kib() - before) * 1024 / crowd->count, crowd->count);
    STRESS_EQUAL(crowd->woken, 0);
    STRESS_EQUAL(weft_chan_close(crowd->gate, 0), 0);
    STRESS_EQUAL(weft_scope_close(scope), 0);
    STRESS_EQUAL(crowd->woken, crowd->count);
    return weft_chan_release(crowd->gate);
}

static void parked(uint32_t workers)
{
    uint64_t available = proc_kib("/proc/meminfo", "MemAvailable:");
    struct crowd crowd = { .gate = weft_chan_create(0, 0) };

    crowd.count = stress_size(million * 10u, 100000);
    if (crowd.count > million)
        crowd.count = million;
    if (available < room_kib)
        crowd.count = (uint32_t)(crowd.count * available / room_kib);
    stress_run(workers, NULL, gather, &crowd);
}

static const struct stress_case cases[] = {
    STRESS_CASE(parked),
};

int main(int argc, char **argv)
{
    if (STRESS_SANITIZED) {
        puts("a sanitizer keeps more for each stack than this machine may have");
        return STRESS_SKIP;
    }
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
