/*
 * Trees of forks whose nodes wait, fail, lock, loop and are cancelled, on all workers. Each node is
 * run exactly once; each join returns what its child returned; nobody waits for ever.
 */
#include <errno.h>
#include <string.h>

#include "tests/support/stress.h"

enum { depth_most = 7, width = 3 };

static weft_mutex mutex = WEFT_MUTEX_INIT;
static weft_semaphore permits = WEFT_SEMAPHORE_INIT(2, 2);
static uint64_t guarded;
static _Atomic uint64_t nodes;

struct node {
    uint32_t depth;
    int result;
    uint64_t made; /* nodes of its subtree */
    bool may_be_canceled;
};

/* What a node does beside its children. */
static int work(const struct node *node)
{
    switch (stress_below(8)) {
    case 0: (void)stress_compute(2000); break;
    case 1: stress_maybe_yield(); break;
    case 2:
        if (weft_sleep(weft_after(stress_below(200) * WEFT_MICROSECOND)) < 0)
            STRESS_CHECK(node->may_be_canceled);
        break;
    case 3:
        if (weft_mutex_lock(&mutex, WEFT_NEVER) == 0) {
            guarded++;
            STRESS_EQUAL(weft_mutex_unlock(&mutex), 0);
        } else {
            STRESS_CHECK(node->may_be_canceled);
        }
        break;
    case 4:
        if (weft_semaphore_acquire(&permits, WEFT_NEVER) == 0) {
            stress_maybe_yield();
            STRESS_EQUAL(weft_semaphore_release(&permits), 0);
        } else {
            STRESS_CHECK(node->may_be_canceled);
        }
        break;
    default: break;
    }
    return stress_below(16) == 0 ? -EDOM : (int)stress_below(100);
}

static int grow(weft_strand *strand, void *argument)
{
    struct node *node = argument;
    struct node children[width];
    uint32_t count = node->depth == 0 ? 0 : 1 + stress_below(width);

    weft__add_relaxed(&nodes, 1);
    node->made = 1;
    for (uint32_t i = 0; i < count; i++) {
        children[i] = (struct node){ .depth = node->depth - 1,
                                     .may_be_canceled = node->may_be_canceled };
        weft_fork(strand, grow, &children[i]);
        if (stress_below(4) == 0)
            (void)work(node);
    }
    for (uint32_t i = count; i-- > 0;) {
        int joined = stress_below(2) == 0 ? weft_fork_join(strand) : (weft_fork_join)(strand);
        STRESS_EQUAL(joined, children[i].result);
        node->made += children[i].made;
    }
    node->result = work(node);
    return node->result;
}

static int grow_tree(void *argument)
{
    struct node *root = argument;
    int result = weft_fork_run(grow, root);

    STRESS_EQUAL(result, root->result);
    return 0;
}

/* Several trees at a time; some of them cancelled at some moment. */
static int grow_forest(void *argument)
{
    enum { trees = 4 };
    struct node roots[trees];
    weft_task tasks[trees];
    uint64_t made = 0;
    bool cancels = argument != NULL;

    weft__store_relaxed(&nodes, 0);
    weft_scope scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));
    for (int i = 0; i < trees; i++) {
        roots[i] = (struct node){ .depth = 2 + stress_below(depth_most - 2),
                                  .may_be_canceled = cancels };
        tasks[i] = weft_spawn(scope, grow_tree, &roots[i],
                              &WEFT_SPAWN_OPTIONS(.migratable = (int)stress_below(2)));
    }
    if (cancels) {
        stress_maybe_yield();
        (void)weft_cancel(tasks[stress_below(trees)]);
    }
    STRESS_EQUAL(weft_scope_close(scope), 0);
    for (int i = 0; i < trees; i++)
        made += roots[i].made;
    STRESS_EQUAL(made, weft__load_relaxed(&nodes));
    return 0;
}

static int rounds_of(void *argument)
{
    uint32_t rounds = stress_size(4000, 4);

    for (uint32_t i = 0; i < rounds; i++) {
        stress_round(i);
        (void)grow_forest(argument);
    }
    return 0;
}

static void trees(uint32_t workers)
{
    stress_run(workers, NULL, rounds_of, NULL);
}

static void canceled_trees(uint32_t workers)
{
    stress_run(workers, NULL, rounds_of, &guarded);
}

/* ---- messages between children, which only ends if each that waits lets the others begin ---- */

struct ring {
    weft_chan chans[8];
    uint32_t members;
};

struct member {
    const struct ring *ring;
    uint32_t index;
};

static int pass_on(weft_strand *strand, void *argument)
{
    const struct member *member = argument;
    const struct ring *ring = member->ring;
    int token = 0;

    (void)strand;
    if (member->index > 0)
        STRESS_EQUAL(weft_chan_take(ring->chans[member->index], &token, WEFT_NEVER), 0);
    token++;
    if (member->index + 1 < ring->members)
        STRESS_EQUAL(weft_chan_put(ring->chans[member->index + 1], &token, WEFT_NEVER), 0);
    return token;
}

static int fork_ring(weft_strand *strand, void *argument)
{
    const struct ring *ring = argument;
    struct member members[8];

    for (uint32_t i = 0; i < ring->members; i++) {
        members[i] = (struct member){ ring, i };
        weft_fork(strand, pass_on, &members[i]);
    }
    for (uint32_t i = ring->members; i-- > 0;)
        STRESS_EQUAL(weft_fork_join(strand), i + 1);
    return 0;
}

static int rings(void *argument)
{
    struct ring ring;
    uint32_t rounds = stress_size(20000, 10);

    (void)argument;
    for (int i = 0; i < 8; i++)
        ring.chans[i] = weft_chan_create(sizeof(int), (size_t)i % 2);
    for (uint32_t i = 0; i < rounds; i++) {
        stress_round(i);
        ring.members = 2 + stress_below(7);
        STRESS_EQUAL(weft_fork_run(fork_ring, &ring), 0);
    }
    for (int i = 0; i < 8; i++)
        STRESS_EQUAL(weft_chan_release(ring.chans[i]), 0);
    return 0;
}

static void messages(uint32_t workers)
{
    stress_run(workers, NULL, rings, NULL);
}

/* ---- loops, beside other tasks ---- */

static _Atomic uint64_t visited;

static int visit(size_t begin, size_t end, void *argument)
{
    (void)argument;
    if (stress_below(8) == 0)
        stress_maybe_yield();
    else
        (void)stress_compute((uint32_t)(end - begin) * 20);
    weft__add_relaxed(&visited, end - begin);
    return 0;
}

static int loop_once(void *argument)
{
    (void)argument;
    for (int schedule = WEFT_DYNAMIC; schedule <= WEFT_GUIDED; schedule++) {
        uint32_t count = stress_below(3000);
        weft_for_options options = WEFT_FOR_OPTIONS(.schedule = (weft_schedule)schedule,
                                                    .grain = stress_below(2) * stress_below(50));
        uint64_t before = weft__load_relaxed(&visited);
        STRESS_EQUAL(weft_for(7, 7 + count, visit, NULL, &options), 0);
        STRESS_CHECK(weft__load_relaxed(&visited) - before >= count);
    }
    return 0;
}

static int loop_often(void *argument)
{
    uint32_t rounds = stress_size(4000, 4);

    for (uint32_t i = 0; i < rounds; i++) {
        stress_round(i);
        weft_scope scope = weft_scope_open(NULL);
        for (int task = 0; task < 3; task++) /* one that is moved forks on from where it wakes */
            (void)weft_spawn(scope, loop_once, argument, &WEFT_SPAWN_OPTIONS(.migratable = task));
        STRESS_EQUAL(weft_scope_close(scope), 0);
    }
    return 0;
}

static void loops(uint32_t workers)
{
    stress_run(workers, NULL, loop_often, NULL);
}

int main(int argc, char **argv)
{
    static const struct stress_case cases[] = {
        STRESS_CASE(trees),
        STRESS_CASE(canceled_trees),
        STRESS_CASE(messages),
        STRESS_CASE(loops),
    };

    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
