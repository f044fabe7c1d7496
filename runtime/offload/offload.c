#include "runtime/offload/offload.h"

#include "runtime/sched/error.h"
#include "runtime/sched/park.h"
#include "runtime/sched/runtime.h"

struct call {
    struct weft__job job;
    struct weft__ticket ticket;
    struct weft__runtime *runtime;
    int (*fn)(void *argument);
    void *argument;
    int result;
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

/* On a helper thread. The call lies on the task's stack: not touched once the task is ready. */
static void run_call(struct weft__job *job)
{
    struct call *call = WEFT__CONTAINER(job, struct call, job);
    struct weft__runtime *runtime = call->runtime;

    call->result = call->fn(call->argument);
    struct weft__ticket ticket = call->ticket;
    if (weft__park_claim(ticket, WEFT__WAIT_WOKEN))
        weft__park_ready(NULL, ticket.task);
    wake_for_room(runtime);
}

static int wait_for_room(struct weft__worker *worker)
{
    struct weft__runtime *runtime = worker->runtime;
    struct room_wait wait;

    wait.ticket = weft__park_begin(weft__worker_task(worker), WEFT__REASON_HELPER);
    weft__lock_acquire(&runtime->helper_lock); /* pairs with weft__lock_release */
    weft__list_append(&runtime->helper_room, &wait.link);
    weft__lock_release(&runtime->helper_lock);
    /* A call may have ended between the refusal and here: the limit makes it look again. */
    int rc = weft__park_commit(worker, wait.ticket, weft_after(WEFT_MILLISECOND), 0);
    weft__lock_acquire(&runtime->helper_lock); /* pairs with weft__lock_release */
    weft__list_remove(&wait.link);
    weft__lock_release(&runtime->helper_lock);
    return rc == -ETIMEDOUT ? 0 : rc;
}

int weft__offload_run(int (*fn)(void *argument), void *argument)
{
    struct weft__worker *worker = weft__self_worker();
    struct weft__task *task = weft__worker_task(worker);
    struct call call = { .job.run = run_call, .fn = fn, .argument = argument };
    int rc;

    if (task == NULL)
        return weft__error_outside();
    if (weft__task_canceled(task))
        return -ECANCELED;
    call.runtime = worker->runtime;
    for (;;) {
        call.ticket = weft__park_begin(task, WEFT__REASON_HELPER);
        rc = weft__pool_submit(worker->runtime->pool, &call.job);
        if (rc != -EAGAIN)
            break;
        (void)weft__park_withdraw(call.ticket); /* nobody has seen it */
        rc = wait_for_room(worker);
        if (rc < 0)
            return rc;
        worker = weft__self_worker();
    }
    if (rc < 0) {
        (void)weft__park_withdraw(call.ticket);
        return rc;
    }
    weft__bump(&worker->counters.helper_calls);
    (void)weft__park_commit(worker, call.ticket, WEFT_NEVER, WEFT__PARK_SHIELDED);
    return call.result;
}
