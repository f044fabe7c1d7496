/*
 * wake_parked_rtt: two workers that sleep as soon as they are idle wake each other, a message each
 * way. The counters must show a sleep for each wake, else the figure would be that of spinning.
 */
#include "tools/bench/body.h"

#include <weft.h>

struct line {
    weft_chan there;
    weft_chan back;
    uint64_t rounds;
    uint64_t token;
    int64_t elapsed_ns;
    uint64_t parks;
};

static uint64_t count_parks(void)
{
    weft_counters counters = WEFT_COUNTERS_INIT;

    return weft_counters_read(0, -1, &counters) == 0 ? counters.parks : 0;
}

static int call(void *argument)
{
    struct line *line = argument;
    uint64_t parks = count_parks();
    int64_t start_ns = weft_clock();
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < line->rounds; i++) {
        rc = weft_chan_put(line->there, &line->token, WEFT_NEVER);
        if (rc == 0)
            rc = weft_chan_take(line->back, &line->token, WEFT_NEVER);
        line->token++;
    }
    line->elapsed_ns = weft_clock() - start_ns;
    line->parks = count_parks() - parks;
    return rc;
}

static int answer(void *argument)
{
    const struct line *line = argument;
    uint64_t token;
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < line->rounds; i++) {
        rc = weft_chan_take(line->there, &token, WEFT_NEVER);
        token++;
        if (rc == 0)
            rc = weft_chan_put(line->back, &token, WEFT_NEVER);
    }
    return rc;
}

int weft__body_wake_run(void *argument)
{
    struct weft__body_run *run = argument;
    struct line line = {
        .there = weft_chan_create(sizeof(uint64_t), 0),
        .back = weft_chan_create(sizeof(uint64_t), 0),
        .rounds = run->count,
    };

    weft_scope scope = weft_scope_open(NULL);
    (void)weft_spawn(scope, answer, &line,
                     &WEFT_SPAWN_OPTIONS(.place = weft_place_worker(1), .pinned = 1));
    (void)weft_spawn(scope, call, &line,
                     &WEFT_SPAWN_OPTIONS(.place = weft_place_worker(0), .pinned = 1));
    int rc = weft_scope_close(scope);

    (void)weft_chan_release(line.there);
    (void)weft_chan_release(line.back);
    run->value = (double)line.elapsed_ns / 1e3 / (double)run->count;
    run->checksum = line.token;
    run->parks_per_wake = (double)line.parks / (2 * (double)run->count);
    return rc;
}
