#include "tests/support/bodies.h"

#include "tests/support/rig.h"

const weft_scope_options run_all = { .size = sizeof(run_all),
                                     .policy = WEFT_RUN_ALL,
                                     .until = { INT64_MAX } };

int end_well(void *argument)
{
    (void)argument;
    return 0;
}

int return_value(void *argument)
{
    return *(const int *)argument;
}

int end_on_message(void *argument)
{
    int value = 0;
    int rc = weft_chan_take(*(const weft_chan *)argument, &value, WEFT_NEVER);
    return rc < 0 ? rc : value;
}

weft_task start_return(weft_scope scope, int value)
{
    return weft_go_copy(scope, return_value, &value, sizeof(value));
}

weft_task start_end_on_message(weft_scope scope, weft_chan chan)
{
    weft_task task = weft_go_copy(scope, end_on_message, &chan, sizeof(chan));
    rig_await(task, WEFT_TASK_WAITING);
    return task;
}
