/*
 * Two tasks pass a token to and fro over unbuffered channels: on one worker, pinned to two, or
 * where the runtime puts them. Where the workers shall sleep between, the counters must show a
 * sleep for each wake, else the figure would be that of spinning.
 */
#include "tools/bench/body.h"

#include <weft.h>

struct table {
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

static int serve(void *argument)
{
    struct table *table = argument;
    uint64_t parks = count_parks();
    int64_t start_ns = weft_clock();
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < table->rounds; i++) {
        rc = weft_chan_put(table->there, &table->token, WEFT_NEVER);
        if (rc == 0)
            rc = weft_chan_take(table->back, &table->token, WEFT_NEVER);
        table->token++;
    }
    table->elapsed_ns = weft_clock() - start_ns;
    table->parks = count_parks() - parks;
    return rc;
}

static int return_serve(void *argument)
{
    const struct table *table = argument;
    uint64_t token;
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < table->rounds; i++) {
        rc = weft_chan_take(table->there, &token, WEFT_NEVER);
        token++;
        if (rc == 0)
            rc = weft_chan_put(table->back, &token, WEFT_NEVER);
    }
    return rc;
}

/* One game; @far: the two are pinned to two workers. */
static int play(struct weft__body_run *run, struct table *table, int far)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.pinned = far);

    table->there = weft_chan_create(sizeof(uint64_t), 0);
    table->back = weft_chan_create(sizeof(uint64_t), 0);
    table->rounds = run->count;
    weft_scope scope = weft_scope_open(NULL);
    if (far)
        options.place = weft_place_worker(1);
    (void)weft_spawn(scope, return_serve, table, &options);
    if (far)
        options.place = weft_place_worker(0);
    (void)weft_spawn(scope, serve, table, &options);
    int rc = weft_scope_close(scope);
    (void)weft_chan_release(table->there);
    (void)weft_chan_release(table->back);
    run->value = (double)table->elapsed_ns / (double)run->count;
    run->checksum = table->token;
    return rc;
}

int weft__body_pingpong_run(void *argument)
{
    struct table table = { .token = 0 };
    return play(argument, &table, 0);
}

int weft__body_pingpong_run_far(void *argument)
{
    struct table table = { .token = 0 };
    return play(argument, &table, 1);
}

int weft__body_pingpong_run_parked(void *argument)
{
    struct weft__body_run *run = argument;
    struct table table = { .token = 0 };
    int rc = play(run, &table, 1);

    run->parks_per_wake = (double)table.parks / (2 * (double)run->count);
    return rc;
}

/* In microseconds. */
int weft__body_pingpong_run_wake(void *argument)
{
    struct weft__body_run *run = argument;
    int rc = weft__body_pingpong_run_parked(argument);

    run->value /= 1e3;
    return rc;
}
