/* Section 1.6 of the features: cancellation. A scope is Julia's source, its tasks hold the token:
 * there is none to hand around, so none is forgotten. */
#include <pthread.h>

#include "tests/support/conformance.h"

static int sleep_long(void *argument)
{
    (void)argument;
    return weft_sleep(weft_after(1000 * WEFT_SECOND));
}

/* A task that opens a scope, with a task in it, and waits for that. */
struct family {
    weft_chan told;
    weft_scope inner;
};

static int open_and_wait(void *argument)
{
    struct family *family = *(struct family **)argument;

    family->inner = weft_scope_open(NULL);
    (void)weft_go(family->inner, sleep_long, NULL);
    EXPECT_EQ(weft_chan_put(family->told, NULL, WEFT_NEVER), 0);
    int rc = weft_scope_join(family->inner, WEFT_NEVER);
    EXPECT_EQ(weft_scope_close(family->inner), -ECANCELED);
    return rc;
}

CONFORMANCE(cancellation_goes_down_the_tree_and_not_up)
{
    struct family family = { weft_chan_create(0, 1), 0 };
    struct family *place = &family;
    weft_scope scope = weft_scope_open(&run_all);

    weft_task first = weft_go_copy(scope, open_and_wait, &place, sizeof(place));
    EXPECT_EQ(weft_chan_take(family.told, NULL, WEFT_NEVER), 0);
    weft_task beside = weft_go(scope, sleep_long, NULL);
    EXPECT_EQ(weft_scope_cancel(family.inner), 0); /* the child alone */
    EXPECT_EQ(weft_wait(first, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_canceled(), 0);
    EXPECT_EQ(weft_wait(beside, WEFT_NOW), -ETIMEDOUT);

    weft_task second = weft_go_copy(scope, open_and_wait, &place, sizeof(place));
    EXPECT_EQ(weft_chan_take(family.told, NULL, WEFT_NEVER), 0);
    EXPECT_EQ(weft_scope_cancel(scope), 0); /* the parent, and all below */
    EXPECT_EQ(weft_wait(second, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_wait(beside, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    EXPECT_EQ(weft_chan_release(family.told), 0);
    return 0;
}

static int open_in_cancelled(void *argument)
{
    (void)argument;
    EXPECT_EQ(weft_canceled(), 1);
    weft_scope scope = weft_scope_open(NULL);
    EXPECT_EQ(weft_wait(weft_go(scope, sleep_long, NULL), WEFT_NEVER), -ECANCELED);
    return weft_scope_close(scope);
}

CONFORMANCE(cancellation_is_permanent_idempotent_and_inborn)
{
    weft_scope scope = weft_scope_open(&run_all);

    EXPECT_EQ(weft_scope_cancel(scope), 0);
    EXPECT_EQ(weft_scope_cancel(scope), 0);
    weft_task late = weft_go(scope, open_in_cancelled, NULL);
    EXPECT_EQ(weft_wait(late, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    EXPECT_EQ(weft_scope_cancel(scope), -ESRCH);
    return 0;
}

static void *cancel_in_a_thread(void *argument)
{
    EXPECT_EQ(weft_scope_cancel(*(weft_scope *)argument), 0);
    return NULL;
}

CONFORMANCE(cancellation_from_any_thread)
{
    pthread_t thread;
    weft_scope scope = weft_scope_open(&run_all);
    weft_task task = weft_go(scope, sleep_long, NULL);

    rig_await(task, WEFT_TASK_WAITING);
    if (EXPECT_EQ(pthread_create(&thread, NULL, cancel_in_a_thread, &scope), 0))
        EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    return 0;
}

/* ---- every call that waits ---- */

static struct {
    weft_chan empty;
    weft_chan full;
    weft_task sleeper;
    weft_mutex mutex;
    weft_condition condition;
    weft_mutex guard;
    weft_semaphore semaphore;
    weft_event event;
    weft_rwlock rwlock;
    weft_barrier barrier;
    weft_latch latch;
    weft_future future;
    weft_timer timer;
    weft_notifier notifier;
    weft_fd pipe[2];
} things;

static int wait_put(void *unused)
{
    (void)unused;
    return weft_chan_put(things.full, &(int){ 1 }, WEFT_NEVER);
}

static int wait_take(void *unused)
{
    (void)unused;
    return weft_chan_take(things.empty, &(int){ 1 }, WEFT_NEVER);
}

static int wait_fetch(void *unused)
{
    (void)unused;
    return weft_chan_fetch(things.empty, &(int){ 1 }, WEFT_NEVER);
}

static int wait_select(void *unused)
{
    weft_case one_case = WEFT_CASE_TAKE(things.empty, &(int){ 1 });

    (void)unused;
    return (int)weft_select(&one_case, 1, WEFT_NEVER);
}

static int wait_task(void *unused)
{
    (void)unused;
    return weft_wait(things.sleeper, WEFT_NEVER);
}

static int wait_any(void *unused)
{
    (void)unused;
    return (int)weft_wait_any(&things.sleeper, 1, WEFT_NEVER);
}

static int wait_all(void *unused)
{
    (void)unused;
    return weft_wait_all(&things.sleeper, 1, WEFT_ALL_ENDED, NULL, WEFT_NEVER);
}

static int wait_mutex(void *unused)
{
    (void)unused;
    return weft_mutex_lock(&things.mutex, WEFT_NEVER);
}

static int wait_condition(void *unused)
{
    (void)unused;
    int rc = weft_mutex_lock(&things.guard, WEFT_NEVER);
    if (rc < 0)
        return rc;
    rc = weft_condition_wait(&things.condition, &things.guard, WEFT_NEVER);
    EXPECT_EQ(weft_mutex_unlock(&things.guard), 0); /* it is held again, on errors too */
    return rc;
}

static int wait_semaphore(void *unused)
{
    (void)unused;
    return weft_semaphore_acquire(&things.semaphore, WEFT_NEVER);
}

static int wait_event(void *unused)
{
    (void)unused;
    return weft_event_wait(&things.event, WEFT_NEVER);
}

static int wait_rwlock(void *unused)
{
    (void)unused;
    return weft_rwlock_lock_read(&things.rwlock, WEFT_NEVER);
}

static int wait_barrier(void *unused)
{
    (void)unused;
    return weft_barrier_wait(&things.barrier, WEFT_NEVER);
}

static int wait_latch(void *unused)
{
    (void)unused;
    return weft_latch_wait(&things.latch, WEFT_NEVER);
}

static int wait_future(void *unused)
{
    (void)unused;
    return weft_future_fetch(things.future, &(int){ 1 }, WEFT_NEVER);
}

static int wait_timer(void *unused)
{
    (void)unused;
    return (int)weft_timer_wait(things.timer, WEFT_NEVER);
}

static int wait_notifier(void *unused)
{
    (void)unused;
    return weft_notifier_wait(things.notifier, WEFT_NEVER);
}

static int wait_read(void *unused)
{
    char byte = 0;

    (void)unused;
    return (int)weft_read(things.pipe[0], &byte, 1, WEFT_NEVER);
}

static const weft_task_fn waits[] = {
    sleep_long, wait_put,    wait_take,      wait_fetch,     wait_select, wait_task,   wait_any,
    wait_all,   wait_mutex,  wait_condition, wait_semaphore, wait_event,  wait_rwlock, wait_barrier,
    wait_latch, wait_future, wait_timer,     wait_notifier,  wait_read,
};
enum { waits_count = sizeof(waits) / sizeof(waits[0]) };

static void make_things(weft_scope scope)
{
    things.empty = weft_chan_create(sizeof(int), 1);
    things.full = weft_chan_create(sizeof(int), 1);
    EXPECT_EQ(weft_chan_put(things.full, &(int){ 5 }, WEFT_NOW), 0);
    things.sleeper = weft_go(scope, sleep_long, NULL);
    weft_mutex_init(&things.mutex, 0);
    weft_mutex_init(&things.guard, 0);
    EXPECT_EQ(weft_mutex_lock(&things.mutex, WEFT_NOW), 0);
    weft_condition_init(&things.condition);
    EXPECT_EQ(weft_semaphore_init(&things.semaphore, 0, 1), 0);
    weft_event_init(&things.event, 1);
    weft_rwlock_init(&things.rwlock);
    EXPECT_EQ(weft_rwlock_lock_write(&things.rwlock, WEFT_NOW), 0);
    EXPECT_EQ(weft_barrier_init(&things.barrier, 2), 0);
    weft_latch_init(&things.latch, 1);
    things.future = weft_future_create(sizeof(int));
    things.timer = weft_timer_create(WEFT_NEVER, 0);
    things.notifier = weft_notifier_create();
    EXPECT_EQ(weft_pipe(things.pipe), 0);
}

/* What was waited for is not harmed: each thing does its work afterwards. */
static void use_things(void)
{
    int got = 0;
    char byte = 0;

    EXPECT_EQ(weft_chan_count(things.full), 1); /* no message came in */
    EXPECT_EQ(weft_chan_take(things.full, &got, WEFT_NOW), 0);
    EXPECT_EQ(got, 5);
    EXPECT_EQ(weft_chan_put(things.empty, &got, WEFT_NOW), 0);
    EXPECT_EQ(weft_chan_take(things.empty, &got, WEFT_NOW), 0); /* nobody took it */
    EXPECT_EQ(weft_wait(things.sleeper, WEFT_NOW), -ETIMEDOUT); /* it sleeps on */
    EXPECT_EQ(weft_mutex_unlock(&things.mutex), 0);
    EXPECT_EQ(weft_mutex_lock(&things.mutex, WEFT_NOW), 0);
    EXPECT_EQ(weft_condition_signal(&things.condition), 0);
    EXPECT_EQ(weft_semaphore_release(&things.semaphore), 0);
    EXPECT_EQ(weft_semaphore_acquire(&things.semaphore, WEFT_NOW), 0);
    EXPECT_EQ(weft_event_set(&things.event), 0);
    EXPECT_EQ(weft_event_wait(&things.event, WEFT_NOW), 0);
    EXPECT_EQ(weft_rwlock_unlock(&things.rwlock), 0);
    EXPECT_EQ(weft_rwlock_lock_read(&things.rwlock, WEFT_NOW), 0);
    EXPECT_EQ(weft_latch_count(&things.latch), 1); /* the last count */
    EXPECT_EQ(weft_future_set(things.future, &got), 0);
    EXPECT_EQ(weft_timer_set(things.timer, WEFT_NOW, 0), 0);
    EXPECT_EQ(weft_timer_wait(things.timer, WEFT_NEVER), 1);
    EXPECT_EQ(weft_notifier_send(things.notifier), 0);
    EXPECT_EQ(weft_notifier_wait(things.notifier, WEFT_NEVER), 0);
    EXPECT_EQ(weft_write(things.pipe[1], "x", 1, WEFT_NEVER), 1);
    EXPECT_EQ(weft_read(things.pipe[0], &byte, 1, WEFT_NEVER), 1);
    EXPECT_EQ(byte, 'x');
}

static void end_things(void)
{
    EXPECT_EQ(weft_mutex_unlock(&things.mutex), 0);
    weft_mutex_fini(&things.mutex);
    weft_mutex_fini(&things.guard);
    weft_condition_fini(&things.condition);
    weft_semaphore_fini(&things.semaphore);
    weft_event_fini(&things.event);
    EXPECT_EQ(weft_rwlock_unlock(&things.rwlock), 0);
    weft_rwlock_fini(&things.rwlock);
    weft_barrier_fini(&things.barrier);
    weft_latch_fini(&things.latch);
    EXPECT_EQ(weft_chan_release(things.empty), 0);
    EXPECT_EQ(weft_chan_release(things.full), 0);
    EXPECT_EQ(weft_future_release(things.future), 0);
    EXPECT_EQ(weft_timer_release(things.timer), 0);
    EXPECT_EQ(weft_notifier_release(things.notifier), 0);
    EXPECT_EQ(weft_close(things.pipe[0]), 0);
    EXPECT_EQ(weft_close(things.pipe[1]), 0);
}

CONFORMANCE(cancel_ends_every_blocking_call_and_harms_nothing)
{
    weft_task tasks[waits_count];
    weft_scope others = weft_scope_open(&run_all);
    weft_scope scope = weft_scope_open(&run_all);

    make_things(others);
    for (int i = 0; i < waits_count; i++) {
        tasks[i] = weft_go(scope, waits[i], NULL);
        rig_await(tasks[i], WEFT_TASK_WAITING);
    }
    EXPECT_EQ(weft_scope_cancel(scope), 0);
    for (int i = 0; i < waits_count; i++)
        if (!EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), -ECANCELED))
            (void)weft_eprintf("call %d of the table\n", i);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    use_things();
    EXPECT_EQ(weft_scope_cancel(others), 0);
    EXPECT_EQ(weft_scope_close(others), -ECANCELED);
    end_things();
    return 0;
}

static int wait_shielded(void *argument)
{
    int got = 0;

    EXPECT_EQ(weft_shield_begin(), 0);
    EXPECT_EQ(weft_chan_take(*(weft_chan *)argument, &got, WEFT_NEVER), 0);
    EXPECT_EQ(got, 7);
    return weft_shield_end();
}

CONFORMANCE(cancel_none_shields_an_operation)
{
    weft_chan chan = weft_chan_create(sizeof(int), 1);
    weft_scope scope = weft_scope_open(&run_all);
    weft_task task = weft_go_copy(scope, wait_shielded, &chan, sizeof(chan));

    rig_await(task, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_cancel(task), 0);
    EXPECT_EQ(weft_chan_put(chan, &(int){ 7 }, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED); /* it hears of it afterwards */
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static int compute(void *argument)
{
    int rc = 0;

    (**(_Atomic int **)argument)++;
    while (rc == 0)
        rc = weft_poll();
    return rc;
}

CONFORMANCE(cancel_check_in_a_compute_loop)
{
    _Atomic int begun = 0;
    _Atomic int *place = &begun;
    weft_scope scope = weft_scope_open(&run_all);
    weft_task task = weft_go_copy(scope, compute, &place, sizeof(place));

    while (begun == 0)
        (void)weft_yield();
    EXPECT_EQ(weft_cancel(task), 0);
    EXPECT_EQ(weft_wait(task, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_scope_close(scope), -ECANCELED);
    return 0;
}

static int unwind_slowly(void *argument)
{
    int rc = weft_sleep(weft_after(1000 * WEFT_SECOND));

    for (int i = 0; i < 50; i++)
        (void)weft_yield();
    (**(_Atomic int **)argument)++;
    return rc;
}

CONFORMANCE(sync_as_a_scope_waits_until_all_have_unwound)
{
    enum { many = 5 };
    _Atomic int unwound = 0;
    _Atomic int *place = &unwound;
    weft_scope_options options = WEFT_SCOPE_OPTIONS_INIT;

    options.until = weft_after(WEFT_MILLISECOND);
    weft_scope scope = weft_scope_open(&options);
    for (int i = 0; i < many; i++)
        (void)weft_go_copy(scope, unwind_slowly, &place, sizeof(place));
    EXPECT_EQ(weft_scope_close(scope), -ETIMEDOUT); /* what came first */
    EXPECT_EQ(unwound, many);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        CONFORMANCE_TEST(cancellation_goes_down_the_tree_and_not_up),
        CONFORMANCE_TEST(cancellation_is_permanent_idempotent_and_inborn),
        CONFORMANCE_TEST(cancellation_from_any_thread),
        CONFORMANCE_TEST(cancel_ends_every_blocking_call_and_harms_nothing),
        CONFORMANCE_TEST(cancel_none_shields_an_operation),
        CONFORMANCE_TEST(cancel_check_in_a_compute_loop),
        CONFORMANCE_TEST(sync_as_a_scope_waits_until_all_have_unwound),
    };
    return CONFORMANCE_RUN(argc, argv, "cancellation", tests);
}
