/*
 * What must survive a switch: deep stacks of every class, the floating-point control word, the
 * signal mask, errno, the addresses of thread-local data, and the frames of a C library that calls
 * back.
 */
#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/stress.h"

struct crowd {
    uint32_t tasks;
    uint32_t rounds;
    weft_task_fn body;
    weft_spawn_options options;
    weft_runtime runtime;
    _Atomic uint32_t ended;
};

/* Some wait that does not fail, of any kind. */
static void wait_somehow(void)
{
    weft_chan chan;
    int message = 7;

    switch (stress_below(5)) {
    case 0: STRESS_EQUAL(weft_sleep(weft_after(stress_below(100) * WEFT_MICROSECOND)), 0); break;
    case 1:
        chan = weft_chan_create(sizeof(message), 0);
        STRESS_EQUAL(weft_chan_take(chan, &message, weft_after(100 * WEFT_MICROSECOND)),
                     -ETIMEDOUT);
        STRESS_EQUAL(weft_chan_release(chan), 0);
        break;
    case 2: STRESS_EQUAL(weft_poll(), 0); break;
    default: STRESS_EQUAL(weft_yield(), 0); break;
    }
}

/* @tasks of @body at once, again and again. */
static int gather(void *argument)
{
    struct crowd *crowd = argument;
    weft_scope scope = weft_scope_open(NULL);

    for (uint32_t i = 0; i < crowd->tasks; i++)
        STRESS_CHECK(weft_spawn(scope, crowd->body, crowd, &crowd->options) > 0);
    return weft_scope_close(scope);
}

static void run_crowd(weft_runtime runtime, struct crowd crowd, uint32_t times)
{
    crowd.runtime = runtime;
    crowd.options.size = sizeof(crowd.options);
    for (uint32_t i = 0; i < times; i++) {
        stress_round(i);
        STRESS_EQUAL(weft_call(runtime, gather, &crowd), 0);
        STRESS_EQUAL(weft__load_relaxed(&crowd.ended), crowd.tasks * (i + 1));
    }
}

/* ---- deep recursion
 * ------------------------------------------------------------------------------ */

static size_t stack_bytes; /* of the class under test */

static size_t depth_of(const char *start)
{
    return (size_t)(start - (const char *)__builtin_frame_address(0));
}

/* Goes down to what is left after the colour of the top and a page for the calls at the bottom. */
static WEFT__NOINLINE uint64_t descend(const char *start, uint32_t level)
{
    unsigned char frame[64 + 16];
    uint64_t below;

    memset(frame, (int)(level & 0xFF), sizeof(frame));
    if (depth_of(start) + 6 * 1024 < stack_bytes) {
        below = descend(start, level + 1);
        if (level % 64 == 0)
            wait_somehow();
    } else {
        for (int i = 0; i < 4; i++)
            wait_somehow();
        below = 0;
    }
    for (size_t i = 0; i < sizeof(frame); i++)
        if (frame[i] != (level & 0xFF))
            stress_fail(__FILE__, __LINE__, "a frame has changed under its owner", (int64_t)level);
    return below + frame[level % sizeof(frame)];
}

static int recurse(void *argument)
{
    struct crowd *crowd = argument;

    STRESS_CHECK(descend(__builtin_frame_address(0), 0) > 0);
    weft__add_relaxed(&crowd->ended, 1);
    return 0;
}

static void deep_recursion(uint32_t workers)
{
    static const size_t classes[] = { 16 * 1024, 64 * 1024, 256 * 1024, 1024 * 1024 };
    weft_runtime runtime = stress_start(workers, NULL);

    for (size_t i = 0; i < WEFT__COUNT(classes); i++) {
        struct crowd crowd = { .tasks = 32, .body = recurse };
        stack_bytes = classes[i];
        crowd.options.stack_bytes = stack_bytes;
        crowd.options.migratable = i % 2 == 1;
        run_crowd(runtime, crowd, stress_size(200, STRESS_SANITIZED ? 3 : 10));
    }
    stress_stop(runtime);
}

/* ---- the floating-point control word
 * ------------------------------------------------------------- */

static double third(void)
{
    volatile double one = 1.0;
    volatile double three = 3.0;

    return one / three; /* differs in its last bit with the direction of rounding */
}

static int keep_rounding(void *argument)
{
    static const int directions[] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };
    struct crowd *crowd = argument;
    int mine = directions[stress_below(4)];

    STRESS_EQUAL(fegetround(), FE_TONEAREST); /* a new task has the default */
    STRESS_EQUAL(fegetexcept(), 0);
    STRESS_EQUAL(fesetround(mine), 0);
    if (mine == FE_UPWARD)
        STRESS_CHECK(feenableexcept(FE_DIVBYZERO) == 0);
    double before = third();
    for (uint32_t i = 0; i < crowd->rounds; i++) {
        wait_somehow();
        STRESS_EQUAL(fegetround(), mine);
        STRESS_CHECK(third() == before);
        STRESS_EQUAL(fegetexcept(), mine == FE_UPWARD ? FE_DIVBYZERO : 0);
    }
    weft__add_relaxed(&crowd->ended, 1);
    return 0;
}

static void control_word(uint32_t workers)
{
    weft_runtime runtime = stress_start(workers, NULL);
    struct crowd crowd = { .tasks = 200, .rounds = 20, .body = keep_rounding };

    run_crowd(runtime, crowd, stress_size(200, STRESS_SANITIZED ? 3 : 10));
    crowd.options.migratable = 1;
    run_crowd(runtime, crowd, stress_size(200, STRESS_SANITIZED ? 3 : 10));
    stress_stop(runtime);
    STRESS_EQUAL(fegetround(), FE_TONEAREST);
}

/* ---- thread state
 * -------------------------------------------------------------------------------- */

static _Thread_local int thread_data;

/* Asked anew each time: a compiler may keep the address across a call that it does not know. */
static WEFT__NOINLINE int *thread_place(void)
{
    int *place = &thread_data;

    __asm__ volatile("" : "+r"(place));
    return place;
}

static WEFT__NOINLINE int errno_now(void)
{
    return errno;
}

static WEFT__NOINLINE void errno_put(int value)
{
    errno = value;
}

/* One wait of the kinds that keep errno: all but yield and poll. */
static void wait_keeping_errno(struct crowd *crowd, weft_task partner)
{
    weft_chan chan;

    switch (stress_below(4)) {
    case 0: STRESS_EQUAL(weft_sleep(weft_after(10 * WEFT_MICROSECOND)), 0); break;
    case 1:
        chan = weft_chan_create(0, 0);
        STRESS_EQUAL(weft_chan_take(chan, NULL, weft_after(10 * WEFT_MICROSECOND)), -ETIMEDOUT);
        STRESS_EQUAL(weft_chan_release(chan), 0);
        break;
    case 2: STRESS_EQUAL(weft_wait(partner, WEFT_NEVER), 0); break;
    default: STRESS_EQUAL(weft_open("/nowhere/at/all", 0, 0, WEFT_NEVER), -ENOENT); break;
    }
    STRESS_EQUAL(weft_runtime_self(), crowd->runtime);
}

static int spoil_errno(void *argument)
{
    (void)argument;
    errno_put(EXDEV);
    stress_maybe_yield();
    return 0;
}

static int keep_thread_state(void *argument)
{
    struct crowd *crowd = argument;
    bool moves = crowd->options.migratable != 0;
    weft_scope scope = weft_scope_open(NULL);
    weft_task self = weft_self();
    int worker = weft_worker_self();
    int *place = thread_place();
    int value = 1000 + (int)stress_below(1000);
    sigset_t before = { 0 }; /* the kernel fills eight bytes of it */
    sigset_t after = { 0 };

    STRESS_EQUAL(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
    for (uint32_t i = 0; i < crowd->rounds; i++) {
        weft_task partner = weft_go(scope, spoil_errno, NULL);
        errno_put(value);
        wait_keeping_errno(crowd, partner);
        STRESS_EQUAL(errno_now(), value);
        wait_somehow();
        STRESS_EQUAL(weft_self(), self);
        STRESS_CHECK(weft_worker_self() >= 0 && weft_worker_self() < weft_worker_count(0));
        STRESS_CHECK(moves || (weft_worker_self() == worker && thread_place() == place));
        (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
        STRESS_EQUAL(memcmp(&before, &after, sizeof(before)), 0);
        STRESS_EQUAL(weft_task_state_of(self), WEFT_TASK_RUNNING);
    }
    weft__add_relaxed(&crowd->ended, 1);
    return weft_scope_close(scope);
}

static void thread_state(uint32_t workers)
{
    weft_runtime runtime = stress_start(workers, NULL);
    struct crowd crowd = { .tasks = 100, .rounds = 20, .body = keep_thread_state };

    run_crowd(runtime, crowd, stress_size(200, STRESS_SANITIZED ? 3 : 10));
    crowd.options.migratable = 1;
    run_crowd(runtime, crowd, stress_size(200, STRESS_SANITIZED ? 3 : 10));
    stress_stop(runtime);
}

/* ---- callbacks of the C library
 * ------------------------------------------------------------------ */

enum { sorted = 120 };

static int compare_waiting(const void *left, const void *right)
{
    const uint32_t *a = left;
    const uint32_t *b = right;

    if (stress_below(16) == 0)
        wait_somehow();
    return (*a > *b) - (*a < *b);
}

static int sort_numbers(void *argument)
{
    struct crowd *crowd = argument;
    uint32_t numbers[sorted];
    uint64_t sum = 0;

    for (uint32_t i = 0; i < sorted; i++) {
        numbers[i] = stress_below(1000000);
        sum += numbers[i];
    }
    qsort(numbers, sorted, sizeof(numbers[0]), compare_waiting);
    for (uint32_t i = 0; i < sorted; i++) {
        STRESS_CHECK(i == 0 || numbers[i - 1] <= numbers[i]);
        sum -= numbers[i];
    }
    STRESS_EQUAL(sum, 0);
    uint32_t key = numbers[stress_below(sorted)];
    STRESS_CHECK(bsearch(&key, numbers, sorted, sizeof(key), compare_waiting) != NULL);
    weft__add_relaxed(&crowd->ended, 1);
    return 0;
}

static void wait_in_callbacks(uint32_t workers)
{
    weft_runtime runtime = stress_start(workers, NULL);
    struct crowd crowd = { .tasks = 100, .body = sort_numbers };

    run_crowd(runtime, crowd, stress_size(200, STRESS_SANITIZED ? 3 : 10));
    crowd.options.migratable = 1;
    run_crowd(runtime, crowd, stress_size(200, STRESS_SANITIZED ? 3 : 10));
    stress_stop(runtime);
}

/* ---- tasks that move
 * ----------------------------------------------------------------------------- */

static int move_about(void *argument)
{
    struct crowd *crowd = argument;
    weft_scope_options limits = WEFT_SCOPE_OPTIONS(.policy = WEFT_FIRST_ERROR);

    limits.until = weft_after(3600 * WEFT_SECOND);
    for (uint32_t i = 0; i < crowd->rounds; i++) {
        weft_scope scope = weft_scope_open(stress_below(2) == 0 ? &limits : NULL);
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.migratable = 1);
        weft_task child = weft_spawn(scope, spoil_errno, NULL, &options);
        wait_somehow();
        if (stress_below(2) == 0)
            STRESS_EQUAL(weft_wait(child, WEFT_NEVER), 0);
        (void)stress_compute(stress_below(1000));
        STRESS_EQUAL(weft_scope_close(scope), 0);
    }
    weft__add_relaxed(&crowd->ended, 1);
    return 0;
}

static void movers(uint32_t workers)
{
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.migratable = 1);
    weft_runtime runtime = stress_start(workers, &options);
    struct crowd crowd = { .tasks = 50, .rounds = 40, .body = move_about };

    run_crowd(runtime, crowd, stress_size(400, STRESS_SANITIZED ? 3 : 20));
    stress_stop(runtime);
}

static const struct stress_case cases[] = {
    STRESS_CASE(deep_recursion),    STRESS_CASE(control_word), STRESS_CASE(thread_state),
    STRESS_CASE(wait_in_callbacks), STRESS_CASE(movers),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
