/*
 * Fork and join: work that can be divided, at a cost that lets it be divided finely. A forked child
 * is a descriptor of 32 bytes: unless another worker has nothing to do and takes it, it is a plain
 * call when it is joined. A child may wait all the same, for anything that a task waits for. See
 * weft-forks(7).
 *
 *     static int sum(weft_strand *strand, void *argument)
 *     {
 *         struct range *all = argument;
 *         if (all->count < 1000)
 *             return sum_up(all);
 *         struct range half[2] = ...;
 *         weft_fork(strand, sum, &half[0]);
 *         int rc = sum(strand, &half[1]);
 *         int joined = weft_fork_join(strand);
 *         all->total = half[0].total + half[1].total;
 *         return rc < 0 ? rc : joined;
 *     }
 *
 *     rc = weft_fork_run(sum, &all);
 *
 * Who the child is: the task that has forked it. weft_self says so, its locals are read, a cancel
 * of the task is one of the child, and whoever holds a lock and forks can't be waited for by the
 * child for longer than until the join: the child's lock call answers -EDEADLK. While a task has
 * forked what it has not joined, and in each child, weft_local_set, weft_defer and
 * weft_result_give answer -EBUSY.
 */
#ifndef WEFT_FORK_H
#define WEFT_FORK_H

#include <weft/base.h>

struct weft_strand;

/* A forked child. It joins all that it forks before it returns. 0 or more when all went well, else
 * a negative errno. */
typedef int (*weft_fork_fn)(struct weft_strand *strand, void *argument);

/* The descriptor of a child; all of it is the runtime's. */
typedef struct weft_fork_entry {
    weft_fork_fn fn;
    void *argument;
    void *shared;
    unsigned state;
} weft_fork_entry;

/* What forks: a task, or a child that runs on the stack of another. Handed to each child; its
 * members are the runtime's. */
typedef struct weft_strand {
    weft_fork_entry *head;  /* the next free one */
    weft_fork_entry *limit; /* from here on a fork looks at the world first */
    int fuel;               /* joins until one does */
} weft_strand;

WEFT_BEGIN

/*
 * weft_fork_run - runs a function that may fork, in the running task
 * On a thread that is no worker all children run at their joins.
 * @fn:        the function; it joins all that it forks before it returns, or the program ends with
 *             a sentence
 * @argument:  handed to it
 * Returns:    what fn returned
 * Errors:     what fn returned; -ENOMEM without memory to begin with: fn was not called
 * Ownership:  argument stays the caller's
 * Context:    any task, any thread; in a forked child, too    Suspends: as fn does
 * Cancel:     no effect of its own: what waits in fn or its children ends with -ECANCELED
 * Ordering:   everything that the children did happens-before this return
 * Cost:       one allocation in the life of the task    Node: local
 * Since:      0.1    Source: original
 */
WEFT_API int weft_fork_run(weft_fork_fn fn, void *argument);

/*
 * weft_fork - forks a child: says that it may run from now on, beside the caller
 * Each is joined by whoever has forked it, the last one first. Without memory for its descriptor
 * the child runs at once, and its join returns the first failure among the children that ran so, or
 * 0. It is a macro as well: (weft_fork) is the function.
 * @strand:    the caller's own
 * @fn:        the child
 * @argument:  handed to it; what it points to must live until the join
 * Returns:    nothing
 * Errors:     none
 * Ownership:  argument is borrowed until the join
 * Context:    a function that got strand from weft_fork_run, or as a child    Suspends: lets other
 *             tasks of the worker run when its slice is over, or a message or a completion has
 *             come; so never under a spin lock
 * Cancel:     works in a cancelled task too: the child runs, and meets the cancel in its waits
 * Ordering:   everything before it happens-before the child
 * Cost:       4 stores; 40 ns more when an idle worker is there to take it    Node: none
 * Since:      0.1    Source: van Dijk and van de Pol, Lace, 2014: private descriptors; Muller and
 *             Acar, latency-hiding work stealing, 2016: children that wait
 */
WEFT_API void weft_fork(weft_strand *strand, weft_fork_fn fn, void *argument);

/*
 * weft_fork_join - joins the child that was forked last
 * Runs it here and now, unless another worker has taken it: then the caller waits for its end,
 * while its worker does other work, on other stacks. It is a macro as well: (weft_fork_join) is the
 * function.
 * @strand:    the caller's own; the program ends with a sentence when it has forked no child
 * Returns:    what the child returned
 * Errors:     what the child returned; -EOWNERDEAD in the child of fork(2), for one that was
 *             offered
 * Ownership:  what the child borrowed is the caller's again
 * Context:    as weft_fork, by whoever has forked the child    Suspends: until the child has ended
 * Cancel:     works in a cancelled task too: it returns when the child has ended, which the cancel
 *             has reached
 * Ordering:   everything that the child did happens-before this return
 * Cost:       a call; an allocation and two locks when the child was offered    Node: none
 * Since:      0.1    Source: as weft_fork
 */
WEFT_API int weft_fork_join(weft_strand *strand);

/*
 * weft_fork_abandoned - ends the program with a sentence: a child returned before it joined all
 * The macros call it; there is no other use for it.
 * @strand:    the strand on which the child ran
 * Returns:    never
 * Errors:     none
 * Ownership:  none
 * Context:    as weft_fork    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       none    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API __attribute__((noreturn)) void weft_fork_abandoned(weft_strand *strand);

WEFT_END

/* States of a descriptor. */
enum {
    WEFT__FORK_WAITING, /* the strand's own, to be called at its join */
    WEFT__FORK_RUNNING, /* called, by its join */
    WEFT__FORK_OTHER    /* from here on: what the functions deal with */
};

static inline void weft__fork_here(weft_strand *strand, weft_fork_fn fn, void *argument)
{
    weft_fork_entry *entry = strand->head;

    if (__builtin_expect(entry >= strand->limit, 0)) {
        weft_fork(strand, fn, argument);
        return;
    }
    entry->fn = fn;
    entry->argument = argument;
    entry->state = WEFT__FORK_WAITING;
    strand->head = entry + 1;
}

static inline int weft__fork_join_here(weft_strand *strand)
{
    weft_fork_entry *entry = strand->head - 1;
    int result;

    if (__builtin_expect(entry->state != WEFT__FORK_WAITING || --strand->fuel < 0, 0))
        return weft_fork_join(strand);
    entry->state = WEFT__FORK_RUNNING;
    result = entry->fn(strand, entry->argument);
    if (__builtin_expect(strand->head != entry + 1, 0))
        weft_fork_abandoned(strand);
    strand->head = entry;
    return result;
}

#define weft_fork(strand, fn, argument) weft__fork_here(strand, fn, argument)
#define weft_fork_join(strand) weft__fork_join_here(strand)

#endif
