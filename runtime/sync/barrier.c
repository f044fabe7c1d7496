/*
 * Barriers. arrived counts those of this round; the last to come claims all who stand, and begins
 * the next round by raising the generation. One whose wait has ended otherwise looks at that under
 * the lock: if its round is complete it was counted, and its call succeeds; else it was
 * never there. So a round is never opened by too few.
 *
 * inside counts those who will take the lock once more: who stand, and who are about to look. The
 * leader takes out those that it claims. The end of the barrier waits for the others.
 */
#include <errno.h>
#include <weft/barrier.h>

#include "runtime/base/check.h"
#include "runtime/sync/wait.h"

struct barrier {
    uint64_t tasks;         /* (i) */
    struct weft__line line; /* (l) */
    struct weft__lock lock;
    uint32_t arrived;    /* (l) */
    uint32_t inside;     /* (l) */
    uint64_t generation; /* (l) rounds that are complete */
};

_Static_assert(sizeof(struct barrier) <= sizeof(weft_barrier), "it has no room");
_Static_assert(_Alignof(struct barrier) <= _Alignof(weft_barrier), "it stands askew");

static struct barrier *barrier_of(weft_barrier *barrier)
{
    return (struct barrier *)(void *)barrier;
}

/* The last to come. Unlocks. */
static int lead(struct barrier *barrier)
{
    barrier->arrived = 0;
    barrier->generation++;
    struct weft__waiter *claimed = weft__line_claim_many(&barrier->line, SIZE_MAX, 0);
    for (const struct weft__waiter *waiter = claimed; waiter != NULL; waiter = waiter->next)
        barrier->inside--;
    weft__lock_release(&barrier->lock);
    (void)weft__line_wake_many(weft__self_worker(), claimed);
    return 1;
}

/* A wait of round @generation has ended with @rc. If that is not complete, it was never there. */
static int give_up(struct barrier *barrier, uint64_t generation, int rc)
{
    weft__lock_acquire(&barrier->lock); /* pairs with weft__lock_release */
    if (barrier->generation != generation)
        rc = 0;
    else
        barrier->arrived--;
    barrier->inside--;
    weft__lock_release(&barrier->lock);
    return rc;
}

int weft_barrier_wait(weft_barrier *barrier, weft_deadline until)
{
    int rc = 0;
    struct weft__waiter waiter = { 0 };
    struct weft__task *task = weft__wait_self(weft__self_worker(), &rc);

    WEFT_NEED(barrier);
    if (task == NULL)
        return rc;
    struct barrier *self = barrier_of(barrier);
    WEFT_ASSERT(self->tasks > 0, "weft_barrier_wait: a barrier for nobody");
    weft__lock_acquire(&self->lock); /* pairs with weft__lock_release */
    if (self->arrived + 1 >= self->tasks)
        return lead(self);
    self->arrived++;
    self->inside++;
    uint64_t generation = self->generation;
    rc = weft__wait_in_line(&self->lock, &self->line, &waiter, task, until, WEFT__REASON_BARRIER);
    return rc == 0 ? 0 : give_up(self, generation, rc);
}

int weft_barrier_init(weft_barrier *barrier, uint32_t tasks)
{
    WEFT_NEED(barrier);
    if (weft__wait_is_left())
        return -EOWNERDEAD;
    if (tasks == 0)
        return -EINVAL;
    *barrier = (weft_barrier)WEFT_BARRIER_INIT(tasks);
    return 0;
}

/* Whether some whose wait has ended have not returned yet. Then nobody may stand. */
static bool is_being_left(struct barrier *barrier)
{
    weft__wait_need_nobody(&barrier->lock, &barrier->line, "weft_barrier_fini");
    weft__lock_acquire(&barrier->lock); /* pairs with weft__lock_release */
    bool left = barrier->inside > 0;
    weft__lock_release(&barrier->lock);
    return left;
}

void weft_barrier_fini(weft_barrier *barrier)
{
    if (barrier == NULL || weft__wait_is_left())
        return;
    struct barrier *self = barrier_of(barrier);
    while (is_being_left(self))
        if (weft_yield() < 0) /* a thread, or a task that was cancelled */
            weft__lock_backoff(UINT32_MAX);
}
