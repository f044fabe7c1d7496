/*
 * Read-write locks. One short lock guards all of one.
 *
 * STATE rwlock: free -> read by readers, counted; free -> written by one writer; both -> free by
 * their unlocks. Terminal: none.
 *
 * Invariant: whoever stands first could not be let in when the lock was released last. admit_locked
 * keeps it: after each step that may let somebody in (an unlock, a waiter that leaves) it hands the
 * lock to the first in line while that fits: readers at once, a writer only when it has stood for
 * 1 ms. Else the writer is woken to try (woken is set, out of the line), and whoever comes before
 * it has run may have the lock: a hand-off costs the wake of another worker before anybody goes on.
 * It comes, clears woken, and takes the lock or stands first again, with its time kept; the lock is
 * taken then, and its unlock admits. So a free lock with a line always has one on the way to it.
 *
 * BOUND bypass: newcomers are let in before the first in line only while that has stood for less
 * than 1 ms. A woken writer is not in the line meanwhile: those who came before it is back have the
 * sections that they began.
 */
#include <errno.h>
#include <weft/rwlock.h>

#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "runtime/sync/wait.h"

enum { granted = 0, woken_to_try = 1 }; /* results of a claimed waiter */

static const int64_t bypass_ns = WEFT__NS_PER_MS;

struct rwlock {
    uint64_t writer;        /* (l) its handle; 0: none */
    struct weft__line line; /* (l) */
    struct weft__lock lock;
    uint32_t readers; /* (l) */
    bool woken;       /* (l) a writer is on its way to try */
};

_Static_assert(sizeof(struct rwlock) <= sizeof(weft_rwlock), "it has no room");
_Static_assert(_Alignof(struct rwlock) <= _Alignof(weft_rwlock), "it stands askew");

/* One who waits; on its stack. */
struct standing {
    struct weft__waiter waiter;
    uint64_t id;
    int64_t since_ns; /* when it stood first */
    bool writes;
};

static struct rwlock *rwlock_of(weft_rwlock *rwlock)
{
    return (struct rwlock *)(void *)rwlock;
}

static struct standing *standing_of(struct weft__waiter *waiter)
{
    return WEFT__CONTAINER(waiter, struct standing, waiter);
}

static bool fits_locked(const struct rwlock *rwlock, bool writes)
{
    return rwlock->writer == 0 && (!writes || rwlock->readers == 0);
}

static void enter_locked(struct rwlock *rwlock, uint64_t id, bool writes)
{
    WEFT_ASSERT(rwlock->readers < UINT32_MAX, "2^32 readers of one lock");
    if (writes)
        rwlock->writer = id;
    else
        rwlock->readers++;
}

static bool is_overdue(struct weft__waiter *first)
{
    return weft__clock_now() - standing_of(first)->since_ns >= bypass_ns;
}

/* Whether one who comes now may go in before those who stand in line. */
static bool may_come_locked(const struct rwlock *rwlock, bool writes)
{
    struct weft__waiter *first = weft__line_first(&rwlock->line);

    return fits_locked(rwlock, writes) && (first == NULL || !is_overdue(first));
}

/* What the first in line gets now: the lock, a wake, or nothing (false). */
static bool has_turn_locked(const struct rwlock *rwlock, int *out_result)
{
    struct weft__waiter *first = weft__line_first(&rwlock->line);

    if (first == NULL || !fits_locked(rwlock, standing_of(first)->writes))
        return false;
    *out_result = granted;
    if (!standing_of(first)->writes || is_overdue(first))
        return true;
    *out_result = woken_to_try;
    return !rwlock->woken;
}

/* Returns those to be woken, as weft__line_claim_many does. */
static struct weft__waiter *admit_locked(struct rwlock *rwlock)
{
    struct weft__waiter *admitted = NULL;
    struct weft__waiter **end = &admitted;
    int result = granted;

    while (has_turn_locked(rwlock, &result)) {
        struct weft__waiter *first = weft__line_first(&rwlock->line);
        weft__line_remove(first);
        if (!weft__park_claim(first->ticket, WEFT__WAIT_WOKEN))
            continue; /* its wait has ended otherwise: the next one's turn is looked at anew */
        first->result = result;
        if (result == granted)
            enter_locked(rwlock, standing_of(first)->id, standing_of(first)->writes);
        else
            rwlock->woken = true;
        *end = first;
        end = &first->next;
    }
    *end = NULL;
    return admitted;
}

static void admit(struct rwlock *rwlock)
{
    weft__lock_acquire(&rwlock->lock); /* pairs with weft__lock_release */
    struct weft__waiter *admitted = admit_locked(rwlock);
    weft__lock_release(&rwlock->lock);
    (void)weft__line_wake_many(weft__self_worker(), admitted);
}

/* The second try, and each after it, of a writer that was woken: it may go before the line, or
 * stands first in it. True: it has the lock. The lock is held, and let go only then. */
static bool try_again_locked(struct rwlock *rwlock, struct standing *standing,
                             struct weft__task *task)
{
    rwlock->woken = false;
    if (fits_locked(rwlock, true)) {
        enter_locked(rwlock, standing->id, true);
        return true;
    }
    standing->waiter.ticket = weft__park_begin(task, WEFT__REASON_LOCK);
    weft__line_prepend(&rwlock->line, &standing->waiter);
    return false;
}

/* Waits on, having been woken to try. */
static int wait_on(struct rwlock *rwlock, struct standing *standing, struct weft__task *task,
                   weft_deadline until)
{
    for (;;) {
        weft__lock_acquire(&rwlock->lock); /* pairs with weft__lock_release */
        bool has = try_again_locked(rwlock, standing, task);
        weft__lock_release(&rwlock->lock);
        if (has)
            return 0;
        int rc = weft__park_commit(weft__self_worker(), standing->waiter.ticket, until, 0);
        if (rc == 0 && standing->waiter.result == granted)
            return 0;
        if (rc == 0)
            continue;
        weft__lock_acquire(&rwlock->lock); /* pairs with weft__lock_release */
        if (standing->waiter.line != NULL)
            weft__line_remove(&standing->waiter);
        weft__lock_release(&rwlock->lock);
        return rc;
    }
}

static int lock_for(weft_rwlock *handle, bool writes, weft_deadline until)
{
    int rc = 0;
    struct rwlock *rwlock = rwlock_of(handle);
    struct weft__task *task = weft__wait_self(weft__self_worker(), &rc);

    if (task == NULL)
        return rc;
    struct standing standing = { .id = weft__owner_id(task), .writes = writes };
    weft__lock_acquire(&rwlock->lock); /* pairs with weft__lock_release */
    bool comes = may_come_locked(rwlock, writes);
    if (comes)
        enter_locked(rwlock, standing.id, writes);
    if (comes || rwlock->writer == standing.id) {
        weft__lock_release(&rwlock->lock);
        return comes ? 0 : -EDEADLK;
    }
    standing.since_ns = weft__clock_now();
    rc = weft__wait_in_line(&rwlock->lock, &rwlock->line, &standing.waiter, task, until,
                            WEFT__REASON_LOCK);
    if (rc == woken_to_try)
        rc = wait_on(rwlock, &standing, task, until);
    if (rc < 0)
        admit(rwlock); /* those behind it may fit, now that it is gone */
    return rc;
}

static int try_lock_for(weft_rwlock *handle, bool writes)
{
    int rc = 0;
    struct rwlock *rwlock = rwlock_of(handle);
    const struct weft__task *task = weft__owner_self(weft__self_worker(), &rc);

    if (task == NULL)
        return rc;
    weft__lock_acquire(&rwlock->lock); /* pairs with weft__lock_release */
    bool comes = may_come_locked(rwlock, writes);
    if (comes)
        enter_locked(rwlock, weft__owner_id(task), writes);
    weft__lock_release(&rwlock->lock);
    return comes ? 0 : -EAGAIN;
}

int weft_rwlock_lock_read(weft_rwlock *rwlock, weft_deadline until)
{
    WEFT_NEED(rwlock);
    return lock_for(rwlock, false, until);
}

int weft_rwlock_lock_write(weft_rwlock *rwlock, weft_deadline until)
{
    WEFT_NEED(rwlock);
    return lock_for(rwlock, true, until);
}

int weft_rwlock_try_lock_read(weft_rwlock *rwlock)
{
    WEFT_NEED(rwlock);
    return try_lock_for(rwlock, false);
}

int weft_rwlock_try_lock_write(weft_rwlock *rwlock)
{
    WEFT_NEED(rwlock);
    return try_lock_for(rwlock, true);
}

WEFT__COLD static _Noreturn void refuse_unlock(uint64_t writer)
{
    char text[WEFT__OWNER_TEXT] = "nobody";

    if (writer != 0)
        weft__owner_describe(writer, text);
    weft__check_failed("only who has it may do that", "weft_rwlock_unlock: the lock is held by %s",
                       text);
}

int weft_rwlock_unlock(weft_rwlock *rwlock)
{
    int rc = 0;
    struct weft__worker *worker = weft__self_worker();
    const struct weft__task *task = weft__owner_self(worker, &rc);

    WEFT_NEED(rwlock);
    if (task == NULL)
        return rc;
    struct rwlock *self = rwlock_of(rwlock);
    weft__lock_acquire(&self->lock); /* pairs with weft__lock_release */
    if (self->writer == weft__owner_id(task))
        self->writer = 0;
    else if (self->writer == 0 && self->readers > 0)
        self->readers--;
    else
        refuse_unlock(self->writer);
    struct weft__waiter *admitted = admit_locked(self);
    weft__lock_release(&self->lock);
    (void)weft__line_wake_many(worker, admitted);
    return 0;
}

void weft_rwlock_init(weft_rwlock *rwlock)
{
    WEFT_NEED(rwlock);
    *rwlock = (weft_rwlock)WEFT_RWLOCK_INIT;
}

void weft_rwlock_fini(weft_rwlock *rwlock)
{
    if (rwlock == NULL || weft__wait_is_left())
        return;
    struct rwlock *self = rwlock_of(rwlock);
    weft__wait_need_nobody(&self->lock, &self->line, "weft_rwlock_fini");
    WEFT_ASSERT(self->writer == 0 && self->readers == 0 && !self->woken,
                "weft_rwlock_fini: the lock is held by %u readers or a writer", self->readers);
}
