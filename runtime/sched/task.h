/*
 * The record of a task: what exists of it from spawn to the close of its scope. What only a running
 * or parked task needs lives on its stack.
 *
 * STATE life of a task: fresh -> started on dispatch by the worker that runs it; started -> ended
 * when its body returns; ended -> free by its scope, or by the last pin after that. Terminal: free.
 *
 * STATE wait word: idle -> waiting by the task itself; waiting -> woken | timed out | canceled by
 * whoever claims it first; claimed -> idle by the task itself when it runs again. Terminal: none.
 *
 * ORDERING HOME: a cancel always reaches a started task.
 *   canceller                               worker that gets a fresh task from elsewhere
 *   C1 set CANCELED in life (RMW)           H1 home = this worker
 *   C2 read home, send the cancel there     H2 store-load fence
 *                                           H3 run it; before each wait it reads CANCELED
 * Forbidden: C2 sees the old home and H3 sees no CANCELED.
 * Because:   C1 is a read-modify-write and H2 a fence: whichever is second sees the other's store.
 * Without:   a stolen task sleeps through its cancel.
 * Tested by: tests/model/home.pml, tests/explore/cases/home.c
 */
#ifndef WEFT_SCHED_TASK_H
#define WEFT_SCHED_TASK_H

#include <weft/policy.h>
#include <weft/task.h>

#include "runtime/base/list.h"
#include "runtime/sched/inbox.h"
#include "runtime/sched/wheel.h"
#include "runtime/task/record.h"
#include "runtime/task/stack.h"
#include "uring/engine.h"

struct weft__worker;
struct weft__scope;
struct weft__joiner;
struct weft__hook;
struct weft__deferred;
struct weft__locals;

/* What a task is, from spawn to its end; any worker may read it. */
enum weft__task_flags {
    WEFT__TASK_PINNED = 1u << 0,     /* never stolen */
    WEFT__TASK_MIGRATABLE = 1u << 1, /* may be stolen after a wait too */
    WEFT__TASK_COPIED = 1u << 2,     /* the argument is an allocation of copy_bytes */
    WEFT__TASK_FOREIGN = 1u << 3,    /* stands for a thread that is no worker; see thread.c */
    WEFT__TASK_MONITORED = 1u << 4,  /* its failure is told; see monitor.c */
    WEFT__TASK_HELD = 1u << 5,       /* was spawned without being started; see hold.c */
    WEFT__TASK_SHAKEN = 1u << 6, /* under WEFT_CHAOS or simulated: left now and then after a wait */
    WEFT__TASK_FORKED = 1u << 7  /* a forked child that another worker has taken; see offer.c */
};

/* How its present wait is; its worker alone may look. */
enum weft__task_manner {
    WEFT__PARK_SHIELDED = 1u << 0,  /* neither cancel nor deadline ends it */
    WEFT__PARK_OPERATION = 1u << 1, /* the kernel has memory of the task: only a completion ends it;
                                     * a cancel or the deadline asks for one */
    WEFT__PARK_ANCHORED = 1u << 2,  /* in a list of its worker: the task may not move now */
    WEFT__PARK_OVERDUE = 1u << 3,   /* the deadline has asked */
    WEFT__TASK_QUEUED = 1u << 4,    /* can run, and a policy has it in its queues */
    WEFT__TASK_SHARED = 1u << 5     /* where any worker may take it */
};

/* How far a task has come, for others than its worker. */
enum weft__task_seen {
    WEFT__TASK_UNSEEN,
    WEFT__TASK_STARTED,
    WEFT__TASK_COUNTED /* (scope lock) has ended, and its scope knows */
};

/* What a task waits for; shown in dumps and in the text of fatal errors. */
enum weft__wait_reason {
    WEFT__REASON_NONE,
    WEFT__REASON_SLEEP,
    WEFT__REASON_JOIN,
    WEFT__REASON_SCOPE,
    WEFT__REASON_PUT,
    WEFT__REASON_TAKE,
    WEFT__REASON_SELECT,
    WEFT__REASON_TIMER,
    WEFT__REASON_ROOM,
    WEFT__REASON_HELPER,
    WEFT__REASON_CLOSE,
    WEFT__REASON_PRINT,
    WEFT__REASON_LOCK,
    WEFT__REASON_CONDITION,
    WEFT__REASON_SEMAPHORE,
    WEFT__REASON_EVENT,
    WEFT__REASON_BARRIER,
    WEFT__REASON_LATCH,
    WEFT__REASON_ONCE,
    WEFT__REASON_FUTURE,
    WEFT__REASON_PERMIT,
    WEFT__REASON_TURN,
    WEFT__REASON_FORK,
    WEFT__REASON_OPERATION /* and up: this plus enum weft__opcode */
};

enum weft__wait_state {
    WEFT__WAIT_IDLE,
    WEFT__WAIT_WAITING,
    WEFT__WAIT_WOKEN,
    WEFT__WAIT_TIMED_OUT,
    WEFT__WAIT_CANCELED,
    WEFT__WAIT_STATES = 0xFF, /* mask; the sequence number of the wait is above */
    WEFT__WAIT_STEP = 0x100
};

/* What few tasks have; allocated when first needed, under no lock: by the spawner before the task
 * is visible, then by the task itself. */
struct weft__extras {
    char name[WEFT_NAME];
    struct weft__deferred *deferred; /* (o) the last one first */
    struct weft__timer grace;        /* (o) armed while they run; then the task may not move */
    struct weft__task *task;         /* (i) whose they are */
    struct weft__locals *locals;     /* (o) see local.c */
    uint32_t pins;                   /* (o) see pin.c */
    uint32_t shields;                /* (o) beyond those of the record; see shield.c */
    weft_error error;                /* code 0: weft_fail was not called */
    size_t result_room;
    size_t result_bytes;
    bool result_given;
    char result[]; /* result_room */
};

enum { WEFT__TASK_INLINE_COPY = 32 };

/* Laid out by lines: a parked task is cold memory, and each line is a miss. Waking it touches the
 * first, its timer included, ending it the second, dropping its record the third. */
struct weft__task {
    struct weft__record record;
    _Atomic uint64_t wait;               /* (a:PARK) sequence << 8 | enum weft__wait_state */
    _Atomic(struct weft__worker *) home; /* (a:HOME) NULL: in an inject queue */
    struct weft__stack *stack;           /* (o) NULL until first dispatch */
    struct weft__timer timer;            /* (o) armed while it waits with a deadline */

    _Atomic int32_t result;       /* valid once ENDED; before: weft__task_note_operation */
    uint8_t flags;                /* (i) enum weft__task_flags */
    uint8_t manner;               /* (o) enum weft__task_manner */
    uint8_t stack_class : 2;      /* (i) */
    uint8_t shields : 4;          /* (o) see shield.c */
    uint8_t exposed : 1;          /* (o) they hold no longer; see defer.c */
    uint8_t tidies : 1;           /* (o) has something to do when its body has returned */
    _Atomic uint8_t reason;       /* enum weft__wait_reason, of the present wait */
    _Atomic uint32_t seen;        /* enum weft__task_seen; of a thread: its futex */
    uint32_t copy_bytes;          /* (i) */
    struct weft__scope *scope;    /* (i) */
    struct weft__joiner *joiners; /* (l) */
    struct weft__hook *hooks;     /* (l) */
    struct weft__list scopes;     /* (o) scopes that it has open, oldest first */

    weft_task_fn fn;                       /* (i) */
    void *argument;                        /* (i) */
    struct weft__list sibling;             /* (l: scope) in spawn order */
    _Atomic(struct weft__extras *) extras; /* NULL: none; published with release */
    weft__op_id op;                        /* (o) the operation it waits for, when it does */
    const void *site;                      /* (i) where it was spawned */

    union {
        struct weft__message wake; /* on the way to its home, claimed */
        weft_runnable runnable;    /* ready, in the queues of a policy */
    };
    struct weft__message cancel; /* on the way to its home, pinned; at most once */
    _Alignas(16) char copy[WEFT__TASK_INLINE_COPY];
};

/* Something that runs when a task ends, on its last worker, after it is ENDED. Freed by @run. */
struct weft__hook {
    struct weft__hook *next;
    void (*run)(struct weft__hook *hook, int result);
    bool last; /* runs when the scope knows of the end, too; one of them for a task at most */
};

static inline struct weft__task *weft__task_of(struct weft__record *record)
{
    return WEFT__CONTAINER(record, struct weft__task, record);
}

static inline weft_task weft__task_handle(const struct weft__task *task)
{
    return weft__record_handle(&task->record);
}

/* Whether it is in a section in which a cancel ends none of its waits. Itself, or its home. */
static inline bool weft__task_shielded(const struct weft__task *task)
{
    return task->shields != 0 && !task->exposed;
}

/* Whether it was asked to end, and has to hear of it now. Itself, or its home. */
static inline bool weft__task_canceled(const struct weft__task *task)
{
    return WEFT__UNLIKELY((weft__load_acquire(&task->record.life) & /* HOME H3 */
                           WEFT__LIFE_CANCELED) != 0) &&
           !weft__task_shielded(task);
}

/* The task that it is to itself and to others: of a forked child, the one that has forked. */
static inline const struct weft__task *weft__task_face(const struct weft__task *task)
{
    if (WEFT__LIKELY((task->flags & WEFT__TASK_FORKED) == 0))
        return task;
    return *(const struct weft__task *const *)(const void *)task->copy;
}

/* The locked task behind a handle that has not been given up; NULL with *out_error. */
struct weft__task *weft__task_lock(weft_task handle, int *out_error);

/* Takes a pin back; frees the record when its owner has let go and this was the last. */
void weft__task_unpin(struct weft__task *task);

/* Lets go of an ended task: frees it now or with its last pin. */
void weft__task_drop(struct weft__task *task, struct weft__record_cache *cache);

/* Its extras, made when there are none; NULL: no memory. Only the task itself, or its spawner. */
struct weft__extras *weft__task_extras(struct weft__task *task, size_t result_room);

void weft__task_free_extras(struct weft__task *task);

/* Its extras as another thread may see them; NULL: none. */
static inline struct weft__extras *weft__task_extras_of(const struct weft__task *task)
{
    return weft__load_acquire(&task->extras); /* pairs with the release in weft__task_extras */
}

/* Its name, or "(unnamed)". */
const char *weft__task_label(const struct weft__task *task);

/*
 * The reason of a wait for an operation, which says what operation it is; and its descriptor is
 * kept in the record, for whoever asks what a task does: the engine's own record of the operation
 * is its worker's alone.
 */
static inline enum weft__wait_reason weft__task_note_operation(struct weft__task *task,
                                                               enum weft__opcode opcode,
                                                               int descriptor)
{
    weft__store_relaxed(&task->result, descriptor);
    return (enum weft__wait_reason)(WEFT__REASON_OPERATION + (int)opcode);
}

/* "a message in a channel"; of an operation its name. */
const char *weft__task_wait_name(unsigned reason);

/* "waits for read on descriptor 5". @reason and @descriptor as they stand in its record. */
void weft__task_wait_text(unsigned reason, int32_t descriptor, char *text, size_t text_bytes);

#endif
