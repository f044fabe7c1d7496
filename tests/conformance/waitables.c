/* Section 2 of the features: locks, conditions, events, semaphores, timers, notifiers, pipes. */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/conformance.h"

/* ---- conditions ---- */

struct desk {
    weft_mutex mutex;
    weft_condition condition;
    int turn;    /* guarded by the mutex, like the rest */
    int seen[3]; /* in the order in which they were woken */
    int woken;
};

struct clerk {
    struct desk *desk;
    int number;
};

static int wait_at_desk(void *argument)
{
    const struct clerk *clerk = argument;
    struct desk *desk = clerk->desk;
    int rc = weft_mutex_lock(&desk->mutex, WEFT_NEVER);

    if (rc < 0)
        return rc;
    EXPECT_EQ(weft_mutex_lock(&desk->mutex, WEFT_NEVER), 0); /* recursively */
    rc = weft_condition_wait(&desk->condition, &desk->mutex, WEFT_NEVER);
    if (rc == 0)
        desk->seen[desk->woken++] = clerk->number;
    EXPECT_EQ(weft_mutex_unlock(&desk->mutex), 0);
    EXPECT_EQ(weft_mutex_is_locked(&desk->mutex), 1); /* the same depth as before */
    EXPECT_EQ(weft_mutex_unlock(&desk->mutex), 0);
    return rc;
}

static weft_task start_clerk(weft_scope scope, struct desk *desk, int number)
{
    struct clerk clerk = { desk, number };
    weft_task task = weft_go_copy(scope, wait_at_desk, &clerk, sizeof(clerk));

    rig_await(task, WEFT_TASK_WAITING);
    return task;
}

/* Holding the mutex is checked: a wait without it ends the program (tests/unit/misuse_test.c), for
 * only a wrong program does that. A signal needs it not: Julia's check there protects its queue,
 * which in weft has a lock of its own. */
CONFORMANCE(condition_wait_lets_go_of_a_recursive_lock_and_takes_it_back)
{
    struct desk desk = { WEFT_MUTEX_REENTRANT_INIT, WEFT_CONDITION_INIT, 0, { 0 }, 0 };
    weft_scope scope = weft_scope_open(&run_all);
    weft_task task = start_clerk(scope, &desk, 1);

    EXPECT_EQ(weft_mutex_lock(&desk.mutex, WEFT_NEVER), 0); /* it is free while the other waits */
    EXPECT_EQ(weft_condition_signal(&desk.condition), 1);
    EXPECT_EQ(weft_wait(task, WEFT_NOW), -ETIMEDOUT); /* it can't have it back yet */
    EXPECT_EQ(weft_mutex_unlock(&desk.mutex), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
    task = start_clerk(scope, &desk, 2);
    EXPECT_EQ(weft_cancel(task), 0); /* it takes it back on errors, too, or its unlock would fail */
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_mutex_is_locked(&desk.mutex), 0);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    weft_condition_fini(&desk.condition);
    weft_mutex_fini(&desk.mutex);
    return 0;
}

/* What notify hands over in Julia lies under the mutex in C. */
CONFORMANCE(notify_wakes_the_first_or_all_and_counts_them)
{
    struct desk desk = { WEFT_MUTEX_REENTRANT_INIT, WEFT_CONDITION_INIT, 0, { 0 }, 0 };
    weft_scope scope = weft_scope_open(NULL);
    weft_task first;

    EXPECT_EQ(weft_condition_signal(&desk.condition), 0); /* forgotten: nobody waits */
    first = start_clerk(scope, &desk, 1);
    (void)start_clerk(scope, &desk, 2);
    (void)start_clerk(scope, &desk, 3);
    EXPECT_EQ(weft_condition_signal(&desk.condition), 1);
    EXPECT_EQ(weft_wait(first, WEFT_NEVER), 0);
    EXPECT_EQ(desk.seen[0], 1);
    EXPECT_EQ(weft_condition_broadcast(&desk.condition), 2);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(desk.woken, 3);
    EXPECT_EQ(weft_condition_broadcast(&desk.condition), 0);
    weft_condition_fini(&desk.condition);
    weft_mutex_fini(&desk.mutex);
    return 0;
}

/* ---- events and semaphores ---- */

static int wait_for_event(void *argument)
{
    return weft_event_wait(*(weft_event **)argument, WEFT_NEVER);
}

static weft_task start_waiting(weft_scope scope, weft_event *event)
{
    weft_task task = weft_go_copy(scope, wait_for_event, &event, sizeof(event));

    rig_await(task, WEFT_TASK_WAITING);
    return task;
}

CONFORMANCE(event_stays_set_until_it_is_reset)
{
    weft_event event = WEFT_EVENT_INIT;
    weft_scope scope = weft_scope_open(NULL);

    (void)start_waiting(scope, &event);
    (void)start_waiting(scope, &event);
    EXPECT_EQ(weft_event_set(&event), 2);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_event_wait(&event, WEFT_NOW), 0);
    EXPECT_EQ(weft_event_wait(&event, WEFT_NOW), 0);
    EXPECT_EQ(weft_event_reset(&event), 1);
    EXPECT_EQ(weft_event_wait(&event, WEFT_NOW), -ETIMEDOUT);
    weft_event_fini(&event);
    return 0;
}

CONFORMANCE(event_that_resets_itself_lets_one_through_for_each_notify)
{
    weft_event event = WEFT_EVENT_AUTO_INIT;
    weft_scope scope = weft_scope_open(NULL);
    weft_task first = start_waiting(scope, &event);
    weft_task second = start_waiting(scope, &event);

    EXPECT_EQ(weft_event_set(&event), 1);
    EXPECT_EQ(weft_wait(first, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(second, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_event_set(&event), 1);
    EXPECT_EQ(weft_scope_close(scope), 0);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(weft_event_set(&event), 0); /* remembered, and merged into one */
    EXPECT_EQ(weft_event_wait(&event, WEFT_NOW), 0);
    EXPECT_EQ(weft_event_wait(&event, WEFT_NOW), -ETIMEDOUT);
    weft_event_fini(&event);
    return 0;
}

static int release_elsewhere(void *argument)
{
    return weft_semaphore_release(*(weft_semaphore **)argument);
}

/* A release without an acquire is what only a wrong program does: it ends with a sentence
 * (tests/unit/misuse_test.c). The scoped form is a deferred release. */
CONFORMANCE(semaphore_of_n_has_n_permits_and_no_owner)
{
    weft_semaphore semaphore;
    weft_semaphore *place = &semaphore;
    weft_scope scope = weft_scope_open(NULL);

    EXPECT_EQ(weft_semaphore_init(&semaphore, 0, 0), -EINVAL);
    EXPECT_EQ(weft_semaphore_init(&semaphore, 2, 2), 0);
    EXPECT_EQ(weft_semaphore_acquire(&semaphore, WEFT_NEVER), 0);
    EXPECT_EQ(weft_semaphore_try_acquire(&semaphore), 0);
    EXPECT_EQ(weft_semaphore_try_acquire(&semaphore), -EAGAIN);
    EXPECT_EQ(weft_semaphore_acquire(&semaphore, WEFT_NOW), -ETIMEDOUT);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(
            weft_wait(weft_go_copy(scope, release_elsewhere, &place, sizeof(place)), WEFT_NEVER),
            0);
    EXPECT_EQ(weft_semaphore_acquire(&semaphore, WEFT_NOW), 0);
    EXPECT_EQ(weft_semaphore_release(&semaphore), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    weft_semaphore_fini(&semaphore);
    return 0;
}

/* ---- locks ---- */

struct room {
    weft_mutex mutex;
    int inside;
    int wrong;
};

static int try_room(void *argument)
{
    return weft_mutex_try_lock(&(*(struct room **)argument)->mutex);
}

static int visit_room(void *argument)
{
    struct room *room = *(struct room **)argument;

    for (int i = 0; i < 50; i++) {
        if (weft_mutex_lock(&room->mutex, WEFT_NEVER) < 0)
            return -EPROTO;
        room->wrong += room->inside++ != 0;
        if (weft_sleep(weft_after(1000)) < 0) /* it may go on elsewhere, and still holds it */
            return -EPROTO;
        room->inside--;
        if (weft_mutex_unlock(&room->mutex) < 0)
            return -EPROTO;
    }
    return 0;
}

/* An unlock by another ends the program (tests/unit/misuse_test.c): a wrong one. */
CONFORMANCE(reentrant_lock_belongs_to_a_task_and_counts)
{
    struct room room = { WEFT_MUTEX_REENTRANT_INIT, 0, 0 };
    struct room *place = &room;
    weft_scope scope = weft_scope_open(&run_all);

    EXPECT_EQ(weft_mutex_is_locked(&room.mutex), 0);
    EXPECT_EQ(weft_mutex_lock(&room.mutex, WEFT_NEVER), 0);
    EXPECT_EQ(weft_mutex_try_lock(&room.mutex), 0);
    EXPECT_EQ(weft_mutex_unlock(&room.mutex), 0);
    EXPECT_EQ(weft_wait(weft_go_copy(scope, try_room, &place, sizeof(place)), WEFT_NEVER), -EAGAIN);
    EXPECT_EQ(weft_mutex_unlock(&room.mutex), 0);
    EXPECT_EQ(weft_mutex_is_locked(&room.mutex), 0); /* a try would do now */
    EXPECT_EQ(weft_mutex_try_lock(&room.mutex), 0);
    EXPECT_EQ(weft_mutex_unlock(&room.mutex), 0);
    for (int i = 0; i < 4; i++)
        (void)weft_spawn(scope, visit_room, &place,
                         &WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(place), .migratable = 1));
    EXPECT_EQ(weft_scope_close(scope), -EAGAIN);
    EXPECT_EQ(room.wrong, 0);
    weft_mutex_fini(&room.mutex);
    return 0;
}

CONFORMANCE(lock_that_is_not_reentrant_says_deadlock)
{
    weft_mutex mutex = WEFT_MUTEX_INIT;

    EXPECT_EQ(weft_mutex_lock(&mutex, WEFT_NEVER), 0);
    EXPECT_EQ(weft_mutex_lock(&mutex, WEFT_NEVER), -EDEADLK);
    EXPECT_EQ(weft_mutex_unlock(&mutex), 0);
    weft_mutex_fini(&mutex);
    return 0;
}

static int leave_early(weft_mutex *mutex)
{
    int rc = weft_mutex_lock(mutex, WEFT_NEVER);

    if (rc < 0)
        return rc;
    WEFT_MUTEX_UNLOCK_AT_END(mutex);
    return -EIO;
}

struct spun {
    weft_spinlock lock;
    int sum; /* guarded by the lock */
};

static int add_under_spin_lock(void *argument)
{
    struct spun *spun = argument;

    for (int i = 0; i < 100; i++) {
        EXPECT_EQ(weft_spinlock_lock(&spun->lock), 0);
        EXPECT_EQ(weft_spinlock_lock(&spun->lock), -EDEADLK);
        EXPECT_EQ(weft_spinlock_try_lock(&spun->lock), -EAGAIN);
        spun->sum++;
        EXPECT_EQ(weft_spinlock_unlock(&spun->lock), 0);
    }
    return 0;
}

/* Julia's hangs when its holder takes it again, may be unlocked by anybody, and may be held by a
 * task that waits: tests/unit/spinlock_test.c has what weft says of these. */
CONFORMANCE(spin_lock_is_for_one_at_a_time)
{
    struct spun spun = { .lock = WEFT_SPINLOCK_INIT };
    weft_scope scope = weft_scope_open(NULL);

    for (int i = 0; i < 10; i++)
        (void)weft_spawn(scope, add_under_spin_lock, &spun,
                         &WEFT_SPAWN_OPTIONS(.place = weft_place_spread()));
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(spun.sum, 1000);
    weft_spinlock_fini(&spun.lock);
    return 0;
}

CONFORMANCE(lock_of_a_block_is_unlocked_on_each_way_out)
{
    weft_mutex mutex = WEFT_MUTEX_INIT;

    EXPECT_EQ(leave_early(&mutex), -EIO);
    EXPECT_EQ(weft_mutex_is_locked(&mutex), 0);
    weft_mutex_fini(&mutex);
    return 0;
}

/* ---- timers ---- */

static int wait_for_timer(void *argument)
{
    return (int)weft_timer_wait(*(weft_timer *)argument, WEFT_NEVER);
}

static int count_call(void *argument)
{
    return ++*(int *)argument < 3 ? 0 : -EIO;
}

CONFORMANCE(timer_fires_once_for_all_who_wait_and_who_come_later)
{
    weft_scope scope = weft_scope_open(NULL);
    int64_t first_ns = weft_clock() + WEFT_MILLISECOND;
    weft_timer timer = weft_timer_create((weft_deadline){ first_ns }, 0);
    weft_task tasks[3];

    EXPECT_EQ(weft_timer_create(WEFT_NOW, -1), -EINVAL);
    for (int i = 0; i < 3; i++)
        tasks[i] = weft_go_copy(scope, wait_for_timer, &timer, sizeof(timer));
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), 1);
    EXPECT(weft_clock() >= first_ns);
    EXPECT_EQ(weft_timer_wait(timer, WEFT_NOW), 1);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_timer_release(timer), 0);
    EXPECT_EQ(weft_timer_release(timer), -ESRCH); /* a stale handle says so, and does no harm */
    return 0;
}

/* No drift, unlike Julia's: the n-th tick is at first + n times the interval. */
CONFORMANCE(timer_repeats_without_drift)
{
    enum { ticks = 5 };
    int64_t first_ns = weft_clock() + WEFT_MILLISECOND;
    weft_timer timer = weft_timer_create((weft_deadline){ first_ns }, WEFT_MILLISECOND);
    int64_t told = 0;

    while (told < ticks) {
        int64_t rc = weft_timer_wait(timer, WEFT_NEVER);
        if (!EXPECT(rc >= 1))
            break;
        told += rc;
        EXPECT(weft_clock() >= first_ns + (told - 1) * WEFT_MILLISECOND);
    }
    EXPECT_EQ(weft_timer_release(timer), 0);
    return 0;
}

CONFORMANCE(timer_that_is_closed_wakes_its_waiters_with_an_error)
{
    weft_scope scope = weft_scope_open(&run_all);
    weft_timer timer = weft_timer_create(WEFT_NEVER, 0);
    weft_task tasks[2];

    for (int i = 0; i < 2; i++) {
        tasks[i] = weft_go_copy(scope, wait_for_timer, &timer, sizeof(timer));
        rig_await(tasks[i], WEFT_TASK_WAITING);
    }
    EXPECT_EQ(weft_timer_release(timer), 0);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), -EPIPE);
    EXPECT_EQ(weft_timer_wait(timer, WEFT_NEVER), -ESRCH);
    EXPECT_EQ(weft_scope_close(scope), -EPIPE);
    return 0;
}

CONFORMANCE(timer_with_a_callback_runs_it_in_a_task_until_it_fails)
{
    int calls = 0;
    weft_scope scope = weft_scope_open(&run_all);
    weft_task task = weft_timer_go(scope, WEFT_NOW, WEFT_MILLISECOND, count_call, &calls);

    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -EIO);
    EXPECT_EQ(calls, 3);
    calls = 0;
    task = weft_timer_go(scope, weft_after(1000 * WEFT_SECOND), 0, count_call, &calls);
    EXPECT_EQ(weft_cancel(task), 0); /* before the callback starts: it never does */
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(weft_scope_close(scope), -EIO);
    return 0;
}

/* ---- notifiers ---- */

static weft_notifier notifier;
static _Atomic int payload;

static void send_from_handler(int number)
{
    payload = number;
    (void)weft_notifier_send(notifier);
}

static void *send_from_a_thread(void *argument)
{
    payload = *(int *)argument;
    EXPECT_EQ(weft_notifier_send(notifier), 0);
    return NULL;
}

CONFORMANCE(async_condition_is_sent_from_any_thread_and_coalesces)
{
    pthread_t thread;
    int value = 17;

    notifier = weft_notifier_create();
    payload = 0;
    if (EXPECT_EQ(pthread_create(&thread, NULL, send_from_a_thread, &value), 0)) {
        EXPECT_EQ(weft_notifier_wait(notifier, WEFT_NEVER), 0);
        EXPECT_EQ(payload, value);
        EXPECT_EQ(pthread_join(thread, NULL), 0);
    }
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(weft_notifier_send(notifier), 0);
    EXPECT_EQ(weft_notifier_wait(notifier, WEFT_NEVER), 0);
    EXPECT_EQ(weft_notifier_wait(notifier, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_notifier_release(notifier), 0);
    EXPECT_EQ(weft_notifier_send(notifier), -ESRCH);
    return 0;
}

CONFORMANCE(async_condition_is_sent_from_a_signal_handler)
{
    struct sigaction action;
    struct sigaction before;

    memset(&action, 0, sizeof(action));
    action.sa_handler = send_from_handler;
    notifier = weft_notifier_create();
    if (EXPECT_EQ(sigaction(SIGUSR2, &action, &before), 0)) {
        EXPECT_EQ(kill(getpid(), SIGUSR2), 0); /* workers block it: another thread gets it */
        EXPECT_EQ(weft_notifier_wait(notifier, WEFT_NEVER), 0);
        EXPECT_EQ(payload, SIGUSR2);
        EXPECT_EQ(sigaction(SIGUSR2, &before, NULL), 0);
    }
    EXPECT_EQ(weft_notifier_release(notifier), 0);
    return 0;
}

static int wait_for_notifier(void *argument)
{
    (void)argument;
    return weft_notifier_wait(notifier, WEFT_NEVER);
}

CONFORMANCE(async_condition_that_is_closed_gives_waiters_an_error)
{
    weft_scope scope = weft_scope_open(&run_all);

    notifier = weft_notifier_create();
    weft_task task = weft_go(scope, wait_for_notifier, NULL);
    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_notifier_release(notifier), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -EPIPE);
    EXPECT_EQ(weft_scope_close(scope), -EPIPE);
    return 0;
}

/* ---- pipes ---- */

static int read_one(void *argument)
{
    unsigned char byte = 0;
    ssize_t count = weft_read(*(weft_fd *)argument, &byte, 1, WEFT_NEVER);

    return count == 1 ? byte : -EIO;
}

CONFORMANCE(pipes_block_only_the_task_and_readers_serialise)
{
    enum { readers = 5 };
    weft_fd ends[2] = { 0, 0 };
    weft_task tasks[readers];
    int sum = 0;
    weft_scope scope = weft_scope_open(NULL);

    EXPECT_EQ(weft_pipe(ends), 0);
    for (int i = 0; i < readers; i++)
        tasks[i] = weft_go_copy(scope, read_one, &ends[0], sizeof(ends[0]));
    for (int i = 0; i < readers; i++)
        rig_await(tasks[i], WEFT_TASK_WAITING); /* this task runs all the same */
    EXPECT_EQ(weft_write(ends[1], "\1\2\4\10\20", readers, WEFT_NEVER), readers);
    for (int i = 0; i < readers; i++)
        sum += weft_wait(tasks[i], WEFT_NEVER);
    EXPECT_EQ(sum, 31); /* each byte went to one of them */
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_close(ends[1]), 0);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        CONFORMANCE_TEST(condition_wait_lets_go_of_a_recursive_lock_and_takes_it_back),
        CONFORMANCE_TEST(notify_wakes_the_first_or_all_and_counts_them),
        CONFORMANCE_TEST(event_stays_set_until_it_is_reset),
        CONFORMANCE_TEST(event_that_resets_itself_lets_one_through_for_each_notify),
        CONFORMANCE_TEST(semaphore_of_n_has_n_permits_and_no_owner),
        CONFORMANCE_TEST(reentrant_lock_belongs_to_a_task_and_counts),
        CONFORMANCE_TEST(lock_that_is_not_reentrant_says_deadlock),
        CONFORMANCE_TEST(spin_lock_is_for_one_at_a_time),
        CONFORMANCE_TEST(lock_of_a_block_is_unlocked_on_each_way_out),
        CONFORMANCE_TEST(timer_fires_once_for_all_who_wait_and_who_come_later),
        CONFORMANCE_TEST(timer_repeats_without_drift),
        CONFORMANCE_TEST(timer_that_is_closed_wakes_its_waiters_with_an_error),
        CONFORMANCE_TEST(timer_with_a_callback_runs_it_in_a_task_until_it_fails),
        CONFORMANCE_TEST(async_condition_is_sent_from_any_thread_and_coalesces),
        CONFORMANCE_TEST(async_condition_is_sent_from_a_signal_handler),
        CONFORMANCE_TEST(async_condition_that_is_closed_gives_waiters_an_error),
        CONFORMANCE_TEST(pipes_block_only_the_task_and_readers_serialise),
    };
    return CONFORMANCE_RUN(argc, argv, "waitables", tests);
}
