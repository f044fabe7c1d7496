/* blocking_call_rtt: a task calls a function on a helper thread, and goes on with its result. */
#include "tools/bench/body.h"

#include <weft.h>

static int64_t add_one(void *argument)
{
    uint64_t *token = argument;

    *token += 1;
    return 0;
}

int weft__body_blocking_run(void *argument)
{
    struct weft__body_run *run = argument;
    uint64_t token = 0;
    int64_t rc = weft_blocking_call(add_one, &token, NULL, WEFT_NEVER); /* starts a helper */

    token = 0;
    int64_t start_ns = weft_clock();
    for (uint64_t i = 0; rc >= 0 && i < run->count; i++) {
        rc = weft_blocking_call(add_one, &token, NULL, WEFT_NEVER);
        token++;
    }
    run->value = (double)(weft_clock() - start_ns) / 1e3 / (double)run->count;
    run->checksum = token;
    return rc < 0 ? (int)rc : 0;
}
