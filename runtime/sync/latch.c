/*
 * Latches. A wait looks at the count under the lock, also when it is 0 already: the one who has
 * counted last is done with the latch when it has unlocked it, so the waiter may end it.
 */
#include <weft/barrier.h>

#include "runtime/base/check.h"
#include "runtime/sync/wait.h"

struct latch {
    uint64_t left;          /* (l) */
    struct weft__line line; /* (l) nobody stands there when left is 0 */
    struct weft__lock lock;
};

_Static_assert(sizeof(struct latch) <= sizeof(weft_latch), "it has no room");
_Static_assert(_Alignof(struct latch) <= _Alignof(weft_latch), "it stands askew");

static struct latch *latch_of(weft_latch *latch)
{
    return (struct latch *)(void *)latch;
}

int weft_latch_wait(weft_latch *latch, weft_deadline until)
{
    int rc = 0;
    struct weft__waiter waiter = { 0 };
    struct weft__task *task = weft__wait_self(weft__self_worker(), &rc);

    WEFT_NEED(latch);
    if (task == NULL)
        return rc;
    struct latch *self = latch_of(latch);
    weft__lock_acquire(&self->lock); /* pairs with weft__lock_release */
    if (self->left == 0) {
        weft__lock_release(&self->lock);
        return 0;
    }
    return weft__wait_in_line(&self->lock, &self->line, &waiter, task, until, WEFT__REASON_LATCH);
}

int weft_latch_count(weft_latch *latch)
{
    struct weft__waiter *claimed = NULL;

    WEFT_NEED(latch);
    if (weft__wait_is_left())
        return -EOWNERDEAD;
    struct latch *self = latch_of(latch);
    weft__lock_acquire(&self->lock); /* pairs with weft__lock_release */
    WEFT_ASSERT(self->left > 0, "weft_latch_count: the latch is open");
    bool opens = --self->left == 0;
    if (opens)
        claimed = weft__line_claim_many(&self->line, SIZE_MAX, 0);
    weft__lock_release(&self->lock);
    (void)weft__line_wake_many(weft__self_worker(), claimed);
    return opens;
}

void weft_latch_init(weft_latch *latch, uint32_t counts)
{
    WEFT_NEED(latch);
    *latch = (weft_latch)WEFT_LATCH_INIT(counts);
}

void weft_latch_fini(weft_latch *latch)
{
    if (latch == NULL || weft__wait_is_left())
        return;
    struct latch *self = latch_of(latch);
    weft__wait_need_nobody(&self->lock, &self->line, "weft_latch_fini");
}
