/*
 * Semaphores. Invariant: tasks stand in the line only while there is no permit; a release hands its
 * permit to the first of them under the lock, so nobody who comes later can have it.
 */
#include <errno.h>
#include <weft/semaphore.h>

#include "runtime/base/check.h"
#include "runtime/sync/wait.h"

struct semaphore {
    uint64_t permits;       /* (l) */
    uint64_t most;          /* (i) */
    struct weft__line line; /* (l) */
    struct weft__lock lock;
};

_Static_assert(sizeof(struct semaphore) <= sizeof(weft_semaphore), "it has no room");
_Static_assert(_Alignof(struct semaphore) <= _Alignof(weft_semaphore), "it stands askew");

static struct semaphore *semaphore_of(weft_semaphore *semaphore)
{
    return (struct semaphore *)(void *)semaphore;
}

static bool take_locked(struct semaphore *semaphore)
{
    if (semaphore->permits == 0)
        return false;
    semaphore->permits--;
    return true;
}

int weft_semaphore_acquire(weft_semaphore *semaphore, weft_deadline until)
{
    int rc = 0;
    struct weft__waiter waiter = { 0 };
    struct weft__task *task = weft__wait_self(weft__self_worker(), &rc);

    WEFT_NEED(semaphore);
    if (task == NULL)
        return rc;
    struct semaphore *self = semaphore_of(semaphore);
    weft__lock_acquire(&self->lock); /* pairs with weft__lock_release */
    if (take_locked(self)) {
        weft__lock_release(&self->lock);
        return 0;
    }
    return weft__wait_in_line(&self->lock, &self->line, &waiter, task, until,
                              WEFT__REASON_SEMAPHORE);
}

int weft_semaphore_try_acquire(weft_semaphore *semaphore)
{
    WEFT_NEED(semaphore);
    if (weft__wait_is_left())
        return -EOWNERDEAD;
    struct semaphore *self = semaphore_of(semaphore);
    weft__lock_acquire(&self->lock); /* pairs with weft__lock_release */
    bool taken = take_locked(self);
    weft__lock_release(&self->lock);
    return taken ? 0 : -EAGAIN;
}

int weft_semaphore_release(weft_semaphore *semaphore)
{
    WEFT_NEED(semaphore);
    if (weft__wait_is_left())
        return -EOWNERDEAD;
    struct semaphore *self = semaphore_of(semaphore);
    weft__lock_acquire(&self->lock); /* pairs with weft__lock_release */
    struct weft__waiter *next = weft__line_claim(&self->line);
    if (next != NULL) {
        next->result = 0;
    } else {
        WEFT_ASSERT(self->permits < self->most,
                    "weft_semaphore_release: nobody has acquired this permit");
        self->permits++;
    }
    weft__lock_release(&self->lock);
    weft__line_wake(weft__self_worker(), next);
    return 0;
}

int weft_semaphore_init(weft_semaphore *semaphore, uint32_t permits, uint32_t most)
{
    WEFT_NEED(semaphore);
    if (weft__wait_is_left())
        return -EOWNERDEAD;
    if (most == 0 || permits > most)
        return -EINVAL;
    *semaphore = (weft_semaphore)WEFT_SEMAPHORE_INIT(permits, most);
    return 0;
}

void weft_semaphore_fini(weft_semaphore *semaphore)
{
    if (semaphore == NULL || weft__wait_is_left())
        return;
    struct semaphore *self = semaphore_of(semaphore);
    weft__wait_need_nobody(&self->lock, &self->line, "weft_semaphore_fini");
}
