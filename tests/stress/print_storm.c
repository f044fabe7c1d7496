/*
 * S1: a storm of numbered lines of all lengths on standard output, which is a small pipe, one with
 * a slow reader, a file or a terminal: from tasks that print themselves, through one writer task,
 * from tasks and plain threads at once. Each line comes once and whole (the old runtimes tore them
 * apart, printed them twice, or died of it).
 */
#include <pthread.h>
#include <string.h>

#include "tests/support/lines.h"
#include "tests/support/stress.h"

enum { printers = 64, threads_count = 8 };

static struct {
    uint32_t count; /* of lines */
    _Atomic uint32_t next;
    weft_chan lines; /* of numbers, to the writer */
} storm;

/* The next line that nobody has printed; false: they are all taken. */
static bool take_number(uint32_t *out_number)
{
    *out_number = weft__add_relaxed(&storm.next, 1);
    return *out_number < storm.count;
}

static int print_some(void *argument)
{
    uint32_t number;

    (void)argument;
    while (take_number(&number)) {
        STRESS_CHECK(lines_print(number) > 0);
        if (stress_below(4) == 0)
            stress_maybe_yield();
    }
    return 0;
}

static int hand_over_some(void *argument)
{
    uint32_t number;

    (void)argument;
    while (take_number(&number)) {
        STRESS_EQUAL(weft_chan_put(storm.lines, &number, WEFT_NEVER), 0);
        if (stress_below(4) == 0)
            stress_maybe_yield();
    }
    return 0;
}

static int write_all(void *argument)
{
    uint32_t number;
    int rc;

    (void)argument;
    while ((rc = weft_chan_next(storm.lines, &number, WEFT_NEVER)) > 0)
        STRESS_CHECK(lines_print(number) > 0);
    return rc;
}

static void start_printers(weft_scope scope, weft_task_fn fn)
{
    for (uint32_t i = 0; i < printers; i++) {
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.migratable = i % 3 == 0);
        options.place = weft_place_spread();
        STRESS_CHECK(weft_spawn(scope, fn, NULL, &options) > 0);
    }
}

static int print_directly(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    start_printers(scope, print_some);
    return weft_scope_close(scope);
}

static int print_through_writer(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_scope writing = weft_scope_open(NULL);

    (void)argument;
    storm.lines = weft_chan_create(sizeof(uint32_t), stress_below(20));
    (void)weft_go(writing, write_all, NULL);
    start_printers(scope, hand_over_some);
    STRESS_EQUAL(weft_scope_close(scope), 0);
    STRESS_EQUAL(weft_chan_close(storm.lines, 0), 0);
    STRESS_EQUAL(weft_scope_close(writing), 0);
    return weft_chan_release(storm.lines);
}

static void *print_in_a_thread(void *argument)
{
    (void)print_some(argument);
    return NULL;
}

/* One storm into @sink; the main thread prints nothing meanwhile. */
static void blow(uint32_t workers, enum lines_sink sink, weft_task_fn body, uint32_t threads)
{
    pthread_t thread[threads_count];

    storm.next = 0;
    lines_begin_at(sink, storm.count);
    for (uint32_t i = 0; i < threads; i++)
        STRESS_EQUAL(pthread_create(&thread[i], NULL, print_in_a_thread, NULL), 0);
    stress_run(workers, NULL, body, NULL);
    for (uint32_t i = 0; i < threads; i++)
        STRESS_EQUAL(pthread_join(thread[i], NULL), 0);
    STRESS_EQUAL(lines_end(), 0);
}

static void blow_everywhere(uint32_t workers, weft_task_fn body, uint32_t threads)
{
    uint32_t repeats = stress_size(5, 1);

    storm.count = stress_size(10000, 500);
    for (uint32_t repeat = 0; repeat < repeats; repeat++)
        for (int sink = 0; sink < LINES_SINKS; sink++) {
            stress_round(repeat);
            blow(workers, (enum lines_sink)sink, body, threads);
        }
}

static void tasks_print(uint32_t workers)
{
    blow_everywhere(workers, print_directly, 0);
}

static void a_writer_prints(uint32_t workers)
{
    blow_everywhere(workers, print_through_writer, 0);
}

static void tasks_and_threads_print(uint32_t workers)
{
    blow_everywhere(workers, print_directly, threads_count);
}

static const struct stress_case cases[] = {
    STRESS_CASE(tasks_print),
    STRESS_CASE(a_writer_prints),
    STRESS_CASE(tasks_and_threads_print),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
