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

int loop_well(size_t begin, size_t end, void *argument)
{
    (void)argument;
    return begin < end;
}

int tile_well(weft_range rows, weft_range columns, void *argument)
{
    (void)argument;
    return rows.begin < columns.end;
}

int reduce_well(size_t begin, size_t end, const void *input, void *partial)
{
    (void)input;
    (void)partial;
    return begin < end;
}

int scan_well(size_t begin, size_t end, void *argument, void *sum, int writes)
{
    (void)argument;
    (void)sum;
    return begin < end && writes;
}

int each_well(void *message, void *argument)
{
    return message != argument;
}

int run_well(uint32_t worker, void *argument)
{
    (void)argument;
    return (int)worker;
}

int fork_well(weft_strand *strand, void *argument)
{
    (void)strand;
    (void)argument;
    return 0;
}

/* All are equal. */
int none_before(const void *a, const void *b, const void *context)
{
    (void)a;
    (void)b;
    (void)context;
    return 0;
}
