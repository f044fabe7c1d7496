/* The public headers in C++17: a task, a channel, a scope. Prints the sum of 1 to 100. */
#include <weft.h>

static int produce(void *argument)
{
    const weft_chan numbers = *static_cast<const weft_chan *>(argument);

    for (int i = 1; i <= 100; i++) {
        const int rc = weft_chan_put(numbers, &i, WEFT_NEVER);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int app(void *)
{
    weft_chan numbers = weft_chan_create(sizeof(int), 8);
    const weft_scope scope = weft_scope_open(nullptr);
    const weft_task producer = weft_go_copy(scope, produce, &numbers, sizeof(numbers));
    int rc = weft_chan_bind(numbers, producer);

    int sum = 0;
    int number = 0;
    while (rc == 0 && (rc = weft_chan_take(numbers, &number, WEFT_NEVER)) == 0)
        sum += number;
    const int joined = weft_scope_close(scope);
    weft_chan_release(numbers);
    weft_printf("%d\n", sum);
    return joined;
}

int main(int argc, char **argv)
{
    return weft_main(argc, argv, app, nullptr);
}
