/*
 * A runtime starts, gets tasks that do all kinds of things for ever, and stops: a thousand times.
 * The tasks end, and no descriptor, thread, mapping or memory is left. Some rounds have two
 * runtimes at once.
 */
#include <dirent.h>
#include <errno.h>

#include "tests/support/heap.h"
#include "tests/support/stress.h"

enum {
    most_tasks = 40,
    heap_slack = 8 * 1024,          /* over all cycles: tables of libc grow now and then */
    mapped_slack = 2 * 1024 * 1024, /* records of tasks are kept, as many as ever lived at once */
    mappings_slack = 50             /* those, and what the allocator maps */
};

struct cycle {
    weft_chan silent;
    weft_fd pipe[2];
    _Atomic uint32_t spawned;
    _Atomic uint32_t ended;
};

static uint32_t entries_of(const char *path)
{
    uint32_t count = 0;
    DIR *folder = opendir(path);

    if (folder == NULL)
        return 0;
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

static uint32_t count_mappings(void)
{
    uint32_t count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");

    if (maps == NULL)
        return 0;
    for (int c; (c = getc(maps)) != EOF;)
        count += c == '\n';
    (void)fclose(maps);
    return count;
}

/* ---- tasks that end by a cancel alone -------------------------------------------------------- */

static int end(struct cycle *cycle, int rc)
{
    STRESS_EQUAL(rc, -ECANCELED);
    weft__add_relaxed(&cycle->ended, 1);
    return rc;
}

static int sleeps(void *argument)
{
    return end(argument, weft_sleep(weft_after(3600 * WEFT_SECOND)));
}

static int takes(void *argument)
{
    struct cycle *cycle = argument;

    return end(cycle, weft_chan_take(cycle->silent, NULL, WEFT_NEVER));
}

static int reads(void *argument)
{
    struct cycle *cycle = argument;
    char byte;

    return end(cycle, (int)weft_read(cycle->pipe[0], &byte, 1, WEFT_NEVER));
}

static int yields(void *argument)
{
    int rc;

    while ((rc = weft_yield()) == 0)
        (void)stress_compute(100);
    return end(argument, rc);
}

static int polls(void *argument)
{
    int rc;

    while ((rc = weft_poll()) == 0)
        (void)stress_compute(100);
    return end(argument, rc);
}

static int waits_for_child(void *argument)
{
    struct cycle *cycle = argument;
    weft_scope scope = weft_scope_open(NULL);
    weft_task child = weft_go(scope, sleeps, cycle);

    STRESS_CHECK(child > 0);
    weft__add_relaxed(&cycle->spawned, 1);
    int rc = weft_wait(child, WEFT_NEVER);
    STRESS_EQUAL(weft_scope_close(scope), -ECANCELED);
    return end(cycle, rc);
}

/* Spawns detached tasks until it is told to stop, and is refused then. */
static int spawns(void *argument)
{
    struct cycle *cycle = argument;
    weft_task task;

    do {
        task = weft_go(WEFT_DETACHED, sleeps, cycle);
        weft__add_relaxed(&cycle->spawned, task > 0);
        STRESS_CHECK(task > 0 || task == -ESHUTDOWN);
        (void)!weft_sleep(weft_after(100 * WEFT_MICROSECOND));
    } while (!weft_canceled());
    return end(cycle, weft_yield());
}

static int fill(void *argument)
{
    static const weft_task_fn bodies[] = { sleeps, takes,           reads, yields,
                                           polls,  waits_for_child, spawns };
    struct cycle *cycle = argument;
    uint32_t count = stress_below(most_tasks);

    for (uint32_t i = 0; i < count; i++) {
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());
        options.migratable = stress_below(4) == 0;
        weft_task_fn body = bodies[stress_below(WEFT__COUNT(bodies))];
        STRESS_CHECK(weft_spawn(WEFT_DETACHED, body, cycle, &options) > 0);
        weft__add_relaxed(&cycle->spawned, 1);
        if (stress_below(8) == 0)
            stress_maybe_yield();
    }
    return 0;
}

static void run_cycle(uint32_t workers, bool two)
{
    struct cycle cycle = { .silent = weft_chan_create(0, 0) };

    STRESS_EQUAL(weft_pipe(cycle.pipe), 0);
    weft_runtime runtime = stress_start(workers, NULL);
    weft_runtime other = two ? stress_start(workers, NULL) : 0;
    STRESS_EQUAL(weft_call(runtime, fill, &cycle), 0);
    if (two) {
        STRESS_EQUAL(weft_call(other, fill, &cycle), 0);
        stress_stop(other);
    }
    stress_stop(runtime);
    STRESS_EQUAL(weft_call(runtime, fill, &cycle), -ESRCH);
    STRESS_EQUAL(cycle.ended, cycle.spawned);
    STRESS_EQUAL(weft_close(cycle.pipe[0]), 0);
    STRESS_EQUAL(weft_close(cycle.pipe[1]), 0);
    STRESS_EQUAL(weft_chan_release(cycle.silent), 0);
}

/* What the process holds. All of it is looked at from the main thread, with no runtime alive. */
struct holdings {
    uint32_t files;
    uint32_t threads;
    uint32_t mappings;
    int64_t heap;
    int64_t mapped;
};

static struct holdings take_stock(void)
{
    return (struct holdings){ stress_open_files(), entries_of("/proc/self/task"), count_mappings(),
                              heap_bytes(), heap_mapped_beside() };
}

static void compare(const struct holdings *before, const struct holdings *after)
{
    STRESS_EQUAL(after->files, before->files);
    STRESS_EQUAL(after->threads, before->threads);
    if (after->heap > before->heap + heap_slack)
        STRESS_EQUAL(after->heap, before->heap);
    if (!WEFT__TSAN) /* which maps memory of its own for each thread that ever was */
        STRESS_CHECK(after->mappings < before->mappings + mappings_slack);
    if (!STRESS_SANITIZED && after->mapped > before->mapped + mapped_slack)
        STRESS_EQUAL(after->mapped, before->mapped);
}

static void cycles(uint32_t workers)
{
    uint32_t rounds = stress_size(25000, STRESS_SANITIZED ? 20 : 250);
    uint32_t warm_up = rounds / 5;
    struct holdings before = { .files = 0 };

    for (uint32_t round = 0; round < rounds; round++) {
        if (round == warm_up)
            before = take_stock();
        stress_round(round);
        run_cycle(workers, stress_below(8) == 0);
    }
    struct holdings after = take_stock();
    compare(&before, &after);
}

static const struct stress_case cases[] = {
    STRESS_CASE(cycles),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
