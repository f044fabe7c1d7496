#include "runtime/io/operation.h"

#include "runtime/base/check.h"
#include "runtime/base/fallback.h"
#include "runtime/sched/error.h"
#include "runtime/sched/park.h"
#include "runtime/sched/runtime.h"
#include "runtime/sched/yield.h"
#include "uring/faults.h"

struct pending {
    struct weft__operation operation;
    struct weft__ticket ticket;
    int32_t result;
};

/* A task that waits for room in the engine of its worker; in the worker's own list. */
struct room_wait {
    struct weft__list link;
    struct weft__ticket ticket;
};

void weft__upcall_completed(void *owner, void *waiter, int32_t result, uint32_t flags)
{
    struct weft__operation *operation = waiter;

    if (WEFT__UNLIKELY(operation->came != NULL)) {
        operation->came(operation, result, (flags & WEFT__COMPLETION_MORE) != 0);
        return;
    }
    struct pending *pending = WEFT__CONTAINER(operation, struct pending, operation);
    struct weft__task *task = pending->ticket.task;
    WEFT_ASSERT((flags & WEFT__COMPLETION_MORE) == 0, "a single-shot operation completed twice");
    pending->result = result;
    bool claimed = weft__park_claim(pending->ticket, WEFT__WAIT_WOKEN);
    WEFT_ASSERT(claimed, "an operation's wait was ended by something else");
    weft__park_ready_here(owner, task, false);
}

/* Lets the task that has waited longest try again; it lets the next one when it has succeeded. */
static void wake_for_room(struct weft__worker *worker)
{
    struct weft__list *link;

    while ((link = weft__list_take(&worker->room)) != NULL) {
        struct room_wait *wait = WEFT__CONTAINER(link, struct room_wait, link);
        if (weft__park_claim(wait->ticket, WEFT__WAIT_WOKEN)) {
            weft__park_ready_here(worker, wait->ticket.task, false);
            return;
        }
    }
}

void weft__upcall_room(void *owner)
{
    wake_for_room(owner);
}

/* The list is this worker's, so the task stays. */
static int wait_for_room(struct weft__worker *worker, weft_deadline until, unsigned manner)
{
    struct weft__task *task = weft__worker_task(worker);
    struct room_wait wait;

    wait.ticket = weft__park_begin(task, WEFT__REASON_ROOM);
    weft__list_append(&worker->room, &wait.link);
    int rc = weft__park_commit(worker, wait.ticket, until, WEFT__PARK_ANCHORED | manner);
    weft__list_remove(&wait.link);
    return rc;
}

/* Submits, waiting for room as long as needed; the task does not move while it does. */
static int submit(struct weft__worker *worker, const struct weft__request *request,
                  struct pending *pending, weft_deadline until, unsigned manner)
{
    int rc;

    while ((rc = weft__engine_submit(worker->engine, request, &pending->operation,
                                     &pending->operation.id)) == -EAGAIN) {
        WEFT__FALLBACK(SUBMIT_REFUSED);
        rc = wait_for_room(worker, until, manner);
        if (rc < 0)
            return rc;
    }
    if (rc == 0 && !weft__list_empty(&worker->room))
        wake_for_room(worker);
    return rc;
}

/*
 * What the caller is told of an operation that the kernel gave up: who asked for that. -EINTR:
 * nobody did, a signal came in between, and nothing has been done (io_uring can't restart a call by
 * itself).
 */
static int outcome(int32_t result, int waited, bool asked)
{
    if (result != -ECANCELED && result != -EINTR)
        return result;
    if (waited == -ETIMEDOUT)
        return -ETIMEDOUT;
    return result == -EINTR && !asked ? -EINTR : -ECANCELED;
}

static int run_once(struct weft__worker *worker, struct weft__task *task,
                    const struct weft__request *request, weft_deadline until, bool shielded,
                    struct weft__operation_watch *watch)
{
    struct pending pending = { .operation.worker = worker };
    unsigned manner = shielded ? WEFT__PARK_SHIELDED : 0;
    bool asked = false;

    if (!shielded && weft__task_canceled(task))
        return -ECANCELED;
    if (!shielded && until.ns <= 0)
        return -ETIMEDOUT;
    int rc = submit(worker, request, &pending, until, manner);
    if (rc < 0)
        return rc;
    task->op = pending.operation.id;
    pending.ticket = weft__park_begin(
        task, weft__task_note_operation(task, request->opcode, request->fd));
    if (watch != NULL && !watch->begun(watch, &pending.operation)) {
        (void)weft__engine_cancel(worker->engine, pending.operation.id);
        asked = true;
    }
    rc = weft__park_commit(worker, pending.ticket, shielded ? WEFT_NEVER : until,
                           WEFT__PARK_OPERATION | manner);
    if (watch != NULL)
        watch->ended(watch, &pending.operation);
    asked = asked || (!shielded && weft__task_canceled(task));
    return outcome(pending.result, rc, asked);
}

/* The same where a plan of faults is armed: it may have the answer, or a shorter request. */
WEFT__COLD static int run_planned(struct weft__worker *worker, struct weft__task *task,
                                  const struct weft__request *request, weft_deadline until,
                                  bool shielded, struct weft__operation_watch *watch)
{
    struct weft__request changed = *request;
    int rc = weft__faults_meet(&changed);

    return rc < 0 ? rc : run_once(worker, task, &changed, until, shielded, watch);
}

/* BOUND: a signal comes in between only so often as signals come. */
int weft__operation_run(const struct weft__request *request, weft_deadline until, unsigned flags,
                        struct weft__operation_watch *watch)
{
    bool shielded = (flags & WEFT__OPERATION_SHIELDED) != 0;
    int rc;

    do {
        struct weft__worker *worker = weft__self_worker(); /* it may have moved */
        struct weft__task *task = weft__worker_task(worker);
        if (task == NULL)
            return weft__error_outside();
        weft__yield_point();
        rc = WEFT__UNLIKELY(weft__load_relaxed(&weft__faults_armed))
                 ? run_planned(worker, task, request, until, shielded, watch)
                 : run_once(worker, task, request, until, shielded, watch);
    } while (WEFT__UNLIKELY(rc == -EINTR));
    return rc;
}
