/*
 * How idle workers find stealable work, and when one of them is woken for it; the rules and their
 * reason are in search.c.
 */
#ifndef WEFT_SCHED_SEARCH_H
#define WEFT_SCHED_SEARCH_H

#include "runtime/sched/runtime.h"

/* Whether another worker may take a task that can run here. */
bool weft__search_may_move(const struct weft__worker *worker, struct weft__task *task);

/* Some task for a worker that has none: injected or stolen; its home is @worker now. */
struct weft__task *weft__search_find(struct weft__worker *worker);

/* One of the inject queue, or of what tasks of this worker offer. */
struct weft__task *weft__search_find_injected(struct weft__worker *worker);

/* A fresh or migratable task that came from elsewhere belongs to @worker from now on. */
void weft__search_adopt(struct weft__worker *worker, struct weft__task *task);

/* Whether a spin may pay now. */
bool weft__search_may_spin(struct weft__worker *worker);

/* Looks for work as long as a wake-up would cost, then gives up. True when something came. */
bool weft__search_spin(struct weft__worker *worker);

/* Counts this worker among the searchers. */
void weft__search_join(struct weft__worker *worker);

/* Ends this worker's search; @found: wakes another one if there is more to find. */
void weft__search_end(struct weft__worker *worker, bool found);

/* Whether any queue from which @worker could take holds something. */
bool weft__search_sees_work(const struct weft__worker *worker);

/* A number that tells what lies in those queues from what lay there before; 0: nothing. */
uint64_t weft__search_mark(const struct weft__worker *worker);

/* Stealable work was published: wakes one sleeper if nobody searches. @worker may be NULL. */
void weft__search_announce(struct weft__team *team, struct weft__worker *worker);

/* Puts a migratable task where idle workers can take it. False: nobody is idle, no room, a scope's
 * deadline holds it here, or it is the one that is just leaving: its registers are not saved. */
bool weft__search_offer(struct weft__worker *worker, struct weft__task *task);

/* Makes fresh tasks that are old enough stealable, if anybody is idle. At poll points. */
void weft__search_publish(struct weft__worker *worker, uint64_t cycles);

/* Puts a fresh task into the inject queue of a team and announces it. */
void weft__search_inject(struct weft__team *team, struct weft__worker *worker,
                         struct weft__task *task);

#endif
