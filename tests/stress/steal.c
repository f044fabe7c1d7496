/*
 * Fresh tasks that wait on a worker that computes go to idle workers; migratable ones move after
 * their waits; pinned ones never do. Every task runs once, whoever runs it.
 */
#include "tests/support/stress.h"

enum { crowd = 64, bounces = 30, most_workers = 8 };

struct heap {
    _Atomic uint32_t ran[crowd];
    _Atomic uint32_t total;
    _Atomic uint64_t on[most_workers]; /* tasks that each worker has run */
    weft_task_fn body;
    weft_spawn_options options;
};

struct piece {
    struct heap *heap;
    uint32_t index;
};

static void note_run(const struct piece *piece)
{
    struct heap *heap = piece->heap;

    weft__add_relaxed(&heap->ran[piece->index], 1);
    weft__add_relaxed(&heap->total, 1);
    weft__add_relaxed(&heap->on[weft_worker_self()], 1);
}

static int compute(void *argument)
{
    for (int i = 0; i < 20; i++) {
        (void)stress_compute(20000);
        STRESS_EQUAL(weft_poll(), 0);
    }
    note_run(argument);
    return 0;
}

/* The same without a poll: its worker publishes what else it has between two of them. */
static int compute_silently(void *argument)
{
    (void)stress_compute(400000);
    note_run(argument);
    return 0;
}

static int bounce(void *argument)
{
    const struct piece *piece = argument;
    weft_task self = weft_self();

    for (int i = 0; i < bounces; i++) {
        (void)stress_compute(2000);
        if (stress_below(2) == 0)
            STRESS_EQUAL(weft_yield(), 0);
        else
            STRESS_EQUAL(weft_sleep(weft_after(stress_below(100) * WEFT_MICROSECOND)), 0);
        STRESS_EQUAL(weft_self(), self);
        weft__add_relaxed(&piece->heap->on[weft_worker_self()], 1);
    }
    note_run(argument);
    return 0;
}

static int stay(void *argument)
{
    uint32_t place = *(uint32_t *)argument;

    for (int i = 0; i < 4; i++) {
        STRESS_EQUAL(weft_worker_self(), place);
        (void)stress_compute(5000);
        stress_maybe_yield();
    }
    STRESS_EQUAL(weft_worker_self(), place);
    return 0;
}

/* All tasks start out on the worker of this one. */
static int spawn_heap(void *argument)
{
    struct heap *heap = argument;
    weft_spawn_options options = heap->options;
    weft_scope scope = weft_scope_open(NULL);

    options.copy_bytes = sizeof(struct piece);
    for (uint32_t i = 0; i < crowd; i++) {
        struct piece piece = { heap, i };
        STRESS_CHECK(weft_spawn(scope, heap->body, &piece, &options) > 0);
    }
    return weft_scope_close(scope);
}

static uint32_t workers_that_ran(struct heap *heap)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < most_workers; i++)
        count += weft__load_relaxed(&heap->on[i]) != 0;
    return count;
}

/* Again and again until each worker has had some of the work, which is a matter of chance in one
 * round, and of few rounds in all: the watchdog sees to that. */
static void spread_work(uint32_t workers, weft_task_fn body, bool migratable)
{
    struct heap heap = { .body = body, .options = WEFT_SPAWN_OPTIONS(.migratable = migratable) };
    weft_counters counters = WEFT_COUNTERS_INIT;
    weft_runtime runtime = stress_start(workers, NULL);
    uint32_t least = stress_size(100, 4);
    uint32_t round = 0;

    stress_round(0);
    for (; round < least || workers_that_ran(&heap) < workers; round++) {
        if (round < least)
            stress_round(round);
        STRESS_EQUAL(weft_call(runtime, spawn_heap, &heap), 0);
    }
    STRESS_EQUAL(heap.total, crowd * round);
    for (uint32_t i = 0; i < crowd; i++)
        STRESS_EQUAL(heap.ran[i], round);
    STRESS_EQUAL(weft_counters_read(runtime, -1, &counters), 0);
    STRESS_CHECK(workers == 1 ? counters.steals == 0 : counters.steals > 0);
    stress_stop(runtime);
}

static void fresh_tasks(uint32_t workers)
{
    spread_work(workers, compute, false);
}

static void fresh_tasks_without_polls(uint32_t workers)
{
    spread_work(workers, compute_silently, false);
}

static void migratable_tasks(uint32_t workers)
{
    spread_work(workers, bounce, true);
}

static int spawn_pinned(void *argument)
{
    uint32_t workers = (uint32_t)weft_worker_count(0);
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (uint32_t i = 0; i < crowd; i++) {
        uint32_t place = stress_below(workers);
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(place),
                                                        .copy_bytes = sizeof(place));
        options.migratable = stress_below(2) == 0; /* the place is stronger */
        if (stress_below(2) == 0) {
            place = (uint32_t)weft_worker_self();
            options.place = weft_place_local();
            options.pinned = 1;
        }
        STRESS_CHECK(weft_spawn(scope, stay, &place, &options) > 0);
    }
    return weft_scope_close(scope);
}

static void pinned_tasks(uint32_t workers)
{
    weft_runtime runtime = stress_start(workers, NULL);
    uint32_t rounds = stress_size(10000, 100);

    for (uint32_t round = 0; round < rounds; round++) {
        stress_round(round);
        STRESS_EQUAL(weft_call(runtime, spawn_pinned, NULL), 0);
    }
    stress_stop(runtime);
}

static const struct stress_case cases[] = {
    STRESS_CASE(fresh_tasks),
    STRESS_CASE(fresh_tasks_without_polls),
    STRESS_CASE(migratable_tasks),
    STRESS_CASE(pinned_tasks),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
