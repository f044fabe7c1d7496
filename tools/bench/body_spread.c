/*
 * spread_accept: tasks made slowly one after another, as connections come to a server in quiet
 * times, with place spread. Each stays. The figure is the share of the busiest worker.
 */
#include "tools/bench/body.h"

#include <weft.h>

enum { most_workers = 64 };

struct crowd {
    weft_chan gate;
    uint64_t started[most_workers];
    uint64_t named;
};

static int stay(void *argument)
{
    struct crowd *crowd = argument;
    int worker = weft_worker_self();
    uint64_t number = 0;

    __atomic_fetch_add(&crowd->started[worker % most_workers], 1, __ATOMIC_RELAXED);
    int rc = weft_chan_take(crowd->gate, &number, WEFT_NEVER);
    __atomic_fetch_add(&crowd->named, number, __ATOMIC_RELAXED);
    return rc;
}

int weft__body_spread_run(void *argument)
{
    struct weft__body_run *run = argument;
    struct crowd crowd = { .gate = weft_chan_create(sizeof(uint64_t), 0) };
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());
    weft_scope scope = weft_scope_open(NULL);
    uint64_t busiest = 0;
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < run->count; i++) {
        weft_task task = weft_spawn(scope, stay, &crowd, &options);
        rc = task < 0 ? (int)task : weft_sleep(weft_after(2 * WEFT_MILLISECOND));
    }
    for (uint64_t i = 0; rc == 0 && i < run->count; i++)
        rc = weft_chan_put(crowd.gate, &i, WEFT_NEVER);
    int left = weft_scope_close(scope);
    (void)weft_chan_release(crowd.gate);
    for (int i = 0; i < most_workers; i++)
        if (crowd.started[i] > busiest)
            busiest = crowd.started[i];
    run->value = 100 * (double)busiest / (double)run->count;
    run->checksum = crowd.named;
    return rc < 0 ? rc : left;
}
