/*
 * A worker: one scheduler loop with its queues, timers, stacks and ring. Normally it has an OS
 * thread of its own, but nothing here says so: only weft__self_worker ties the two together.
 *
 * Fields: (i) immutable after start, (o) owner only, (a:TAG) atomic under that invariant.
 */
#ifndef WEFT_SCHED_WORKER_H
#define WEFT_SCHED_WORKER_H

#include "runtime/base/native.h"
#include "runtime/base/random.h"
#include "runtime/sched/queue.h"
#include "runtime/sched/ring.h"
#include "runtime/sched/wheel.h"

struct weft__runtime;
struct weft__policy;
struct weft__team;

/* Park state of a worker; see sleep.c. */
enum weft__worker_state {
    WEFT__WORKER_RUNNING,
    WEFT__WORKER_PARKED,
    WEFT__WORKER_NOTIFIED,
    WEFT__WORKER_NOTIFIED_SEARCH /* woken to look for stealable work; counts as searching already */
};

/* Victims come in levels: same last-level cache, same node, the rest. */
enum { WEFT__VICTIM_LEVELS = 3 };

/* Written by the owner, read by any thread. */
struct weft__worker_counters {
    _Atomic uint64_t spawned;
    _Atomic uint64_t ended;
    _Atomic uint64_t switches;
    _Atomic uint64_t waits;
    _Atomic uint64_t steals;
    _Atomic uint64_t remote_wakes;
    _Atomic uint64_t parks;
    _Atomic uint64_t spins;
    _Atomic uint64_t rescued_wakes;
    _Atomic uint64_t timers;
    _Atomic uint64_t system_calls; /* plain calls made in place of ring operations */
    _Atomic uint64_t helper_calls;
};

/* Pieces of work that other workers may take; see offer.c. */
struct weft__offers {
    WEFT__ALIGNED_LINE _Atomic uint32_t count; /* written under the lock */
    struct weft__lock lock;
    struct weft__list list; /* (l) struct weft__offer, oldest first */
};

struct weft__worker {
    /* what every switch touches */
    _Atomic(struct weft__task *) current; /* written by the owner; NULL while the loop runs */
    struct weft__task *lifo;              /* (o) */
    struct weft__fifo ready;              /* (o) */
    struct weft__fifo fresh;              /* (o) */
    struct weft__task *gave_way;          /* (o) ready, and comes behind what the loop finds */
    struct weft__stack *left_stack; /* (o) of a task that ended; its pool waits for the switch */
    int32_t budget;                 /* (o) switches left before the loop must run */
    uint32_t spinlocks;             /* (o) that its running task holds, and a bit; see switch.h */
    uint8_t turn;                   /* (o) whose turn: ready or fresh */
    bool mixed;                     /* (o) fresh or the ring may hold something */
    bool woken;                     /* (o) some of ready were woken by the loop */
    uint8_t lifo_most;              /* (i) the longest lifo_streak: 3; 0 under WEFT_CHAOS */
    uint8_t lifo_streak;            /* (o) */
    bool doorbell_staged;           /* (o) must be flushed before anything else */
    bool searching;                 /* (o) counted in the team's idle word */
    uint8_t handovers;              /* (o) since the last one that let another go first */
    uint32_t fresh_count;           /* (o) in fresh */
    uint32_t fresh_aged;            /* (o) of these, spawned before fresh_mark */
    uint64_t fresh_mark;            /* (o) cycles */
    struct weft__context loop;      /* (o) the loop's own stack */
    struct weft__stack_magazine stacks;
    struct weft__record_cache records;
    struct weft__worker_counters counters;

    struct weft__runtime *runtime; /* (i) */
    struct weft__team *team;       /* (i) */
    struct weft__engine *engine;   /* (o) */
    struct weft__scope *root;      /* (i) owner of tasks detached here */
    uint32_t index;                /* (i) */
    uint32_t node_index;           /* (i) */
    uint32_t cpu;                  /* (i) the kernel's number */
    uint32_t l3;                   /* (i) */
    uint32_t stride;               /* (o) switches between two looks at the clock */
    uint32_t ticks;                /* (o) steps, for the checks that happen every 61 */
    uint64_t staged_cycles;        /* (o) when an entry was first staged since the last flush */
    uint64_t step_cycles;          /* (o) when the last step began */
    uint64_t tended_cycles;        /* (o) when idle stacks were looked at last */
    uint64_t slice_cycles;         /* (i) how long tasks may run before the loop looks again */
    uint32_t spin_skips;           /* (o) spins to leave out before the next try */
    uint64_t spin_cycles;          /* (o) how long the next spin may be */
    struct weft__random random;    /* (o) */
    struct weft__wheel wheel;      /* (o) */
    struct weft__list room;        /* (o) tasks that wait for room in the engine, FIFO */
    struct weft__policy *policy;   /* (i) NULL: the scheduler's own */
    uint32_t held;                 /* (o) COUNT policy: tasks in it that only this one may run */
    uint32_t *victims;             /* (i) others of the team, nearest first */
    uint32_t level_end[WEFT__VICTIM_LEVELS]; /* (i) where each level of victims ends */
    struct weft__native thread;              /* (i) */
    _Atomic int64_t local_load;              /* live tasks, owner's part */
    uint8_t nap_doublings;                   /* (o) how quiet it has been */
    bool spins;                              /* (i) spinning makes sense here */
    bool started;                            /* (i) once the start barrier is passed */
    void *signal_stack;                      /* (o) see capture.c; NULL: none of its own */
    int pin_error;                           /* (i) why it is not pinned, negative errno; 0 */

    /* what others touch */
    WEFT__ALIGNED_LINE struct weft__inbox inbox; /* (a:SLEEP) */
    _Atomic uint32_t state;                      /* (a:SLEEP) enum weft__worker_state */
    _Atomic int64_t sent_load;                   /* live tasks, others' part */
    _Atomic int thread_id;  /* the kernel's, for signals and /proc; 0: not started yet */
    struct weft__ring ring; /* (a:RING) */
    struct weft__offers offers;
};

/* The worker on which the caller runs; NULL on other threads. Asked anew after each switch that may
 * have moved a migratable task: never inlined, never merged. */
struct weft__worker *weft__self_worker(void);
void weft__self_set(struct weft__worker *worker);

/* The same where a call would show: the address is worked out by the instructions themselves, each
 * time, so that there is none for a compiler to keep. */
static inline struct weft__worker *weft__self_worker_here(void)
{
#if defined(__x86_64__)
    struct weft__worker *worker;
    __asm__ volatile("movq weft__self_slot@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0"
                     : "=r"(worker)
                     :
                     : "memory");
    return worker;
#else
    return weft__self_worker();
#endif
}

/* The task that the caller is, or NULL. */
static inline struct weft__task *weft__worker_task(const struct weft__worker *worker)
{
    return worker != NULL ? weft__load_relaxed(&worker->current) : NULL;
}

/* Runs one round: messages, completions, timers, then tasks until the budget is spent or none is
 * left. True when something was done. */
bool weft__step_worker(struct weft__worker *worker);

/* Delivers all messages of the inbox. Also for whoever has joined the worker's thread: a cancel
 * that came after the last task's end still pins its record. */
bool weft__step_drain(struct weft__worker *worker);

/*
 * Whether nobody loses when the running task goes on without a switch: no other task of the worker
 * is ready, no message or completion has come, nothing waits to be given to the kernel, and its
 * slice is not over (so that timers are looked at).
 */
bool weft__step_is_alone(const struct weft__worker *worker);

/* What steps until the runtime stops; the body of a worker's thread. */
void weft__step_loop(struct weft__worker *worker);

#endif
