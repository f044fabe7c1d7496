/*
 * How a task waits. Every wait of a task has one word in its record, and whoever changes that word
 * from waiting to something else, by compare-and-swap, has the right and the duty to make the task
 * ready: a partner, its timer, a cancel. There is no other way to end a wait.
 *
 *   ticket = weft__park_begin(task, reason)      the word says: waiting, number n
 *   ... the ticket is published: in a channel's queue, a list of joiners, an op's record ...
 *   rc = weft__park_commit(worker, task, ticket, until, flags)
 *
 * ORDERING PARK: every wait is ended exactly once, and no later wait by an earlier one's partner.
 *   task                                     partner, on any worker
 *   K1 word = (n, waiting), release          P1 finds the ticket n where the task published it
 *   K2 publishes n                           P2 compare-and-swap: (n, waiting) -> (n, woken)
 *   K3 switches away                         P3 only if P2 succeeded: hands over, makes it ready
 *   K4 runs again: word = (n, idle)
 * Forbidden: two partners succeed; a partner of wait n ends wait n + 1.
 * Because:   the sequence number is part of the word. A task is made ready only on its home worker,
 *            by the loop or by a task that runs there: so K3 is over (its registers are saved)
 *            before it can run again, though P2 may come before K3.
 * Without:   the number, a late partner ends another wait: it returns without what it waited for.
 * Tested by: tests/model/cancel.pml, tests/stress/rendezvous.c
 */
#ifndef WEFT_SCHED_PARK_H
#define WEFT_SCHED_PARK_H

#include <weft/time.h>

#include "runtime/sched/worker.h"

/* Where a task waits, as its partners see it. */
struct weft__ticket {
    struct weft__task *task;
    uint64_t word; /* its wait word while waiting; 0: none */
};

/* K1. The caller is @task. */
static inline struct weft__ticket weft__park_begin(struct weft__task *task,
                                                   enum weft__wait_reason reason)
{
    uint64_t word = (weft__load_relaxed(&task->wait) & ~(uint64_t)WEFT__WAIT_STATES) +
                    WEFT__WAIT_STEP + WEFT__WAIT_WAITING;

    weft__store_relaxed(&task->reason, (uint8_t)reason);
    weft__store_release(&task->wait, word); /* PARK K1 */
    return (struct weft__ticket){ .task = task, .word = word };
}

/*
 * K3, K4. @manner: of enum weft__task_manner. Returns 0 when woken, -ETIMEDOUT, -ECANCELED (also
 * at once when the task is cancelled already). After an error the ticket may still be published:
 * the caller takes it out. The wait of an operation is always ended by its completion; -ETIMEDOUT
 * then says that the deadline came first.
 */
int weft__park_commit(struct weft__worker *worker, struct weft__ticket ticket, weft_deadline until,
                      unsigned manner);

/* The task withdraws a ticket that it has not published, or whose partners it holds off. True when
 * nobody had claimed it. */
bool weft__park_withdraw(struct weft__ticket ticket);

/* P2. True for exactly one caller. */
static inline bool weft__park_claim(struct weft__ticket ticket, enum weft__wait_state outcome)
{
    uint64_t word = ticket.word;

    return weft__cas_acqrel(&ticket.task->wait, &word, /* PARK P2 */
                            (word & ~(uint64_t)WEFT__WAIT_STATES) | outcome);
}

/* P3. Makes a claimed task ready: here, or by a message to its home. @worker: the caller's, or
 * NULL. */
void weft__park_ready(struct weft__worker *worker, struct weft__task *task);

/* The same, behind what is ready already: for one of several that are to run in order. */
void weft__park_ready_queued(struct weft__worker *worker, struct weft__task *task);

/* The same for its home worker itself; @from_task lets it run next, before others. */
void weft__park_ready_here(struct weft__worker *worker, struct weft__task *task, bool from_task);

/* Puts a message into the inbox of @target and wakes it if it sleeps. @worker: the caller's or
 * NULL. */
void weft__park_send(struct weft__worker *worker, struct weft__worker *target,
                     struct weft__message *message);

#endif
