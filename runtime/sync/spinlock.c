/*
 * Spin locks: one word, the handle of who holds it. A task never leaves its worker while it holds
 * one, so the worker counts for it, and each way to leave looks at the count (switch.h): a holder
 * is running, or its thread has lost its CPU.
 */
#include <errno.h>
#include <weft/spinlock.h>

#include "runtime/base/check.h"
#include "runtime/base/lock.h"
#include "runtime/sync/owner.h"

struct spinlock {
    _Atomic uint64_t holder; /* 0: free */
};

_Static_assert(sizeof(struct spinlock) <= sizeof(weft_spinlock), "it has no room");
_Static_assert(_Alignof(struct spinlock) <= _Alignof(weft_spinlock), "it stands askew");

static struct spinlock *spinlock_of(weft_spinlock *lock)
{
    return (struct spinlock *)(void *)lock;
}

/* Takes it if it is free. */
static bool take(struct weft__worker *worker, struct spinlock *lock, uint64_t id)
{
    uint64_t holder = 0;

    if (!weft__cas_acquire(&lock->holder, &holder, id)) /* pairs with the release in unlock */
        return false;
    if (worker != NULL)
        worker->spinlocks++;
    return true;
}

int weft_spinlock_lock(weft_spinlock *lock)
{
    int rc = 0;
    struct weft__worker *worker = weft__self_worker();
    const struct weft__task *task = weft__owner_self(worker, &rc);

    WEFT_NEED(lock);
    if (task == NULL)
        return rc;
    struct spinlock *self = spinlock_of(lock);
    uint64_t id = weft__owner_id(task);
    if (weft__load_relaxed(&self->holder) == id)
        return -EDEADLK;
    for (uint32_t looks = 0; !take(worker, self, id);)
        while (weft__load_relaxed(&self->holder) != 0)
            weft__lock_backoff(looks++);
    return 0;
}

int weft_spinlock_try_lock(weft_spinlock *lock)
{
    int rc = 0;
    struct weft__worker *worker = weft__self_worker();
    const struct weft__task *task = weft__owner_self(worker, &rc);

    WEFT_NEED(lock);
    if (task == NULL)
        return rc;
    if (take(worker, spinlock_of(lock), weft__owner_id(task)))
        return 0;
    weft__sim_point(WEFT__SIM_BACKOFF); /* as of weft_mutex_try_lock */
    return -EAGAIN;
}

int weft_spinlock_unlock(weft_spinlock *lock)
{
    int rc = 0;
    char text[WEFT__OWNER_TEXT] = "nobody";
    struct weft__worker *worker = weft__self_worker();
    const struct weft__task *task = weft__owner_self(worker, &rc);

    WEFT_NEED(lock);
    if (task == NULL)
        return rc;
    uint64_t holder = weft__load_relaxed(&spinlock_of(lock)->holder);
    if (WEFT__UNLIKELY(holder != weft__owner_id(task))) {
        if (holder != 0)
            weft__owner_describe(holder, text);
        weft__check_failed("only its holder may do that",
                           "weft_spinlock_unlock: the lock is held by %s", text);
    }
    if (worker != NULL)
        worker->spinlocks--;
    weft__store_release(&spinlock_of(lock)->holder, 0); /* pairs with the acquire in take */
    return 0;
}

void weft_spinlock_init(weft_spinlock *lock)
{
    WEFT_NEED(lock);
    *lock = (weft_spinlock)WEFT_SPINLOCK_INIT;
}

void weft_spinlock_fini(weft_spinlock *lock)
{
    char text[WEFT__OWNER_TEXT] = "nobody";

    if (lock == NULL || weft__load_relaxed(&weft__record_forked))
        return;
    uint64_t holder = weft__load_acquire(&spinlock_of(lock)->holder); /* pairs with unlock */
    if (holder != 0)
        weft__owner_describe(holder, text);
    WEFT_ASSERT(holder == 0, "weft_spinlock_fini: the lock is held by %s", text);
}
