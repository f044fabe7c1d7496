/* The public headers in C++17: a task, channels, a select, a scope, all options. Prints the sum of 1
 * to 100. */
#include <weft.h>

WEFT_CHAN(int);
WEFT_CHAN_NAMED(text_chan, const char *);

static int produce(void *argument)
{
    const int_chan numbers = *static_cast<const int_chan *>(argument);

    for (int i = 1; i <= 100; i++) {
        const int rc = int_chan_put(numbers, i, WEFT_NEVER);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int app(void *)
{
    int_chan numbers = int_chan_create(8);
    weft_scope_options until = WEFT_SCOPE_OPTIONS_INIT;
    until.policy = WEFT_RUN_ALL;
    until.until = weft_after(60 * WEFT_SECOND);
    const weft_scope scope = weft_scope_open(&until);
    weft_spawn_options named = WEFT_SPAWN_OPTIONS_INIT;
    named.name = "producer";
    named.place = weft_place_spread();
    named.copy_bytes = sizeof(numbers);
    const weft_task producer = weft_spawn(scope, produce, &numbers, &named);
    int rc = weft_chan_bind(numbers.chan, producer);

    int sum = 0;
    int number = 0;
    while (rc == 0 && (rc = int_chan_take(numbers, &number, WEFT_NEVER)) == 0)
        sum += number;
    weft_case ends[] = { WEFT_CASE_TASK(producer), int_chan_case_take(numbers, &number) };
    if (weft_select(ends, 1, WEFT_NEVER) != 0 || ends[0].result != 0 ||
        weft_try_select(ends + 1, 1) != 0)
        return -1;
    const int joined = weft_scope_close(scope);
    int_chan_release(numbers);
    weft_printf("%d\n", sum);
    return joined;
}

int main(int argc, char **argv)
{
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS_INIT;

    options.workers = 2;
    return weft_main(argc, argv, app, &options);
}
