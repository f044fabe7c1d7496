/*
 * Waiting until all of some tasks have ended, or one of them has failed.
 *
 * ORDERING GATHER: the end that makes the wait over wakes the waiter, wherever it comes.
 *   waiter                                   task of the list, at its end, under its own lock
 *   W1 wait word = (n, waiting)              G1 ENDED; takes the joiners that hang on it
 *   W2 left = count + 1                      G2 left -= 1, acquire-release; on a failure failed = 1
 *   W3 for each task, under its lock: ENDED? G3 left was 1, or a failure that counts:
 *      then left -= 1, else hangs a joiner      claims (n, waiting)
 *   W4 left -= 1; 0, or failed: it is over,
 *      takes its ticket back
 *   W5 parks
 *   W6 takes its joiners out, under each lock
 * Forbidden: the waiter parks and nobody claims its ticket.
 * Because:   each task is counted once, by W3 or by G2: the lock of its record decides. The waiter
 *            itself is counted until W4, so left becomes 0 in W4 (it does not park), or in a G2
 *            after W4, whose G3 claims. A failure is seen by W4 or comes after it, and then its G3
 *            claims; a claim that comes before W5 makes the park return (park.h).
 *            After W6 no task can reach the gather: it is reached through joiners alone, under the
 *            locks that W6 took.
 * Without:   the waiter's own count, the last end could come between two W3 with left at 0, and
 *            the rest be waited for by nobody.
 * Tested by: tests/stress/gather.c
 */
#include "runtime/sched/gather.h"

#include <string.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/sched/error.h"
#include "runtime/sched/thread.h"

enum { on_stack = 16, count_max = 1 << 24 };

/* One place of the list. */
struct place {
    struct weft__joiner joiner;
    struct weft__task *task; /* pinned */
};

bool weft__gather_note(struct weft__gather *gather, int result)
{
    bool counts = result < 0 && gather->stops_at_failure;

    if (counts)
        weft__store_release(&gather->failed, 1);              /* GATHER G2, pairs with W4 */
    return weft__sub_acqrel(&gather->left, 1) == 1 || counts; /* GATHER G2 */
}

/* Pins all tasks. An error leaves none pinned. */
static int pin_all(const weft_task *tasks, size_t count, const struct weft__task *self,
                   struct place *places)
{
    int rc = 0;
    size_t pinned = 0;

    for (; pinned < count && rc == 0; pinned++) {
        struct weft__task *task = weft__task_lock(tasks[pinned], &rc);
        if (task == NULL)
            break;
        weft__record_pin_locked(&task->record);
        weft__record_unlock(&task->record);
        places[pinned].task = task;
        if (task == weft__task_face(self))
            rc = -EDEADLK;
    }
    while (rc < 0 && pinned-- > 0)
        weft__task_unpin(places[pinned].task);
    return rc;
}

/* W3. */
static void hang_all(struct weft__gather *gather, struct weft__ticket ticket, struct place *places,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct weft__task *task = places[i].task;
        places[i].joiner = (struct weft__joiner){ .ticket = ticket, .gather = gather };
        weft__record_lock_own(&task->record);
        if (weft__record_has(&task->record, WEFT__LIFE_ENDED))
            (void)weft__gather_note(gather, weft__load_relaxed(&task->result));
        else
            weft__join_insert_locked(task, &places[i].joiner);
        weft__record_unlock(&task->record);
    }
}

/* W4 and W5. */
static int park(struct weft__worker *worker, struct weft__gather *gather,
                struct weft__ticket ticket, weft_deadline until)
{
    bool over = weft__sub_acqrel(&gather->left, 1) == 1 || /* GATHER W4 */
                weft__load_acquire(&gather->failed) != 0;  /* GATHER W4, pairs with G2 */

    if ((over || until.ns <= 0) && weft__park_withdraw(ticket))
        return over ? 0 : -ETIMEDOUT;
    return weft__park_commit(worker, ticket, until, 0); /* also when it is claimed already */
}

/* W6. What has become of the tasks, whose pins it takes back: the first failure of the list. */
static int judge(struct place *places, size_t count, unsigned char *out_ended, bool *out_all)
{
    int failure = 0;

    *out_all = true;
    for (size_t i = 0; i < count; i++) {
        struct weft__task *task = places[i].task;
        weft__record_lock_own(&task->record);
        weft__join_remove_locked(&places[i].joiner);
        bool ended = weft__record_has(&task->record, WEFT__LIFE_ENDED);
        weft__record_unlock(&task->record);
        int result = ended ? weft__load_relaxed(&task->result) : 0;
        if (failure == 0 && result < 0)
            failure = result;
        *out_all &= ended;
        if (out_ended != NULL)
            out_ended[i] = ended;
        weft__task_unpin(task);
    }
    return failure;
}

static int gather_all(struct weft__task *self, const weft_task *tasks, size_t count,
                      struct place *places, weft_wait_all_kind goal, unsigned char *out_ended,
                      weft_deadline until)
{
    struct weft__gather gather = { .stops_at_failure = goal == WEFT_ALL_OR_FAILURE };
    bool all = false;
    int rc = pin_all(tasks, count, self, places);

    if (rc < 0)
        return rc;
    weft__store_relaxed(&gather.left, (uint32_t)count + 1); /* GATHER W2 */
    struct weft__ticket ticket = weft__park_begin(self, WEFT__REASON_JOIN);
    hang_all(&gather, ticket, places, count);
    rc = park(weft__self_worker(), &gather, ticket, until);
    int failure = judge(places, count, out_ended, &all);
    if (failure < 0 && (all || goal == WEFT_ALL_OR_FAILURE))
        return failure;
    return all ? 0 : rc;
}

int weft_wait_all(const weft_task *tasks, size_t count, weft_wait_all_kind goal,
                  unsigned char *out_ended, weft_deadline until)
{
    struct place few[on_stack];
    struct place *places = few;
    struct weft__task *self = weft__thread_or_task(weft__self_worker());

    WEFT_NEED_BYTES(tasks, count);
    if (self == NULL)
        return weft__error_outside();
    if ((goal != WEFT_ALL_ENDED && goal != WEFT_ALL_OR_FAILURE) || count > count_max)
        return -EINVAL;
    if (count > on_stack)
        places = weft__memory_alloc(WEFT__NODE_LOCAL, count * sizeof(*places));
    if (places == NULL)
        return -ENOMEM;
    int rc = gather_all(self, tasks, count, places, goal, out_ended, until);
    if (count > on_stack)
        weft__memory_free(places, count * sizeof(*places));
    return rc;
}
