/*
 * Foreign threads: any thread that waits in weft gets a record as tasks have at its first wait, and
 * gives it back when the thread ends. Whatever tasks wait for, a thread waits for with the same
 * tickets; only the last step differs: it sleeps on a futex, and is made ready by waking that.
 *
 * ORDERING THREAD: a thread does not return from its wait before its partner has handed over.
 *   partner                                  thread
 *   H1 claims the wait word                  T1 sleeps until ready is 1, acquire
 *   H2 hands over: copies, sets results      T2 at its deadline: claims the word itself, or, if
 *   H3 ready = 1, release; wakes the futex      somebody has, sleeps on, without a deadline
 * Forbidden: the thread runs on between H1 and H3.
 * Because:   it looks at ready, which H3 alone sets; exactly one H3 comes for each H1 (PARK P3).
 *            A thread that has gone on may have ended when H3 wakes the futex: the record is never
 *            unmapped, and a stray wake is looked at and slept through.
 * Without:   a taker at its deadline would return while its message is being copied.
 * Tested by: tests/unit/thread_test.c
 */
#include "runtime/sched/thread.h"

#include <pthread.h>

#include "runtime/base/chaos.h"
#include "runtime/base/sys.h"
#include "runtime/sched/error.h"
#include "runtime/sched/local.h"

/* What the futex of a thread says, its seen. */
enum { not_ready, ready, counted /* not ready, and one of sleepers */ };

static _Atomic uint32_t sleepers; /* threads that nobody wakes yet, without a deadline */
static _Atomic bool usable;       /* set once, by make_key */

/* The end of a thread: it waits for nothing, so nobody holds a ticket of it. */
static void detach(void *record)
{
    struct weft__task *task = weft__task_of(record);

    if (weft__load_relaxed(&weft__record_forked))
        return;
    if (task->tidies) { /* whose destroy calls may wait, set values, and so on */
        (void)weft__native_set_own(record);
        weft__local_end(weft__load_relaxed(&task->extras));
        (void)weft__native_set_own(NULL);
    }
    weft__task_free_extras(task);
    weft__record_lock_own(record);
    weft__record_free_locked(record, NULL);
}

static void make_key(void)
{
    weft__store_release(&usable, weft__native_own_define(detach) == 0); /* pairs with known */
}

/* The record's handle is given to nobody: released, it can't be looked up. */
static struct weft__task *attach(void)
{
    weft__record_define(WEFT__KIND_TASK, sizeof(struct weft__task));
    struct weft__record *record = weft__record_new(WEFT__KIND_TASK, NULL);

    if (record == NULL)
        return NULL;
    struct weft__task *task = weft__task_of(record);
    task->stack = NULL;
    task->flags = WEFT__TASK_FOREIGN;
    task->manner = 0;
    task->shields = 0;
    task->exposed = 0;
    task->tidies = 0;
    task->joiners = NULL;
    task->hooks = NULL;
    task->site = NULL;
    weft__list_init(&task->scopes);
    weft__store_relaxed(&task->home, NULL);
    weft__store_relaxed(&task->extras, NULL);
    weft__store_relaxed(&task->seen, 0);
    weft__record_set_locked(record, WEFT__LIFE_RELEASED);
    weft__record_unlock(record);
    if (weft__native_set_own(record) == 0)
        return task;
    detach(record);
    return NULL;
}

struct weft__task *weft__thread_self(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (weft__load_relaxed(&weft__record_forked))
        return NULL;
    (void)pthread_once(&once, make_key);
    if (!weft__load_relaxed(&usable))
        return NULL;
    struct weft__record *record = weft__native_own();
    return record != NULL ? weft__task_of(record) : attach();
}

struct weft__task *weft__thread_known(void)
{
    if (weft__load_relaxed(&weft__record_forked) ||
        !weft__load_acquire(&usable)) /* pairs with make_key */
        return NULL;
    struct weft__record *record = weft__native_own();
    return record != NULL ? weft__task_of(record) : NULL;
}

uint32_t weft__thread_sleepers(void)
{
    return weft__load_relaxed(&sleepers);
}

/*
 * Only who sleeps on counts: whoever wakes it takes it out of the count, and not the thread itself,
 * which may get no CPU for long, or sit in a signal handler. So the count may lag behind, for a
 * moment even below zero, but never has one that is about to act.
 */
void weft__thread_sleep(struct weft__ticket ticket, weft_deadline until)
{
    _Atomic uint32_t *word = &ticket.task->seen;
    uint32_t seen = not_ready;

    if (until.ns == INT64_MAX && weft__cas_acquire(word, &seen, counted)) { /* THREAD T1 */
        weft__add_relaxed(&sleepers, 1);
        seen = counted;
    }
    while (weft__load_acquire(word) != ready) /* THREAD T1 */
        if (weft__sys_futex_wait(word, seen, until.ns) == -ETIMEDOUT) {
            if (weft__park_claim(ticket, WEFT__WAIT_TIMED_OUT)) /* THREAD T2 */
                return;
            until.ns = INT64_MAX;
        }
    weft__store_relaxed(word, not_ready);
}

void weft__thread_wake(struct weft__task *task)
{
    weft__chaos_pause(WEFT__CHAOS_DOORBELL);
    if (weft__swap_acqrel(&task->seen, (uint32_t)ready) == counted) /* THREAD H3 */
        weft__sub_relaxed(&sleepers, 1);
    (void)weft__sys_futex_wake(&task->seen, 1);
}
