/* task_switch: two tasks of one worker yield to each other. */
#include "tools/bench/body.h"

#include <errno.h>
#include <weft.h>

#include "tools/bench/checksum.h"

struct turns {
    uint64_t each; /* turns that each of the two takes */
    uint64_t sum;
    uint64_t arrived; /* tasks that have started */
    uint64_t named;   /* tasks that have begun to take turns */
};

static int take_turns(void *argument)
{
    struct turns *turns = argument;
    int rc = 0;

    turns->arrived++;
    while (rc == 0 && turns->arrived < 2)
        rc = weft_yield();

    uint64_t name = ++turns->named;
    for (uint64_t i = 0; rc == 0 && i < turns->each; i++) {
        turns->sum = weft__checksum_turn(turns->sum, name, i);
        rc = weft_yield();
    }
    return rc;
}

static uint64_t count_switches(void)
{
    weft_counters counters = WEFT_COUNTERS_INIT;

    return weft_counters_read(0, -1, &counters) == 0 ? counters.switches : 0;
}

int weft__body_switch_run(void *argument)
{
    struct weft__body_run *run = argument;
    struct turns turns = { .each = run->count / 2 };

    uint64_t switches = count_switches();
    int64_t start_ns = weft_clock();
    weft_scope scope = weft_scope_open(NULL);
    (void)weft_go(scope, take_turns, &turns);
    (void)weft_go(scope, take_turns, &turns);
    int rc = weft_scope_close(scope);
    int64_t elapsed_ns = weft_clock() - start_ns;

    run->value = (double)elapsed_ns / (double)run->count;
    run->checksum = turns.sum;
    if (rc == 0 && count_switches() - switches < run->count)
        return weft_fail(-EBADMSG, NULL, "the tasks did not switch");
    return rc;
}
