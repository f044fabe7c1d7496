/*
 * STATE once: new -> running by the first who comes; running -> done when its function ends well;
 * running -> running by the one who has waited longest, when it fails; running -> new when it fails
 * and nobody waits. Terminal: done.
 *
 * ORDERING ONCE: whoever is told that it is done sees all that the function did.
 *   runner                                   other
 *   R1 the function returns                  O1 state is done, acquire: returns 0
 *   R2 state = done, release                 O2 else under the lock, which R2 holds too
 * Forbidden: O1 reads done, and then memory as it was before R1.
 * Because:   O1 reads what R2 has released.
 * Without:   a half-made table is used, on aarch64.
 * Tested by: tests/stress/locks.c
 */
#include <errno.h>
#include <weft/once.h>

#include "runtime/base/check.h"
#include "runtime/sync/wait.h"

enum once_state { once_new, once_running, once_done };
enum { has_been_done = 0, has_its_turn = 1 }; /* results of a claimed waiter */

struct once {
    _Atomic uint32_t state; /* (a:ONCE) changes under the lock */
    struct weft__lock lock;
    uint64_t runner;        /* (l) its handle; 0: nobody */
    struct weft__line line; /* (l) nobody stands there unless it is running */
};

_Static_assert(sizeof(struct once) <= sizeof(weft_once), "it has no room");
_Static_assert(_Alignof(struct once) <= _Alignof(weft_once), "it stands askew");

static struct once *once_of(weft_once *once)
{
    return (struct once *)(void *)once;
}

static void succeed(struct once *once)
{
    weft__lock_acquire(&once->lock); /* pairs with weft__lock_release */
    once->runner = 0;
    weft__store_release(&once->state, once_done); /* ONCE R2 */
    struct weft__waiter *claimed = weft__line_claim_many(&once->line, SIZE_MAX, has_been_done);
    weft__lock_release(&once->lock);
    (void)weft__line_wake_many(weft__self_worker(), claimed);
}

static void fail(struct once *once)
{
    weft__lock_acquire(&once->lock); /* pairs with weft__lock_release */
    struct weft__waiter *next = weft__line_claim(&once->line);
    once->runner = next != NULL ? weft__owner_id(next->ticket.task) : 0;
    if (next != NULL)
        next->result = has_its_turn;
    else
        weft__store_relaxed(&once->state, once_new);
    weft__lock_release(&once->lock);
    weft__line_wake(weft__self_worker(), next);
}

static int run(struct once *once, weft_task_fn fn, void *argument)
{
    int rc = fn(argument);

    if (rc < 0) {
        fail(once);
        return rc;
    }
    succeed(once);
    return 0;
}

/* Waits for the one who runs it, if there is one. has_been_done, has_its_turn, or an error. */
static int come(struct once *once, struct weft__task *task, weft_deadline until)
{
    struct weft__waiter waiter = { 0 };

    weft__lock_acquire(&once->lock); /* pairs with weft__lock_release */
    uint32_t state = weft__load_relaxed(&once->state);
    if (state == once_running && once->runner != weft__owner_id(task))
        return weft__wait_in_line(&once->lock, &once->line, &waiter, task, until,
                                  WEFT__REASON_ONCE);
    if (state == once_new) {
        weft__store_relaxed(&once->state, once_running);
        once->runner = weft__owner_id(task);
    }
    weft__lock_release(&once->lock);
    return state == once_new ? has_its_turn : state == once_done ? has_been_done : -EDEADLK;
}

int weft_once_run(weft_once *once, weft_task_fn fn, void *argument, weft_deadline until)
{
    int rc = 0;

    WEFT_NEED(once);
    WEFT_NEED(fn);
    if (weft__wait_is_left())
        return -EOWNERDEAD;
    struct once *self = once_of(once);
    if (weft__load_acquire(&self->state) == once_done) /* ONCE O1 */
        return 0;
    struct weft__task *task = weft__wait_self(weft__self_worker(), &rc);
    if (task == NULL)
        return rc;
    rc = come(self, task, until);
    return rc == has_its_turn ? run(self, fn, argument) : rc;
}

void weft_once_init(weft_once *once)
{
    WEFT_NEED(once);
    *once = (weft_once)WEFT_ONCE_INIT;
}

void weft_once_fini(weft_once *once)
{
    if (once == NULL || weft__wait_is_left())
        return;
    struct once *self = once_of(once);
    weft__wait_need_nobody(&self->lock, &self->line, "weft_once_fini");
    WEFT_ASSERT(self->runner == 0, "weft_once_fini: its function runs");
}
