/*
 * A forked child that wants a lock which a task holds that waits for it. Run by its join it finds
 * the lock held by its own task, and is told so at once: -EDEADLK. Run by another worker it is told
 * the same, as soon as the holder waits in that join; before, the holder may still give the lock
 * back, and then the child gets it, as it would have got it from the join.
 *
 * Why the answer is right: the holder waits for the end of a child that is the caller or one of its
 * forkers (awaited says which), and so for the caller; it holds the lock, which only it can give
 * back. Neither changes before the caller ends. So it does not matter that they are read one after
 * the other, without a lock.
 *
 * BOUND the answer: the holder may come to its join after the child has begun to wait. So the child
 * asks again every 10 ms.
 */
#include "runtime/par/family.h"

#include "runtime/base/clock.h"
#include "runtime/par/share.h"
#include "runtime/sync/owner.h"

static const int64_t slice_ns = 10 * WEFT__NS_PER_MS;

bool weft__family_blocks(const struct weft__task *task, uint64_t owner)
{
    if (WEFT__LIKELY((task->flags & WEFT__TASK_FORKED) == 0))
        return false;
    const struct weft__share *share =
        WEFT__CONTAINER(task->stack->forks, struct weft__strand, forks)->from;
    for (; share != NULL; share = share->strand->from)
        if (weft__load_acquire(&share->strand->awaited) == share && /* pairs with share.c */
            weft__owner_id(share->strand->task) == owner)
            return true;
    return false;
}

weft_deadline weft__family_slice(const struct weft__task *task, weft_deadline until)
{
    if (WEFT__LIKELY((task->flags & WEFT__TASK_FORKED) == 0))
        return until;
    int64_t next = weft__clock_now() + slice_ns;
    return until.ns < next ? until : (weft_deadline){ next };
}
