#include "tests/support/turns.h"

#include "tests/support/rig.h"

int turn_put(void *argument)
{
    const struct turn *turn = argument;
    return weft_chan_put(turn->chan, &turn->value, turn->until);
}

int turn_take(void *argument)
{
    const struct turn *turn = argument;
    return weft_chan_take(turn->chan, turn->out, turn->until);
}

weft_task turn_start_put(weft_scope scope, weft_chan chan, int value)
{
    struct turn turn = { chan, value, WEFT_NEVER, NULL };
    return weft_go_copy(scope, turn_put, &turn, sizeof(turn));
}

weft_task turn_start_take(weft_scope scope, weft_chan chan, int *out)
{
    struct turn turn = { chan, 0, WEFT_NEVER, out };
    return weft_go_copy(scope, turn_take, &turn, sizeof(turn));
}

weft_task turn_await_put(weft_scope scope, weft_chan chan, int value)
{
    weft_task task = turn_start_put(scope, chan, value);
    rig_await(task, WEFT_TASK_WAITING);
    return task;
}

weft_task turn_await_take(weft_scope scope, weft_chan chan, int *out)
{
    weft_task task = turn_start_take(scope, chan, out);
    rig_await(task, WEFT_TASK_WAITING);
    return task;
}

int turn_take_now(weft_chan chan)
{
    int value = -1;
    int rc = weft_chan_take(chan, &value, WEFT_NEVER);
    return rc < 0 ? rc : value;
}
