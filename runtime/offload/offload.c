/*
 * LOCK helper lock (leaf, in the runtime): the list of tasks that wait for room, and of each call
 * its ticket and whether it has ended.
 */
#include "runtime/offload/offload.h"

#include "runtime/base/clock.h"
#include "runtime/sched/error.h"
#include "runtime/sched/park.h"
#include "runtime/sched/runtime.h"

struct call {
    struct weft__job job;
    struct weft__ticket ticket; /* (l) of the task's present wait */
    struct weft__runtime *runtime;
    int (*fn)(void *argument);
    void *argument;
    int result; /* (l) */
    bool ended; /* (l) */
};

/* A task that waits until the pool's queue has room; in the runtime's list, under its lock. */
struct room_wait {
    struct weft__list link;
    struct weft__ticket ticket;
};

/* One that waits for room may try again. */
static void wake_for_room(struct weft__runtime *runtime)
{
    struct weft__list *link;
    struct weft__task *task = NULL;

    weft__lock_acquire(&runtime->helper_lock); /* pairs with weft__lock_release */
    while (task == NULL && (link = weft__list_take(&runtime->helper_room)) != NULL) {
        struct room_wait *wait = WEFT__CONTAINER(link, struct room_wait, link);
        if (weft__park_claim(wait->ticket, WEFT__WAIT_WOKEN))
            task = wait->ticket.task;
    }
    weft__lock_release(&runtime->helper_lock);
    if (task != NULL)
        weft__park_ready(NULL, task);
}

/*
 * On a helper thread. The call lies on the task's stack: not touched once it is marked, because the
 * task, when its deadline has come meanwhile, goes on as soon as it sees the mark. Then the ticket
 * is stale, and nobody's.
 */
static void run_call(struct weft__job *job)
{
    struct call *call = WEFT__CONTAINER(job, struct call, job);
    struct weft__runtime *runtime = call->runtime;
    int result = call->fn(call->argument);

    weft__lock_acquire(&runtime->helper_lock); /* pairs with weft__lock_release */
    struct weft__ticket ticket = call->ticket;
    call->result = result;
    call->ended = true;
    weft__lock_release(&runtime->helper_lock);
    if (weft__park_claim(ticket, WEFT__WAIT_WOKEN))
        weft__park_ready(NULL, ticket.task);
    wake_for_room(runtime);
}

static bool has_passed(weft_deadline until)
{
    return until.ns <= 0 || (until.ns != INT64_MAX && until.ns <= weft__clock_now());
}

static int wait_for_room(struct weft__worker *worker, weft_deadline until)
{
    struct weft__runtime *runtime = worker->runtime;
    struct room_wait wait;
    weft_deadline look = weft_after(WEFT_MILLISECOND);

    wait.ticket = weft__park_begin(weft__worker_task(worker), WEFT__REASON_HELPER);
    weft__lock_acquire(&runtime->helper_lock); /* pairs with weft__lock_release */
    weft__list_append(&runtime->helper_room, &wait.link);
    weft__lock_release(&runtime->helper_lock);
    /* A call may have ended between the refusal and here: the limit makes it look again. */
    int rc = weft__park_commit(worker, wait.ticket, look.ns < until.ns ? look : until, 0);
    weft__lock_acquire(&runtime->helper_lock); /* pairs with weft__lock_release */
    weft__list_remove(&wait.link);
    weft__lock_release(&runtime->helper_lock);
    if (rc == -ETIMEDOUT && !has_passed(until))
        return 0;
    return rc;
}

/* Queues the call with the ticket of a wait that has begun; waits for room as long as needed. */
static int submit(struct call *call, weft_deadline until)
{
    for (;;) {
        struct weft__worker *worker = weft__self_worker();
        call->ticket = weft__park_begin(weft__worker_task(worker), WEFT__REASON_HELPER);
        int rc = weft__pool_submit(call->runtime->pool, &call->job);
        if (rc == 0)
            return 0;
        (void)weft__park_withdraw(call->ticket); /* nobody has seen it */
        if (rc == -ENOBUFS)
            rc = wait_for_room(worker, until);
        if (rc < 0)
            return rc;
    }
}

/* After the deadline or a cancel has ended the wait of a call that a helper has begun: waits for
 * the helper, whatever comes. */
static void wait_for_helper(struct call *call)
{
    struct weft__worker *worker = weft__self_worker();
    struct weft__runtime *runtime = call->runtime;

    weft__lock_acquire(&runtime->helper_lock); /* pairs with weft__lock_release */
    bool ended = call->ended;
    struct weft__ticket ticket = { 0 };
    if (!ended) {
        ticket = weft__park_begin(weft__worker_task(worker), WEFT__REASON_HELPER);
        call->ticket = ticket;
    }
    weft__lock_release(&runtime->helper_lock);
    if (!ended)
        (void)weft__park_commit(worker, ticket, WEFT_NEVER, WEFT__PARK_SHIELDED);
}

int weft__offload_run(int (*fn)(void *argument), void *argument, weft_deadline until)
{
    struct weft__worker *worker = weft__self_worker();
    struct weft__task *task = weft__worker_task(worker);
    struct call call = { .job.run = run_call, .fn = fn, .argument = argument };

    if (task == NULL)
        return weft__error_outside();
    if (weft__task_canceled(task))
        return -ECANCELED;
    if (has_passed(until))
        return -ETIMEDOUT;
    call.runtime = worker->runtime;
    int rc = submit(&call, until);
    if (rc < 0)
        return rc;
    worker = weft__self_worker(); /* it may have moved while it waited for room */
    weft__bump(&worker->counters.helper_calls);
    rc = weft__park_commit(worker, call.ticket, until, 0);
    if (rc == 0)
        return call.result;
    if (weft__pool_withdraw(call.runtime->pool, &call.job))
        return rc; /* no helper has seen it */
    wait_for_helper(&call);
    return call.result;
}
