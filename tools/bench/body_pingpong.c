/* chan_pingpong_1w: two tasks of one worker pass a token to and fro over unbuffered channels. */
#include "tools/bench/body.h"

#include <weft.h>

struct table {
    weft_chan there;
    weft_chan back;
    uint64_t rounds;
    uint64_t token;
};

static int serve(void *argument)
{
    struct table *table = argument;
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < table->rounds; i++) {
        rc = weft_chan_put(table->there, &table->token, WEFT_NEVER);
        if (rc == 0)
            rc = weft_chan_take(table->back, &table->token, WEFT_NEVER);
        table->token++;
    }
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

int weft__body_pingpong_run(void *argument)
{
    struct weft__body_run *run = argument;
    struct table table = {
        .there = weft_chan_create(sizeof(uint64_t), 0),
        .back = weft_chan_create(sizeof(uint64_t), 0),
        .rounds = run->count,
    };

    int64_t start_ns = weft_clock();
    weft_scope scope = weft_scope_open(NULL);
    (void)weft_go(scope, serve, &table);
    (void)weft_go(scope, return_serve, &table);
    int rc = weft_scope_close(scope);
    int64_t elapsed_ns = weft_clock() - start_ns;

    (void)weft_chan_release(table.there);
    (void)weft_chan_release(table.back);
    run->value = (double)elapsed_ns / (double)run->count;
    run->checksum = table.token;
    return rc;
}
