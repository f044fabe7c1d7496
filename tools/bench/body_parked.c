/* task_parked_bytes: what a task costs in memory that waits in a channel, page tables included. */
#include "tools/bench/body.h"

#include <weft.h>

#include "tools/bench/memory.h"

struct crowd {
    weft_chan gate;
    uint64_t waiting; /* one worker runs them all, so a plain number will do */
    uint64_t sum;
};

static int wait_at_gate(void *argument)
{
    struct crowd *crowd = argument;
    uint64_t message;

    crowd->waiting++;
    int rc = weft_chan_take(crowd->gate, &message, WEFT_NEVER);
    if (rc == 0)
        crowd->sum += message;
    return rc;
}

static int gather(weft_scope scope, struct crowd *crowd, uint64_t count)
{
    int rc = 0;

    for (uint64_t i = 0; i < count; i++)
        (void)weft_go(scope, wait_at_gate, crowd);
    /* a task that failed to spawn never arrives, and its failure cancels the scope */
    while (rc == 0 && crowd->waiting < count && weft_scope_failures(scope) == 0)
        rc = weft_yield();
    return rc;
}

static int let_through(const struct crowd *crowd, uint64_t count)
{
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < count; i++)
        rc = weft_chan_put(crowd->gate, &i, WEFT_NEVER);
    return rc;
}

int weft__body_parked_run(void *argument)
{
    struct weft__body_run *run = argument;
    struct crowd crowd = { .gate = weft_chan_create(sizeof(uint64_t), 0) };
    weft_scope scope = weft_scope_open(NULL);

    uint64_t before = weft__memory_resident_bytes();
    int rc = gather(scope, &crowd, run->count);
    uint64_t after = weft__memory_resident_bytes();
    if (rc == 0 && weft_scope_failures(scope) == 0)
        rc = let_through(&crowd, run->count);
    (void)weft_chan_close(crowd.gate, 0); /* after an error: whoever waits still, waits no longer */
    int joined = weft_scope_close(scope);
    (void)weft_chan_release(crowd.gate);

    run->value = ((double)after - (double)before) / (double)run->count;
    run->checksum = crowd.sum;
    return rc < 0 ? rc : joined;
}
