/*
 * What stress tests share: every case runs at 1, 2, 4 and 8 workers, with a printed seed, yields at
 * random, and a watchdog that ends the program when one round takes 30 seconds (more under a
 * sanitizer).
 *
 *   WEFT_SEED=n             replays the random choices of a run
 *   WEFT_STRESS_SCALE=n     runs an nth of the full size
 *   WEFT_STRESS_WORKERS=n   runs with n workers alone
 *   PROGRAM CASE            runs one case alone
 */
#ifndef WEFT_TESTS_SUPPORT_STRESS_H
#define WEFT_TESTS_SUPPORT_STRESS_H

#include <stdbool.h>
#include <stdio.h>
#include <weft.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"

enum { STRESS_SKIP = 77 };

#define STRESS_SANITIZED (WEFT__ASAN || WEFT__TSAN)

struct stress_case {
    const char *name;
    void (*run)(uint32_t workers); /* any thread of control is its own; called on the main thread */
};

#define STRESS_CASE(function) { #function, function }

/* Runs @cases at each count of workers, prints a line of TAP for each. Returns the exit status. */
int stress_main(int argc, char **argv, const struct stress_case *cases, size_t count);

/* @full divided by the scale, and by ten more under a sanitizer; at least @least. */
uint32_t stress_size(uint32_t full, uint32_t least);

/* @tasks, or the 4,000 that ThreadSanitizer can tell apart. */
uint32_t stress_live(uint32_t tasks);

/* A runtime with @workers; @options may be NULL. A failure ends the program. */
weft_runtime stress_start(uint32_t workers, const weft_runtime_options *options);

/* Stops it: all tasks must end, no wake-up may have been lost, no completion queue overflowed. */
void stress_stop(weft_runtime runtime);

/* Runs @body as a task of a runtime that is started and stopped for it. It must return 0. */
void stress_run(uint32_t workers, const weft_runtime_options *options, weft_task_fn body,
                void *argument);

/* A new round begins: the watchdog counts from here. */
void stress_round(uint64_t round);

/* Random numbers; each worker has a stream of its own, other threads share one. */
uint64_t stress_random(void);
uint32_t stress_below(uint32_t bound);

/* Yields, waits or computes for a moment, or does nothing. For tasks; errors of a cancel are
 * dropped. */
void stress_maybe_yield(void);

/* Computes for about @rounds nanoseconds without any call of weft. */
uint64_t stress_compute(uint32_t rounds);

/* As many as @wanted, or as there may be descriptors for, @each for one; raises the soft limit as
 * far as needed, and says so when even the hard one is too low. */
uint32_t stress_descriptors(uint32_t wanted, uint32_t each);

/* Open descriptors of this process. */
uint32_t stress_open_files(void);

/* Notes a breach and goes on. Safe in tasks with small stacks. */
void stress_fail(const char *file, int line, const char *condition, int64_t value);

#define STRESS_CHECK(condition)                                \
    do {                                                       \
        if (!(condition))                                      \
            stress_fail(__FILE__, __LINE__, #condition, 0);    \
    } while (0)

#define STRESS_EQUAL(got, want)                                                \
    do {                                                                       \
        int64_t stress_got = (int64_t)(got);                                   \
        if (stress_got != (int64_t)(want))                                     \
            stress_fail(__FILE__, __LINE__, #got " == " #want, stress_got);    \
    } while (0)

#endif
