/*
 * S12: our own helpers, used by all tasks at once: names of errors, sentences of failures, names of
 * tasks, rows of delays, words about the runtime. Each gives what it gave to one task alone (in the
 * old runtimes regular expressions and random numbers had a state that all threads shared).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/stress.h"

enum { tasks_count = 48, codes = 200, delays_count = 8, seeds = 16 };

static struct {
    const char *names[codes];
    int64_t delays[seeds][delays_count];
    char about[256];
} serial;

static void take_delays(uint64_t seed, int64_t out_delays[delays_count])
{
    weft_delays row;
    weft_delay_options options = WEFT_DELAY_OPTIONS(.count = delays_count, .jitter = 1);

    options.seed = seed + 1;
    STRESS_EQUAL(weft_delays_init(&row, &options), 0);
    for (int i = 0; i < delays_count; i++)
        out_delays[i] = weft_delays_next(&row);
    STRESS_EQUAL(weft_delays_next(&row), -ENODATA);
}

static void run_alone(void)
{
    for (int code = 0; code < codes; code++)
        serial.names[code] = weft_error_name(code);
    for (uint64_t seed = 0; seed < seeds; seed++)
        take_delays(seed, serial.delays[seed]);
    STRESS_CHECK(weft_runtime_about(0, serial.about, sizeof(serial.about)) > 0);
}

/* Its name and its sentence follow from its number. */
static int fail_in_words(void *argument)
{
    uint32_t number = *(const uint32_t *)argument;
    weft_error cause = WEFT_ERROR_INIT;

    (void)weft_yield();
    cause.code = -(int)(number % codes) - 1;
    (void)snprintf(cause.text, sizeof(cause.text), "cause %u", number);
    return weft_fail(-EIO, &cause, "%0*u", (int)(number % 60) + 10, number);
}

static void check_words(weft_scope scope, uint32_t number)
{
    char name[WEFT_NAME];
    char wanted[WEFT_ERROR_TEXT];
    weft_error error = WEFT_ERROR_INIT;

    (void)snprintf(name, sizeof(name), "task %u", number);
    weft_task task = weft_spawn(scope, fail_in_words, &number,
                                &WEFT_SPAWN_OPTIONS(.name = name, .copy_bytes = sizeof(number)));
    memset(name, 'x', sizeof(name));
    STRESS_EQUAL(weft_task_name_of(task, name), 0);
    (void)snprintf(wanted, sizeof(wanted), "task %u", number);
    STRESS_EQUAL(strcmp(name, wanted), 0);
    STRESS_EQUAL(weft_wait(task, WEFT_NEVER), -EIO);
    STRESS_EQUAL(weft_task_error_of(task, &error), 0);
    STRESS_EQUAL(strcmp(error.task_name, wanted), 0);
    (void)snprintf(wanted, sizeof(wanted), "%0*u: cause %u", (int)(number % 60) + 10, number,
                   number);
    STRESS_EQUAL(strcmp(error.text, wanted), 0);
}

static void check_helpers(void)
{
    int64_t delays[delays_count];
    char about[256];
    int code = (int)stress_below(codes);
    uint64_t seed = stress_below(seeds);

    STRESS_CHECK(weft_error_name(code) == serial.names[code]);
    STRESS_CHECK(weft_error_name(-code) == serial.names[code]);
    take_delays(seed, delays);
    STRESS_EQUAL(memcmp(delays, serial.delays[seed], sizeof(delays)), 0);
    STRESS_CHECK(weft_runtime_about(0, about, sizeof(about)) > 0);
    STRESS_EQUAL(strcmp(about, serial.about), 0);
}

static int hammer(void *argument)
{
    uint32_t number = *(const uint32_t *)argument;
    weft_scope scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));

    for (int i = 0; i < 10; i++) {
        check_helpers();
        check_words(scope, number * 1000 + (uint32_t)i);
        stress_maybe_yield();
    }
    STRESS_EQUAL(weft_scope_close(scope), -EIO);
    return 0;
}

static int hammer_all(void *argument)
{
    uint32_t rounds = stress_size(100, 3);

    (void)argument;
    run_alone();
    for (uint32_t round = 0; round < rounds; round++) {
        weft_scope scope = weft_scope_open(NULL);
        stress_round(round);
        for (uint32_t i = 0; i < tasks_count; i++) {
            weft_spawn_options options = WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(i));
            options.place = weft_place_spread();
            options.migratable = i % 2 == 0;
            (void)weft_spawn(scope, hammer, &i, &options);
        }
        STRESS_EQUAL(weft_scope_close(scope), 0);
    }
    return 0;
}

static void helpers_hammered(uint32_t workers)
{
    stress_run(workers, NULL, hammer_all, NULL);
}

static const struct stress_case cases[] = {
    STRESS_CASE(helpers_hammered),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
