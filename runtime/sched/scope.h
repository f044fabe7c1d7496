/*
 * The record of a scope. Its lock guards the list of tasks, the counts and the joiner. Lock order:
 * scope, then task; a scope is never locked under a task's lock.
 *
 * LOCK scope rank 1: tasks, pending, failures; LOCK task rank 2: life flags, joiners, hooks.
 * Neither is held across a suspension.
 */
#ifndef WEFT_SCHED_SCOPE_H
#define WEFT_SCHED_SCOPE_H

#include <weft/scope.h>

#include "runtime/sched/park.h"

enum {
    WEFT__SCOPE_KEPT = 16,   /* failed tasks that a forgetting scope keeps for its error list */
    WEFT__SCOPE_REFUSALS = 8 /* spawns that came to nothing, as below */
};

/* Spawns of one scope that failed one after the other with the same code: no task stands for them
 * in the list, so this says after which they come. */
struct weft__refusals {
    const struct weft__list *after; /* what the list ended with then; maybe its head */
    int error;
    uint32_t count;
};

struct weft__scope {
    struct weft__record record;
    struct weft__task *owner;   /* (i) the task that opened it; NULL: a root */
    struct weft__list open;     /* (o) in the owner's list of open scopes */
    struct weft__list tasks;    /* (l) not yet dropped, in spawn order */
    uint32_t pending;           /* (l) tasks that have not ended */
    uint32_t failures;          /* (l) */
    uint32_t refusal_count;     /* (l) entries of refusals that are in use */
    uint32_t kept;              /* (l) failed tasks kept though their record could go */
    int first_error;            /* (l) in time */
    bool forget;                /* (i) */
    bool root;                  /* (i) keeps nothing */
    bool has_held;              /* (l) some of its tasks may be held; see hold.c */
    bool holds_none;            /* (l) about to be closed: a task that comes starts */
    bool shielded;              /* (o) opened in a shield of its owner that still holds */
    bool expired;               /* (l) its deadline has passed */
    weft_scope_policy policy;   /* (i) */
    struct weft__ticket joiner; /* (l) its owner, waiting for pending to become 0 */
    struct weft__timer
        deadline;        /* (o) in the wheel of the owner's worker, which then holds a pin */
    bool deadline_armed; /* (o) */
    int64_t due_ns;   /* (i) the earliest deadline of it and of the scopes around it; a policy's */
    const void *site; /* (i) where it was opened */
    struct weft__runtime *runtime; /* (i) */
    /* (l) in spawn order; BOUND refusals: what does not fit is counted in failures alone */
    struct weft__refusals refusals[WEFT__SCOPE_REFUSALS];
};

static inline struct weft__scope *weft__scope_of(struct weft__record *record)
{
    return WEFT__CONTAINER(record, struct weft__scope, record);
}

/* A new scope without owner, task or flag, locked; NULL: no memory. */
struct weft__scope *weft__scope_make(struct weft__runtime *runtime,
                                     struct weft__record_cache *cache);

/* Adds a fresh task; under the lock. */
void weft__scope_add_locked(struct weft__scope *scope, struct weft__task *task);

/* Takes an ended task out of the list; under the lock. */
void weft__scope_remove_locked(struct weft__scope *scope, struct weft__task *task);

/* Notes a spawn that came to nothing: a failure like a task's. Under the lock. */
void weft__scope_note_spawn_locked(struct weft__scope *scope, int error);

/* A task of it has ended with @result; drops the record when nobody will ask for it. */
void weft__scope_task_ended(struct weft__worker *worker, struct weft__scope *scope,
                            struct weft__task *task, int result);

/* Cancels it and all its tasks; under the lock. */
void weft__scope_cancel_locked(struct weft__worker *worker, struct weft__scope *scope);

/* Waits (by the owner) until no task is pending. 0, -ETIMEDOUT, -ECANCELED. */
int weft__scope_wait(struct weft__scope *scope, weft_deadline until, unsigned flags);

/* Drops all tasks and frees the scope, which is locked; none may be pending. @cache: the caller's,
 * or NULL. */
void weft__scope_end_locked(struct weft__scope *scope, struct weft__record_cache *cache);

#endif
