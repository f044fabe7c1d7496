/* Waiting for the end of a task. */
#ifndef WEFT_SCHED_JOIN_H
#define WEFT_SCHED_JOIN_H

#include "runtime/sched/park.h"

struct weft__gather;

/* One who waits for a task's end: on the waiter's stack, in the task's list under its lock. */
struct weft__joiner {
    struct weft__joiner *next;
    struct weft__joiner **link;  /* what points to this one; NULL: not in a list */
    struct weft__ticket ticket;  /* the same in all joiners of one gather */
    struct weft__gather *gather; /* the wait for several tasks that it is a part of; NULL: alone */
    bool claimed;                /* the task's end has ended this wait */
    bool parks;                  /* waits for its permit, not for its end: permit.c */
};

/* Hangs a joiner on a task (locked, pinned, not ended), and takes it out when it still hangs. */
void weft__join_insert_locked(struct weft__task *task, struct weft__joiner *joiner);
void weft__join_remove_locked(struct weft__joiner *joiner);

/* Wakes the joiners of a list that was taken out of a task under its lock, oldest first. */
void weft__join_wake(struct weft__worker *worker, struct weft__joiner *joiners);

/* Pins @task, which is locked and has not ended, and puts @joiner, whose ticket is set, into its
 * list. */
void weft__join_stand_locked(struct weft__task *task, struct weft__joiner *joiner);

/* Takes @joiner out of the list, if it is still there, and the pin back. */
void weft__join_leave(struct weft__task *task, struct weft__joiner *joiner);

/* Runs @hook when @task (locked) ends. False: it has ended already; run it yourself. */
bool weft__join_hook_locked(struct weft__task *task, struct weft__hook *hook);

#endif
