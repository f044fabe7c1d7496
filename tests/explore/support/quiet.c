/* The loop of a worker that nobody steals from, as far as these cases need it. */
#include "runtime/sched/search.h"
#include "runtime/sched/sleep.h"
#include "runtime/sched/switch.h"
#include "tests/explore/support/home.h"

enum { TIMERS = 4 };

/* ---- what the scheduler's other files would do ---- */

bool weft__search_sees_work(const struct weft__worker *worker)
{
    (void)worker;
    return false;
}

uint64_t weft__search_mark(const struct weft__worker *worker)
{
    (void)worker;
    return 0;
}

void weft__search_join(struct weft__worker *worker)
{
    worker->searching = true;
}

/* ---- the loop ---- */

void home_drain(int thread)
{
    struct weft__worker *worker = home_worker(thread);
    struct weft__message *message = weft__inbox_take(&worker->inbox);

    while (message != NULL) {
        struct weft__message *next = message->next;
        message->deliver(worker, message);
        message = next;
    }
}

static bool step(struct weft__worker *worker)
{
    if (weft__inbox_empty(&worker->inbox))
        return weft__load_relaxed(&worker->wheel.armed) != 0 &&
               weft__wheel_advance(&worker->wheel, worker, explore_now(), TIMERS) > 0;
    home_drain((int)worker->index);
    return true;
}

static bool is_picked(struct weft__worker *worker, const struct weft__task *task)
{
    struct weft__task *next = worker->lifo != NULL ? worker->lifo
                                                   : weft__queue_take(&worker->ready);

    worker->lifo = NULL;
    EXPLORE_NEED(next == NULL || next == task, "a task is ready that does not live here");
    if (next != NULL && worker->doorbell_staged)
        weft__sleep_flush(worker);
    return next != NULL;
}

struct weft__worker *explore_switch_away(struct weft__worker *worker, struct weft__task *task)
{
    weft__store_release(&worker->current, NULL);
    while (!is_picked(worker, task))
        if (!step(worker))
            weft__sleep_park(worker);
    EXPLORE_NEED(worker->ready.head == NULL && worker->lifo == NULL, "it was made ready twice");
    weft__store_release(&worker->current, task);
    return worker;
}
