/*
 * Faults on purpose, inside tasks, for the test of the sanitizer builds: planted_fault WHICH
 * "sanitizer" prints what this build was made for; "none" does the same work without a fault.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>

#include "runtime/base/compiler.h"

enum { rounds = 1000 };

/* What the compiler must not see through, or it leaves the fault out. */
static volatile int hidden_index = 8;
static volatile int hidden_large = INT_MAX;

static const char *which;
static volatile uint64_t counter; /* each increment is made */
static int present;               /* tasks that count */

static bool planted(const char *name)
{
    return strcmp(which, name) == 0;
}

static int use_heap(void *argument)
{
    int *volatile hidden = malloc(sizeof(*hidden));

    (void)argument;
    if (hidden == NULL)
        return -1;
    *hidden = 1;
    if (planted("heap")) {
        free(hidden);
        return *hidden;
    }
    int got = *hidden;
    free(hidden);
    return got == 1 ? 0 : -1;
}

/* The switch lies between the array and its misuse: the sanitizer must know the task's stack. */
static int use_stack(void *argument)
{
    int array[8] = { 0 };
    int *volatile hidden = array;

    (void)argument;
    (void)weft_yield();
    if (planted("stack"))
        return hidden[hidden_index];
    return hidden[hidden_index - 1];
}

static int use_numbers(void *argument)
{
    (void)argument;
    return hidden_large + (planted("overflow") ? 1 : 0) == INT_MAX ? 0 : -1;
}

static int count(void *argument)
{
    (void)argument;
    __atomic_fetch_add(&present, 1, __ATOMIC_RELAXED); /* no order: both just run at once */
    while (__atomic_load_n(&present, __ATOMIC_RELAXED) < 2)
        (void)weft_yield();
    for (int i = 0; i < rounds; i++) {
        if (planted("race")) /* all that a worker does in between orders the two */
            for (int k = 0; k < rounds; k++)
                counter++;
        else
            __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
        (void)weft_yield();
    }
    return 0;
}

static int app(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    (void)weft_go(scope, use_heap, NULL);
    (void)weft_go(scope, use_stack, NULL);
    (void)weft_go(scope, use_numbers, NULL);
    for (uint32_t worker = 0; worker < 2; worker++) {
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(worker),
                                                        .pinned = 1);
        (void)weft_spawn(scope, count, NULL, &options);
    }
    return weft_scope_close(scope);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 99;
    which = argv[1];
    if (planted("sanitizer")) {
        (void)puts(WEFT__ASAN ? "asan" : WEFT__TSAN ? "tsan" : "none");
        return 0;
    }
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = 2);
    return weft_main(argc, argv, app, &options);
}
