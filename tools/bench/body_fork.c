/*
 * fork_join_inline, fork_join: a child that does next to nothing, forked and joined, by the macros
 * and by the functions. fib: the tree of calls of the Fibonacci numbers, a fork for every two
 * calls. mixed_echo: the same beside an echo server, on the worker that serves. loop_empty_2w: a
 * loop of two, whose body does next to nothing.
 */
#include "tools/bench/body.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <weft.h>

#include "tools/bench/checksum.h"

struct counting {
    uint64_t rounds;
    uint64_t visits;
};

static int visit(weft_strand *strand, void *argument)
{
    struct counting *counting = argument;

    (void)strand;
    counting->visits++;
    return 0;
}

static int fork_by_macros(weft_strand *strand, void *argument)
{
    const struct counting *counting = argument;
    int rc = 0;

    for (uint64_t i = counting->rounds; i > 0 && rc == 0; i--) {
        weft_fork(strand, visit, argument);
        rc = weft_fork_join(strand);
    }
    return rc;
}

static int fork_by_functions(weft_strand *strand, void *argument)
{
    const struct counting *counting = argument;
    int rc = 0;

    for (uint64_t i = counting->rounds; i > 0 && rc == 0; i--) {
        (weft_fork)(strand, visit, argument);
        rc = (weft_fork_join)(strand);
    }
    return rc;
}

static int run_counting(struct weft__body_run *run, weft_fork_fn fn)
{
    struct counting counting = { run->count, 0 };
    int64_t start_ns = weft_clock();
    int rc = weft_fork_run(fn, &counting);

    run->value = (double)(weft_clock() - start_ns) / (double)run->count;
    run->checksum = counting.visits;
    return rc;
}

int weft__body_fork_run_macros(void *argument)
{
    return run_counting(argument, fork_by_macros);
}

int weft__body_fork_run_functions(void *argument)
{
    return run_counting(argument, fork_by_functions);
}

struct fib {
    uint64_t n;
    uint64_t value;
};

static int fib(weft_strand *strand, void *argument)
{
    struct fib *self = argument;

    if (self->n < 2) {
        self->value = self->n;
        return 0;
    }
    struct fib left = { self->n - 1, 0 };
    struct fib right = { self->n - 2, 0 };
    weft_fork(strand, fib, &left);
    int rc = fib(strand, &right);
    int joined = weft_fork_join(strand);
    self->value = left.value + right.value;
    return rc < 0 ? rc : joined;
}

int weft__body_fork_run_fib(void *argument)
{
    struct weft__body_run *run = argument;
    struct fib root = { run->count, 0 };
    int64_t start_ns = weft_clock();
    int rc = weft_fork_run(fib, &root);

    run->value = (double)(weft_clock() - start_ns) / (double)WEFT_SECOND;
    run->checksum = root.value;
    return rc;
}

struct mixed {
    atomic_bool ends;
    atomic_ulong numbers; /* computed by all workers */
};

static int compute(uint32_t worker, void *argument)
{
    struct mixed *mixed = argument;
    int rc = 0;

    (void)worker;
    while (rc == 0 && !atomic_load_explicit(&mixed->ends, memory_order_relaxed)) {
        struct fib root = { weft__checksum_mixed, 0 };
        rc = weft_fork_run(fib, &root);
        if (rc == 0 && root.value != weft__checksum_of_fib(weft__checksum_mixed))
            rc = -EBADMSG;
        atomic_fetch_add_explicit(&mixed->numbers, 1, memory_order_relaxed);
    }
    return rc;
}

static int compute_on_all(void *argument)
{
    return weft_run_on_all(compute, argument);
}

int weft__body_fork_run_mixed(void *argument)
{
    struct weft__body_run *run = argument;
    struct mixed mixed = { false, 0 };
    weft_scope scope = weft_scope_open(NULL);

    (void)weft_go(scope, compute_on_all, &mixed);
    int64_t start_ns = weft_clock();
    int rc = weft__body_echo_run(run);
    atomic_store_explicit(&mixed.ends, true, memory_order_relaxed);
    int joined = weft_scope_close(scope);
    unsigned long numbers = atomic_load_explicit(&mixed.numbers, memory_order_relaxed);
    run->value = (double)numbers * WEFT_SECOND / (double)(weft_clock() - start_ns);
    return rc < 0 ? rc : joined;
}

/* Each index has its own count, so that the two calls need no lock. */
static int count_up(size_t begin, size_t end, void *argument)
{
    uint64_t *visits = argument;

    for (size_t i = begin; i < end; i++)
        visits[i * (64 / sizeof(*visits))]++; /* a line of memory each */
    return 0;
}

int weft__body_fork_run_loop(void *argument)
{
    static uint64_t visits[2 * 64 / sizeof(uint64_t)];
    struct weft__body_run *run = argument;
    const weft_for_options options = WEFT_FOR_OPTIONS(.grain = 1);
    int rc = 0;

    int64_t start_ns = weft_clock();
    for (uint64_t i = 0; i < run->count && rc == 0; i++)
        rc = weft_for(0, 2, count_up, visits, &options);
    run->value = (double)(weft_clock() - start_ns) / (double)run->count;
    run->checksum = visits[0] + visits[64 / sizeof(uint64_t)];
    return rc;
}
