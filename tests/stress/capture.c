/*
 * Questions to running tasks, with and without patience, from several threads at once, while a
 * watchdog asks too: every answer must be for the question. Two kinds of tasks take turns on each
 * worker, each in a function of its own.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "runtime/sched/capture.h"
#include "runtime/sched/park.h"
#include "runtime/trace/roster.h"
#include "tests/support/stress.h"

enum { function_most = 4096, askers = 3, lanes_per_worker = 2, questions = 3000 };

static _Atomic bool over;
static _Atomic uint32_t asking;
static _Atomic uint64_t answers;
static _Atomic uint64_t unanswered;

#define COMPUTE(function)                                       \
    WEFT__NOIPA static void function(uint64_t *sum)             \
    {                                                           \
        for (uint32_t i = 0; i < 20000; i++)                    \
            __asm__ volatile("" : "+r"(*sum));                  \
    }

COMPUTE(compute_a)
COMPUTE(compute_b)

/* Never returns into its caller's frame by a jump: the function is to be on the stack. */
#define TAKE_TURNS(function, compute)                           \
    static int function(void *argument)                         \
    {                                                           \
        uint64_t sum = 0;                                       \
        (void)argument;                                         \
        while (!weft__load_relaxed(&over)) {                    \
            compute(&sum);                                      \
            (void)weft_yield();                                 \
        }                                                       \
        return 0;                                               \
    }

TAKE_TURNS(take_turns_a, compute_a)
TAKE_TURNS(take_turns_b, compute_b)

static void judge(const struct weft__task *copy, const struct weft__captured *captured);

/* The kind of the function that holds an address, its first instruction included; '?': of none. */
static char kind_at(uintptr_t address)
{
    const struct {
        uintptr_t function;
        char kind;
    } known[] = {
        { (uintptr_t)compute_a, 'a' },    { (uintptr_t)compute_b, 'b' },
        { (uintptr_t)take_turns_a, 'a' }, { (uintptr_t)take_turns_b, 'b' },
        { (uintptr_t)kind_at, '?' },      { (uintptr_t)judge, '?' },
    };
    uintptr_t nearest = function_most;
    char kind = '?';

    for (size_t i = 0; i < WEFT__COUNT(known); i++)
        if (address >= known[i].function && address - known[i].function < nearest) {
            nearest = address - known[i].function;
            kind = known[i].kind;
        }
    return kind;
}

/* Of the innermost frame that has one. */
static char kind_of(const struct weft__frames *frames)
{
    for (uint32_t i = 0; i < frames->count; i++)
        if (kind_at(frames->at[i]) != '?')
            return kind_at(frames->at[i]);
    return '?';
}

static void judge(const struct weft__task *copy, const struct weft__captured *captured)
{
    char wanted = copy->fn == take_turns_a ? 'a' : copy->fn == take_turns_b ? 'b' : '?';

    weft__add_relaxed(&answers, 1);
    if (wanted == '?' || captured->system_call >= 0 ||
        WEFT__TSAN) /* which delivers a signal later, with the registers of before */
        return;
    char kind = kind_of(&captured->frames);
    if (kind != '?') /* caught in the first instructions of a function, its caller is missing */
        STRESS_EQUAL(kind, wanted);
}

static void ask(struct weft__peek *peek, const struct weft__post *post)
{
    static const int64_t patience_ns[] = { 0, 1000, 50000, 10000000 };
    const struct weft__task *task = NULL;
    struct weft__captured captured;
    struct weft__stack stack;
    struct weft__task copy;

    if (!WEFT__PEEK_FIELD(peek, post->worker, current, &task) || task == NULL ||
        !weft__peek_copy(peek, task, &copy, sizeof(copy)) || copy.stack == NULL ||
        !weft__peek_copy(peek, copy.stack, &stack, sizeof(stack)))
        return;
    int rc = weft__capture_task(peek, post->thread, task, &stack,
                                patience_ns[stress_below(WEFT__COUNT(patience_ns))], &captured);
    if (rc == 0)
        judge(&copy, &captured);
    else
        weft__add_relaxed(&unanswered, 1);
    STRESS_CHECK(rc == 0 || rc == -ETIMEDOUT || rc == -EAGAIN);
}

static void *ask_on(void *argument)
{
    struct weft__roster *roster = argument;
    struct weft__peek peek;

    weft__peek_open(&peek);
    for (uint32_t i = 0; i < stress_size(questions, 100); i++)
        ask(&peek, &roster->posts[i % roster->count]);
    weft__peek_close(&peek);
    weft__sub_acqrel(&asking, 1);
    return NULL;
}

static int run_lanes(void *argument)
{
    static struct weft__roster roster;
    struct weft__peek peek;
    pthread_t threads[askers];
    weft_scope scope = weft_scope_open(NULL);
    int workers = weft_worker_count(0);

    (void)argument;
    weft__store_relaxed(&over, false);
    for (int i = 0; i < lanes_per_worker * workers; i++)
        STRESS_CHECK(weft_spawn(scope, i < workers ? take_turns_a : take_turns_b, NULL,
                                &WEFT_SPAWN_OPTIONS(.place = weft_place_worker(
                                                        (uint32_t)(i % workers)))) > 0);
    weft__peek_open(&peek);
    weft__roster_take(&roster, &peek);
    weft__peek_close(&peek);
    weft__store_relaxed(&asking, askers);
    for (int i = 0; i < askers; i++)
        STRESS_EQUAL(pthread_create(&threads[i], NULL, ask_on, &roster), 0);
    while (weft__load_acquire(&asking) > 0)
        (void)weft_yield();
    for (int i = 0; i < askers; i++)
        STRESS_EQUAL(pthread_join(threads[i], NULL), 0);
    weft__store_relaxed(&over, true);
    return weft_scope_close(scope);
}

static void answers_are_for_the_question(uint32_t workers)
{
    weft__store_relaxed(&answers, 0);
    weft__store_relaxed(&unanswered, 0);
    stress_round(0);
    stress_run(workers, &WEFT_RUNTIME_OPTIONS(.watchdog_ms = 1), run_lanes, NULL);
    printf("# %u workers: %llu answers, %llu questions without one\n", workers,
           (unsigned long long)weft__load_relaxed(&answers),
           (unsigned long long)weft__load_relaxed(&unanswered));
}

static const struct stress_case cases[] = {
    STRESS_CASE(answers_are_for_the_question),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
