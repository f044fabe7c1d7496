/*
 * A task wakes others on sleeping workers and computes on without a call. They must run before it
 * gives way: it waits for each in a loop of its own. A doorbell that waited for its next call would
 * ring only when the sleeper's nap runs out, a quarter of a second later at the soonest, and the
 * watchdog ends a few hundred rounds of that.
 */
#include <errno.h>

#include "tests/support/stress.h"

/* How the waker reaches the other side. */
enum way { BY_PUT, BY_SPAWN, BY_CANCEL };

struct meeting {
    uint32_t workers;
    uint32_t rounds;
    enum way way;
    weft_chan calls; /* a slot for each worker, so that a put never waits */
    weft_scope scope;
    _Atomic uint32_t waiting; /* answerers that are about to wait */
    _Atomic uint32_t answers;
};

/* The workers of the others sleep by then or are about to: both are worth meeting. */
static void compute_until(const _Atomic uint32_t *counter, uint32_t wanted)
{
    while (weft__load_relaxed(counter) < wanted)
        (void)stress_compute(200);
    (void)stress_compute(stress_below(2) == 0 ? 0 : stress_below(100000));
}

static int answer(void *argument)
{
    struct meeting *meeting = argument;

    STRESS_CHECK(weft_worker_self() > 0);
    weft__add_relaxed(&meeting->answers, 1);
    return 0;
}

static int answer_calls(void *argument)
{
    struct meeting *meeting = argument;
    uint32_t call;
    int rc;

    for (;;) {
        weft__add_relaxed(&meeting->waiting, 1);
        rc = weft_chan_take(meeting->calls, &call, WEFT_NEVER);
        if (rc < 0)
            break;
        weft__add_relaxed(&meeting->answers, 1);
    }
    STRESS_EQUAL(rc, -EPIPE);
    return 0;
}

static int answer_cancel(void *argument)
{
    struct meeting *meeting = argument;

    weft__add_relaxed(&meeting->waiting, 1);
    STRESS_EQUAL(weft_sleep(weft_after(3600 * WEFT_SECOND)), -ECANCELED);
    return answer(meeting);
}

static weft_task spawn_elsewhere(struct meeting *meeting, weft_task_fn body, uint32_t number)
{
    weft_place place = weft_place_worker(1 + number % (meeting->workers - 1));
    weft_task task = weft_spawn(meeting->scope, body, meeting, &WEFT_SPAWN_OPTIONS(.place = place));

    STRESS_CHECK(task > 0);
    return task;
}

static void meet_by_cancel(struct meeting *meeting, uint32_t round)
{
    weft_task task = spawn_elsewhere(meeting, answer_cancel, round);

    compute_until(&meeting->waiting, round + 1);
    STRESS_EQUAL(weft_cancel(task), 0);
}

/* On worker 0, whose place it keeps from its first call to its last. */
static int wake_and_compute(void *argument)
{
    struct meeting *meeting = argument;

    for (uint32_t i = 1; meeting->way == BY_PUT && i < meeting->workers; i++)
        (void)spawn_elsewhere(meeting, answer_calls, i);
    for (uint32_t round = 0; round < meeting->rounds; round++) {
        if (meeting->way == BY_PUT)
            STRESS_EQUAL(weft_chan_try_put(meeting->calls, &round), 0);
        else if (meeting->way == BY_SPAWN)
            (void)spawn_elsewhere(meeting, answer, round);
        else
            meet_by_cancel(meeting, round);
        compute_until(&meeting->answers, round + 1);
    }
    STRESS_EQUAL(weft_chan_close(meeting->calls, 0), 0);
    return 0;
}

static int hold_meeting(void *argument)
{
    struct meeting *meeting = argument;

    meeting->scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL, .forget = 1));
    STRESS_CHECK(weft_spawn(meeting->scope, wake_and_compute, meeting,
                            &WEFT_SPAWN_OPTIONS(.place = weft_place_worker(0))) > 0);
    return weft_scope_close(meeting->scope);
}

static void meet(uint32_t workers, enum way way)
{
    if (workers < 2)
        return; /* nobody else could run */
    weft_runtime runtime = stress_start(workers, NULL);
    struct meeting meeting = {
        .workers = workers,
        .rounds = stress_size(20000, STRESS_SANITIZED ? 100 : 500),
        .way = way,
        .calls = weft_chan_create(sizeof(uint32_t), workers),
    };

    STRESS_EQUAL(weft_call(runtime, hold_meeting, &meeting), 0);
    STRESS_EQUAL(meeting.answers, meeting.rounds);
    STRESS_EQUAL(weft_chan_release(meeting.calls), 0);
    stress_stop(runtime);
}

static void wake_by_put(uint32_t workers)
{
    meet(workers, BY_PUT);
}

static void wake_by_spawn(uint32_t workers)
{
    meet(workers, BY_SPAWN);
}

static void wake_by_cancel(uint32_t workers)
{
    meet(workers, BY_CANCEL);
}

static const struct stress_case cases[] = {
    STRESS_CASE(wake_by_put),
    STRESS_CASE(wake_by_spawn),
    STRESS_CASE(wake_by_cancel),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
