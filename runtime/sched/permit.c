/*
 * Parking with a permit. The permit is a flag of the task's life word, which changes under the lock
 * of the record alone.
 *
 * ORDERING PERMIT: no unpark is lost: it ends the present park, or the next one finds its permit.
 *   task                                     unparker
 *   T1 locks its record; has a permit:       U1 locks the record
 *      takes it, done                        U2 reads the wait word, then the reason; a park that
 *   T2 wait word = (n, waiting)                 waits: claims it, done
 *   T3 unlocks; switches away                U3 else sets the permit
 * Forbidden: the permit is set by U3 and the task waits on in the park that T2 began before it.
 * Because:   T1 and T2 are under the lock, so is all of U: T2 comes before U2, which sees the wait,
 *            or U3 before T1. The claim of U2 fails only when a deadline or a cancel has ended that
 *            park: the permit is for the next one.
 * Without:   the lock over T2, U1 to U3 fit between T1 and T2: the task sleeps on its permit.
 * Tested by: tests/stress/parking.c, tests/explore/cases/fork.c, tests/explore/cases/park.c
 *
 * A forked child that another worker has taken is a task of its own, which nobody has a handle of:
 * its unparkers know the task that has forked it (weft-forks(7)). So it parks as that one: T1 to T3
 * are under the lock of the forker's record, where its ticket hangs from T2 on, and U2 looks there
 * as well. The forker can't end meanwhile, for it has the child to join. When several of them park,
 * an unpark ends the park of one.
 *
 * Another wait is never claimed by U2: a park begins under the lock alone, and its reason is stored
 * before its word; so a word that is read before a reason of PERMIT, and still stands at the claim,
 * is that of a park.
 */
#include <weft/park.h>

#include <string.h>

#include "runtime/sched/error.h"
#include "runtime/sched/join.h"

/* Whose permit ends the parks of a task: its own, or its forker's. */
static struct weft__task *holder_of(struct weft__task *task)
{
    struct weft__task *holder = task;

    if (WEFT__UNLIKELY((task->flags & WEFT__TASK_FORKED) != 0))
        memcpy(&holder, task->copy, sizeof(holder)); /* weft__task_face */
    return holder;
}

/* T1. */
static bool take_permit_locked(struct weft__task *task)
{
    uint64_t life = weft__load_relaxed(&task->record.life);

    weft__store_relaxed(&task->record.life, life & ~(uint64_t)WEFT__LIFE_PERMIT);
    return (life & WEFT__LIFE_PERMIT) != 0;
}

/* Behind T2, by a forked child: hangs its ticket on its forker, which is locked. U2 takes it down
 * with its claim. */
static WEFT__COLD int park_on_locked(struct weft__worker *worker, struct weft__task *holder,
                                     struct weft__ticket ticket, weft_deadline until)
{
    struct weft__joiner joiner = { .ticket = ticket, .parks = true };

    weft__join_insert_locked(holder, &joiner);
    weft__record_unlock(&holder->record); /* PERMIT T3 */
    int rc = weft__park_commit(worker, ticket, until, 0);
    if (rc < 0) {
        weft__record_lock_own(&holder->record);
        weft__join_remove_locked(&joiner);
        weft__record_unlock(&holder->record);
    }
    return rc;
}

int weft_park(weft_deadline until)
{
    struct weft__worker *worker = weft__self_worker();
    struct weft__task *task = weft__worker_task(worker);

    if (task == NULL || weft__load_relaxed(&weft__record_forked))
        return weft__error_outside();
    if (weft__task_canceled(task))
        return -ECANCELED;
    struct weft__task *holder = holder_of(task);
    weft__record_lock_own(&holder->record); /* PERMIT T1 */
    bool taken = take_permit_locked(holder);
    if (taken || until.ns <= 0) {
        weft__record_unlock(&holder->record);
        return taken ? 0 : -ETIMEDOUT;
    }
    struct weft__ticket ticket = weft__park_begin(task, WEFT__REASON_PERMIT); /* PERMIT T2 */
    if (WEFT__UNLIKELY(holder != task))
        return park_on_locked(worker, holder, ticket, until);
    weft__record_unlock(&task->record); /* PERMIT T3 */
    return weft__park_commit(worker, ticket, until, 0);
}

/* U2. */
static bool claim_locked(struct weft__task *task)
{
    uint64_t word = weft__load_acquire(&task->wait); /* PERMIT U2, pairs with PARK K1 */
    struct weft__ticket ticket = { .task = task, .word = word };

    return (word & WEFT__WAIT_STATES) == WEFT__WAIT_WAITING &&
           weft__load_relaxed(&task->reason) == WEFT__REASON_PERMIT &&
           weft__park_claim(ticket, WEFT__WAIT_WOKEN);
}

/* U2, for the children that park on it. NULL: none, or each of these parks is over. */
static struct weft__task *claim_child_locked(const struct weft__task *holder)
{
    struct weft__joiner *joiner = holder->joiners;

    while (joiner != NULL && !(joiner->parks && weft__park_claim(joiner->ticket, WEFT__WAIT_WOKEN)))
        joiner = joiner->next;
    if (joiner == NULL)
        return NULL;
    weft__join_remove_locked(joiner); /* the child sleeps still: it is made ready by the caller */
    return joiner->ticket.task;
}

int weft_unpark(weft_task task)
{
    int rc = 0;
    struct weft__task *found = weft__task_lock(task, &rc); /* PERMIT U1 */

    if (found == NULL)
        return rc;
    struct weft__task *parked = NULL;
    if (weft__record_has(&found->record, WEFT__LIFE_ENDED))
        rc = -ESRCH;
    else if ((parked = claim_locked(found) ? found : claim_child_locked(found)) != NULL)
        rc = 1; /* from here on it can't end before it is made ready below */
    else if (weft__record_has(&found->record, WEFT__LIFE_PERMIT))
        rc = -EALREADY;
    else
        weft__record_set_locked(&found->record, WEFT__LIFE_PERMIT); /* PERMIT U3 */
    weft__record_unlock(&found->record);
    if (parked != NULL)
        weft__park_ready(weft__self_worker(), parked);
    return rc;
}
