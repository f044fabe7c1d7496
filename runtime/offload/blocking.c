/*
 * Blocking calls. A call lies on the stack of its task, which waits for it; the pool of helper
 * threads is uring's.
 *
 * STATE call: queued -> running on being taken by a helper; queued -> withdrawn by its task, at a
 * deadline or a cancel; running -> ended by the helper. Terminal: withdrawn, ended.
 *
 * ORDERING CALL: a task leaves a call that was begun after its function has ended, and the helper
 * does not touch the call from then on.
 *   helper                                   task, whose wait n a deadline or a cancel has ended
 *   H1 result = fn(argument)                 T1 begins another wait, m, which nothing else ends
 *   H2 n or m = swap(turn, ended)            T2 compare-and-swap: turn n -> m
 *   H3 claims that wait, and only then       T3 T2 failed: takes the result and returns;
 *      makes the task ready                     else it waits for H3
 * Forbidden: the task returns before H1 is over; it waits though H3 has come for n; H2 or H3 touch
 *            the call after the return.
 * Because:   H2 and T2 are read-modify-writes of one word. H2 first: T2 fails, and acquires what H2
 *            released. T2 first: H2 gets m, and nobody but H3 ends that wait. H3 knows the task and
 *            the number by value: n is stale when its claim comes late, and then nothing happens.
 * Without:   the swap, a call that ends at its deadline is waited for ever, or its stack is gone.
 * Tested by: tests/unit/blocking_wait_test.c
 *
 * REJECTED a limit for the queue, with callers that wait for room: a queued call takes no memory
 * but its caller's, so nothing grows, and a second list could only break the order of arrival.
 * REJECTED a signal to the helper in place of the cancel function: it can come before the system
 * call that it shall end, and needs a handler without SA_RESTART that only the program can install.
 */
#include <errno.h>
#include <pthread.h>

#include <weft/blocking.h>

#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "runtime/base/sys.h"
#include "runtime/sched/error.h"
#include "runtime/sched/park.h"
#include "runtime/sched/runtime.h"

enum { ended = 0 }; /* no wait word is 0 */

struct call {
    struct weft__job job;
    struct weft__task *task; /* (i) */
    _Atomic uint64_t turn;   /* (a:CALL) the wait word of the task's present wait, or ended */
    weft_blocking_fn fn;
    void *argument;
    int64_t result; /* (a:CALL) */
};

_Noreturn WEFT__COLD static void fail_left(void *argument)
{
    const struct call *call = argument;

    weft__check_failed("the function of a blocking call returns",
                       "the function that task %s runs on a helper thread has ended that thread",
                       weft__task_label(call->task));
}

/* It has forked, and this is the child: the task that waits for it does not live there. */
_Noreturn WEFT__COLD static void fail_in_child(const struct call *call)
{
    weft__check_failed("a child of fork ends by exec or _exit",
                       "the blocking call of task %s returned in the child of a fork, which has no "
                       "runtime",
                       weft__task_label(call->task));
}

/* On a helper thread. */
static void run_call(struct weft__job *job)
{
    struct call *call = WEFT__CONTAINER(job, struct call, job);
    struct weft__ticket ticket = { .task = call->task };

    pthread_cleanup_push(fail_left, call);
    call->result = call->fn(call->argument); /* CALL H1 */
    pthread_cleanup_pop(0);
    if (WEFT__UNLIKELY(weft__load_relaxed(&weft__record_forked)))
        fail_in_child(call);
    ticket.word = weft__swap_acqrel(&call->turn, ended); /* CALL H2 */
    if (weft__park_claim(ticket, WEFT__WAIT_WOKEN))      /* CALL H3 */
        weft__park_ready(NULL, ticket.task);
}

/* Waits for the end of a call that a helper has begun, whatever comes; the wait with @word was
 * ended by something else. */
static void wait_begun(struct call *call, uint64_t word)
{
    struct weft__ticket ticket = weft__park_begin(call->task, WEFT__REASON_HELPER); /* CALL T1 */

    if (weft__cas_acqrel(&call->turn, &word, ticket.word)) /* CALL T2 */
        (void)weft__park_commit(weft__self_worker(), ticket, WEFT_NEVER, WEFT__PARK_SHIELDED);
    else
        (void)weft__park_withdraw(ticket); /* nobody has seen it */
}

static int64_t run_on_helper(struct weft__worker *worker, struct call *call,
                             void (*cancel)(void *argument), weft_deadline until)
{
    struct weft__pool *pool = worker->runtime->pool;
    struct weft__ticket ticket = weft__park_begin(call->task, WEFT__REASON_HELPER);

    weft__store_relaxed(&call->turn, ticket.word); /* the pool's mutex hands it over */
    int rc = weft__pool_submit(pool, &call->job);
    if (WEFT__UNLIKELY(rc < 0)) {
        (void)weft__park_withdraw(ticket); /* nobody has seen it */
        return rc;
    }
    weft__bump(&worker->counters.helper_calls);
    rc = weft__park_commit(worker, ticket, until, 0);
    if (rc == 0)
        return call->result;
    if (weft__pool_withdraw(pool, &call->job))
        return rc;                                                  /* no helper has seen it */
    if (cancel != NULL && weft__load_acquire(&call->turn) != ended) /* pairs with CALL H2 */
        cancel(call->argument);
    wait_begun(call, ticket.word);
    return call->result;
}

/* The errno of the caller survives, as it does across a wait. */
static int64_t run_in_place(weft_blocking_fn fn, void *argument)
{
    int saved = weft__sys_errno_get();
    int64_t result = fn(argument);

    weft__sys_errno_set(saved);
    return result;
}

static bool has_passed(weft_deadline until)
{
    return until.ns <= 0 || (until.ns != INT64_MAX && until.ns <= weft__clock_now());
}

int64_t weft_blocking_call(weft_blocking_fn fn, void *argument,
                           const weft_blocking_options *options, weft_deadline until)
{
    struct weft__worker *worker = weft__self_worker();
    struct weft__task *task = weft__worker_task(worker);

    WEFT_NEED(fn);
    if ((worker != NULL && task == NULL) || weft__load_relaxed(&weft__record_forked))
        return weft__error_outside();
    if (options != NULL && options->size != sizeof(*options))
        return -EINVAL;
    if (task != NULL && weft__task_canceled(task))
        return -ECANCELED;
    if (has_passed(until))
        return -ETIMEDOUT;
    if (task == NULL)
        return run_in_place(fn, argument);
    struct call call = { .job.run = run_call, .task = task, .fn = fn, .argument = argument };
    return run_on_helper(worker, &call, options != NULL ? options->cancel : NULL, until);
}
