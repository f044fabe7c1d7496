#include "numa/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "numa/memory.h"

enum { hundred = 100 };

/* A CPU that may get a worker, with its place in the order of choice. */
struct candidate {
    uint32_t thread; /* how many allowed threads of its core come before it */
    uint32_t turn;   /* how many candidates of its node and thread come before it */
    struct weft__plan_slot slot;
};

/* The plan while it is being made. */
struct maker {
    const struct weft__topology *topology;
    const struct weft__plan_options *options;
    struct candidate *candidates; /* room for every CPU */
    uint32_t *core_threads;       /* per core: allowed threads seen */
    uint32_t *node_turns;         /* per node: candidates counted */
    uint32_t allowed_count;
    uint32_t candidate_count;
};

static int compare_numbers(uint32_t left, uint32_t right)
{
    return (left > right) - (left < right);
}

static int compare_threads(const void *left, const void *right)
{
    const struct candidate *a = left;
    const struct candidate *b = right;
    int order = compare_numbers(a->thread, b->thread);

    return order != 0 ? order : compare_numbers(a->slot.cpu, b->slot.cpu);
}

/* Cores before second threads; then nodes take turns. */
static int compare_choice(const void *left, const void *right)
{
    const struct candidate *a = left;
    const struct candidate *b = right;
    int order = compare_numbers(a->thread, b->thread);

    if (order == 0)
        order = compare_numbers(a->turn, b->turn);
    return order != 0 ? order : compare_numbers(a->slot.node_index, b->slot.node_index);
}

/* Neighbouring workers are neighbours in the machine. */
static int compare_places(const void *left, const void *right)
{
    const struct candidate *a = left;
    const struct candidate *b = right;
    int order = compare_numbers(a->slot.node_index, b->slot.node_index);

    return order != 0 ? order : compare_numbers(a->slot.cpu, b->slot.cpu);
}

static void list_candidates(struct maker *maker)
{
    for (uint32_t i = 0; i < maker->topology->cpu_count; i++) {
        const struct weft__cpu *cpu = &maker->topology->cpus[i];
        if (maker->options->allowed != NULL && !weft__cpuset_has(maker->options->allowed, cpu->id))
            continue;
        maker->allowed_count++;
        uint32_t thread = maker->core_threads[cpu->core]++;
        if (maker->options->smt_off && thread > 0)
            continue;
        maker->candidates[maker->candidate_count++] = (struct candidate){
            .thread = thread,
            .slot = { cpu->id, cpu->node_index, cpu->l3, cpu->core },
        };
    }
}

/* A node's first threads are counted before its second ones, so turns are fair within a thread. */
static void order_candidates(struct maker *maker)
{
    qsort(maker->candidates, maker->candidate_count, sizeof(*maker->candidates), compare_threads);
    for (uint32_t i = 0; i < maker->candidate_count; i++)
        maker->candidates[i].turn = maker->node_turns[maker->candidates[i].slot.node_index]++;
    qsort(maker->candidates, maker->candidate_count, sizeof(*maker->candidates), compare_choice);
}

static uint32_t choose_count(const struct maker *maker)
{
    const struct weft__plan_options *options = maker->options;
    uint32_t whole = options->quota / hundred + (options->quota % hundred != 0);

    if (options->workers != 0)
        return options->workers;
    return options->quota != 0 && whole < maker->candidate_count ? whole : maker->candidate_count;
}

static bool quota_binds(const struct maker *maker)
{
    return maker->options->quota != 0 &&
           maker->options->quota < (uint64_t)maker->candidate_count * hundred;
}

static void explain(const struct maker *maker, struct weft__plan *plan)
{
    const struct weft__plan_options *options = maker->options;
    char quota[48] = "";

    if (options->quota != 0)
        (void)snprintf(quota, sizeof(quota), ", cgroup quota %u.%02u", options->quota / hundred,
                       options->quota % hundred);
    (void)snprintf(
        plan->reason, sizeof(plan->reason), "%u worker%s: %s%s %u CPU%s%s%s", plan->worker_count,
        plan->worker_count == 1 ? "" : "s", options->workers != 0 ? "as asked; " : "",
        options->allowed != NULL ? "affinity allows" : "the topology has", maker->allowed_count,
        maker->allowed_count == 1 ? "" : "s", options->smt_off ? ", one per core" : "", quota);
}

static int fill_plan(struct maker *maker, struct weft__plan **out_plan)
{
    uint32_t count = choose_count(maker);
    uint32_t used = count < maker->candidate_count ? count : maker->candidate_count;

    if (count > WEFT__PLAN_WORKERS_MAX)
        return -EINVAL;
    struct weft__plan *plan = weft__memory_alloc(WEFT__NODE_LOCAL, sizeof(*plan));
    if (plan == NULL)
        return -ENOMEM;
    plan->worker_count = count;
    plan->pinned = count <= maker->candidate_count && !quota_binds(maker) &&
                   !maker->topology->synthetic;
    plan->slots = weft__memory_alloc(WEFT__NODE_LOCAL, count * sizeof(*plan->slots));
    if (plan->slots == NULL) {
        weft__plan_destroy(plan);
        return -ENOMEM;
    }
    qsort(maker->candidates, used, sizeof(*maker->candidates), compare_places);
    for (uint32_t i = 0; i < count; i++)
        plan->slots[i] = maker->candidates[i % used].slot;
    explain(maker, plan);
    *out_plan = plan;
    return 0;
}

static int make(struct maker *maker, struct weft__plan **out_plan)
{
    if (maker->candidates == NULL || maker->core_threads == NULL || maker->node_turns == NULL)
        return -ENOMEM;
    list_candidates(maker);
    if (maker->candidate_count == 0)
        return -EINVAL;
    order_candidates(maker);
    return fill_plan(maker, out_plan);
}

int weft__plan_make(const struct weft__topology *topology, const struct weft__plan_options *options,
                    struct weft__plan **out_plan)
{
    size_t candidate_bytes = topology->cpu_count * sizeof(struct candidate);
    size_t core_bytes = topology->core_count * sizeof(uint32_t);
    size_t node_bytes = topology->node_count * sizeof(uint32_t);
    struct maker maker = {
        .topology = topology,
        .options = options,
        .candidates = weft__memory_alloc(WEFT__NODE_LOCAL, candidate_bytes),
        .core_threads = weft__memory_alloc(WEFT__NODE_LOCAL, core_bytes),
        .node_turns = weft__memory_alloc(WEFT__NODE_LOCAL, node_bytes),
    };
    int rc = make(&maker, out_plan);

    weft__memory_free(maker.candidates, candidate_bytes);
    weft__memory_free(maker.core_threads, core_bytes);
    weft__memory_free(maker.node_turns, node_bytes);
    return rc;
}

void weft__plan_destroy(struct weft__plan *plan)
{
    if (plan == NULL)
        return;
    weft__memory_free(plan->slots, plan->worker_count * sizeof(*plan->slots));
    weft__memory_free(plan, sizeof(*plan));
}
