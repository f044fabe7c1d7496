/*
 * Dumps while everything changes. Two kinds of tasks take each other's records, names and stacks
 * over, as fast as they can: what a look without a lock tells of a task must be of one kind
 * throughout. And dumps while runtimes start and stop.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "runtime/sched/park.h"
#include "runtime/trace/sight.h"
#include "tests/support/stress.h"

enum {
    function_most = 4096,
    lanes = 4,
    laps = 100000,
    dumps = 400,
    starts = 60,
    sweeps_per_roster = 64
};

struct lane {
    weft_chan gate;
    uint32_t laps;
};

/* What the looker counts; it alone writes. */
static struct {
    uint64_t seen;
    uint64_t stacks;
} looks;

static _Atomic bool over;
static bool looks_late; /* the looker knows none of the workers, which start behind its roster */

/* Waits in its own function, so that its stack says of which kind it is. */
#define WAIT_AT_GATE(function)                                    \
    WEFT__NOIPA static int function(void *argument)                   \
    {                                                             \
        int nothing = 0;                                          \
        weft_chan gate = *(const weft_chan *)argument;            \
        int rc = weft_chan_take(gate, &nothing, WEFT_NEVER);      \
        __asm__ volatile("" ::: "memory");                        \
        return rc;                                                \
    }

WAIT_AT_GATE(wait_as_a)
WAIT_AT_GATE(wait_as_b)

#define SPAWN(function, body, text)                                            \
    WEFT__NOIPA static weft_task function(weft_scope scope, weft_chan *gate)   \
    {                                                                          \
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.name = (text));       \
        weft_task task = weft_spawn(scope, body, gate, &options);              \
        __asm__ volatile("" ::: "memory");                                     \
        return task;                                                           \
    }

SPAWN(spawn_a, wait_as_a, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
SPAWN(spawn_b, wait_as_b, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")

/* One task at a time, of a kind by chance: the next one gets the record of the last. */
static int run_lane(void *argument)
{
    struct lane *lane = argument;
    int nothing = 0;

    for (uint32_t i = 0; i < lane->laps; i++) {
        weft_scope scope = weft_scope_open(NULL);
        weft_task task = stress_below(2) == 0 ? spawn_a(scope, &lane->gate)
                                              : spawn_b(scope, &lane->gate);
        STRESS_CHECK(task > 0);
        stress_maybe_yield();
        STRESS_EQUAL(weft_chan_put(lane->gate, &nothing, WEFT_NEVER), 0);
        STRESS_EQUAL(weft_scope_close(scope), 0);
    }
    return 0;
}

static int run_lanes(void *argument)
{
    static struct lane all[lanes];
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < lanes; i++) {
        all[i] = (struct lane){ weft_chan_create(sizeof(int), 0), stress_size(laps, 200) };
        STRESS_CHECK(weft_go(scope, run_lane, &all[i]) > 0);
    }
    int rc = weft_scope_close(scope);
    for (int i = 0; i < lanes; i++)
        weft_chan_release(all[i].gate);
    return rc;
}

static bool is_in(uintptr_t address, const void *function)
{
    return address > (uintptr_t)function && address - (uintptr_t)function < function_most;
}

/* The nearest function before an address: the two of a kind lie behind each other. */
static char kind_at(uintptr_t address, const void *a, const void *b)
{
    bool in_a = is_in(address, a);
    bool in_b = is_in(address, b);

    if (in_a && in_b)
        return (uintptr_t)a > (uintptr_t)b ? 'a' : 'b';
    return (char)(in_a ? 'a' : in_b ? 'b' : '?');
}

static char kind_of_stack(const struct weft__frames *frames)
{
    for (uint32_t i = 0; i < frames->count; i++) {
        char kind = kind_at(frames->at[i], (const void *)(uintptr_t)wait_as_a,
                            (const void *)(uintptr_t)wait_as_b);
        if (kind != '?')
            return kind;
    }
    return '?';
}

static void judge(const struct weft__sight *sight)
{
    char kind = sight->name[0];
    char site = kind_at((uintptr_t)sight->site, (const void *)(uintptr_t)spawn_a,
                        (const void *)(uintptr_t)spawn_b);

    if (sight->foreign || sight->locked)
        return;
    if (kind != 'a' && kind != 'b') { /* a lane, or what called them */
        STRESS_EQUAL(kind, 0);
        STRESS_EQUAL(site, '?');
        return;
    }
    looks.seen++;
    STRESS_EQUAL(site, kind);
    for (int i = 0; i < WEFT_NAME - 1; i++)
        STRESS_EQUAL(sight->name[i], kind);
    if (sight->frames.count == 0 || sight->doing != WEFT__SIGHT_WAITS)
        return;
    char stack = kind_of_stack(&sight->frames);
    looks.stacks++;
    STRESS_EQUAL(stack, kind);
}

struct looker {
    struct weft__roster roster;
    struct weft__peek peek;
};

static bool look(void *context, struct weft__record *record)
{
    struct looker *looker = context;
    struct weft__sight sight;

    if (weft__sight_take(record, &looker->roster, &looker->peek, &sight))
        judge(&sight);
    return true;
}

static void *look_on(void *argument)
{
    static struct looker looker;

    (void)argument;
    weft__peek_open(&looker.peek);
    for (uint64_t sweep = 0; !weft__load_relaxed(&over); sweep++) {
        if (looks_late ? sweep == 0 : sweep % sweeps_per_roster == 0)
            weft__roster_take(&looker.roster, &looker.peek);
        (void)weft__record_each(WEFT__KIND_TASK, look, &looker);
    }
    weft__peek_close(&looker.peek);
    return NULL;
}

static void *dump_on(void *argument)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    (void)argument;
    while (!weft__load_relaxed(&over)) {
        int rc = weft_dump(null);
        STRESS_CHECK(rc >= 0 || rc == -EBUSY);
    }
    (void)close(null);
    return NULL;
}

static pthread_t start_thread(void *(*body)(void *argument))
{
    pthread_t thread;

    weft__store_relaxed(&over, false);
    STRESS_EQUAL(pthread_create(&thread, NULL, body, NULL), 0);
    return thread;
}

static void end_thread(pthread_t thread)
{
    weft__store_relaxed(&over, true);
    STRESS_EQUAL(pthread_join(thread, NULL), 0);
}

static void look_at_lanes(uint32_t workers)
{
    looks.seen = looks.stacks = 0;
    pthread_t thread = start_thread(look_on);

    stress_run(workers, NULL, run_lanes, NULL);
    end_thread(thread);
    printf("# %u workers: %llu looks at tasks, %llu at their stacks\n", workers,
           (unsigned long long)looks.seen, (unsigned long long)looks.stacks);
}

static void what_is_told_of_a_task_is_of_that_task(uint32_t workers)
{
    looks_late = false;
    look_at_lanes(workers);
}

static void it_is_so_with_a_roster_that_lacks_the_workers(uint32_t workers)
{
    looks_late = true;
    look_at_lanes(workers);
}

/* A dump by a task, which other dumps may keep busy. */
static int dump_often(void *argument)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    (void)argument;
    for (uint32_t i = 0; i < stress_size(dumps, 20); i++) {
        int rc = weft_dump(null);
        STRESS_CHECK(rc >= 1 || rc == -EBUSY);
        stress_maybe_yield();
    }
    (void)close(null);
    return 0;
}

static int dump_among_lanes(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    STRESS_CHECK(weft_go(scope, dump_often, NULL) > 0);
    STRESS_CHECK(weft_go(scope, dump_often, NULL) > 0);
    STRESS_EQUAL(run_lanes(argument), 0);
    return weft_scope_close(scope);
}

static void dumps_come_from_tasks_and_a_thread(uint32_t workers)
{
    pthread_t thread = start_thread(dump_on);

    stress_run(workers, NULL, dump_among_lanes, NULL);
    end_thread(thread);
}

static int wait_a_moment(void *argument)
{
    (void)argument;
    stress_maybe_yield();
    return 0;
}

static int spawn_some(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < lanes; i++)
        STRESS_CHECK(weft_go(scope, wait_a_moment, NULL) > 0);
    return weft_scope_close(scope);
}

static void dumps_while_runtimes_start_and_stop(uint32_t workers)
{
    pthread_t thread = start_thread(dump_on);

    for (uint32_t i = 0; i < stress_size(starts, 5); i++) {
        stress_round(i);
        stress_run(workers, NULL, spawn_some, NULL);
    }
    end_thread(thread);
}

static const struct stress_case cases[] = {
    STRESS_CASE(what_is_told_of_a_task_is_of_that_task),
    STRESS_CASE(it_is_so_with_a_roster_that_lacks_the_workers),
    STRESS_CASE(dumps_come_from_tasks_and_a_thread),
    STRESS_CASE(dumps_while_runtimes_start_and_stop),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
