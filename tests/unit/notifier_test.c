/* Notifiers: sends from tasks, threads and signal handlers, and who is woken by them. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <weft.h>

#include "runtime/base/fault.h"
#include "runtime/sched/worker.h"
#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

enum { crowd = 8, sends = 2000 };

static int wait_task(void *argument)
{
    return weft_notifier_wait(*(const weft_notifier *)argument, WEFT_NEVER);
}

static int remembered(void *argument)
{
    weft_notifier notifier = weft_notifier_create();

    (void)argument;
    EXPECT(notifier > 0);
    EXPECT_EQ(weft_notifier_wait(notifier, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_notifier_wait(notifier, weft_after(1000)), -ETIMEDOUT);
    errno = ENOTTY;
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(weft_notifier_send(notifier), 0);
    EXPECT_EQ(errno, ENOTTY);
    EXPECT_EQ(weft_notifier_wait(notifier, WEFT_NOW), 0); /* three sends were one */
    EXPECT_EQ(weft_notifier_wait(notifier, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_notifier_send(notifier), 0);
    EXPECT_EQ(weft_notifier_wait(notifier, WEFT_NEVER), 0);
    EXPECT_EQ(weft_notifier_wait(notifier, weft_after(1000)), -ETIMEDOUT);
    EXPECT_EQ(weft_notifier_release(notifier), 0);
    EXPECT_EQ(weft_notifier_send(notifier), -ESRCH);
    EXPECT_EQ(weft_notifier_wait(notifier, WEFT_NEVER), -ESRCH);
    EXPECT_EQ(weft_notifier_release(notifier), -ESRCH);
    weft_chan chan = weft_chan_create(4, 1);
    EXPECT_EQ(weft_notifier_send(chan), -ESRCH);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static void test_a_send_is_remembered_once(void)
{
    uint32_t descriptors = rig_descriptors();

    rig_each(remembered);
    EXPECT_EQ(remembered(NULL), 0); /* in a thread that is no worker */
    CU_ASSERT_EQUAL(rig_descriptors(), descriptors);
    expect_assert();
}

/* Each send that is seen lets one go; when all have gone none has been forgotten. */
static int many_wait(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_notifier notifier = weft_notifier_create();
    weft_task tasks[crowd];
    int ended = 0;

    (void)argument;
    for (int i = 0; i < crowd; i++) {
        tasks[i] = weft_go_copy(scope, wait_task, &notifier, sizeof(notifier));
        rig_await(tasks[i], WEFT_TASK_WAITING);
    }
    for (int sent = 1; sent <= crowd; sent++) {
        EXPECT_EQ(weft_notifier_send(notifier), 0);
        do {
            (void)weft_yield();
            ended = 0;
            for (int i = 0; i < crowd; i++)
                ended += weft_task_state_of(tasks[i]) == WEFT_TASK_ENDED;
        } while (ended < sent);
        EXPECT_EQ(ended, sent);
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_notifier_release(notifier), 0);
    return 0;
}

static void test_each_send_lets_one_of_many_go(void)
{
    rig_each(many_wait);
}

static int wait_late(void *argument)
{
    return weft_notifier_wait(*(const weft_notifier *)argument, weft_after(2 * WEFT_MILLISECOND));
}

static int gives_up(void *argument)
{
    weft_scope scope = weft_scope_open(&run_all);
    weft_notifier notifier = weft_notifier_create();
    weft_task late = weft_go_copy(scope, wait_late, &notifier, sizeof(notifier));
    weft_task canceled = weft_go_copy(scope, wait_task, &notifier, sizeof(notifier));

    (void)argument;
    EXPECT_EQ(weft_wait(late, WEFT_NEVER), -ETIMEDOUT);
    rig_await(canceled, WEFT_TASK_WAITING);
    EXPECT_EQ(weft_cancel(canceled), 0);
    EXPECT_EQ(weft_wait(canceled, WEFT_NEVER), -ECANCELED);
    EXPECT_EQ(weft_notifier_send(notifier), 0);
    EXPECT_EQ(weft_notifier_wait(notifier, WEFT_NOW), 0);
    EXPECT_EQ(weft_cancel(weft_self()), 0);
    EXPECT_EQ(weft_notifier_send(notifier), 0); /* works in a cancelled task, and is not used up */
    EXPECT_EQ(weft_notifier_wait(notifier, WEFT_NOW), -ECANCELED);
    EXPECT_EQ(weft_scope_close(scope), -ETIMEDOUT);
    EXPECT_EQ(weft_notifier_release(notifier), 0);
    return 0;
}

static void test_deadline_and_cancel_use_up_nothing(void)
{
    rig_each(gives_up);
}

/* ---- what a send brings with it ---- */

struct letter {
    weft_notifier notifier;
    _Atomic uint64_t written; /* relaxed: the notifier orders it */
    _Atomic uint64_t read;
};

static int read_letters(void *argument)
{
    struct letter *letter = argument;
    int rc = 0;

    for (uint64_t last = 0; last < sends && rc == 0;) {
        rc = weft_notifier_wait(letter->notifier, WEFT_NEVER);
        uint64_t now = weft__load_relaxed(&letter->written);
        EXPECT(now >= last);
        weft__store_relaxed(&letter->read, now);
        last = now;
    }
    return rc;
}

/* After every second send nothing comes until it was seen: else both would wait for ever. */
static void *write_letters(void *argument)
{
    struct letter *letter = argument;

    for (uint64_t i = 1; i <= sends; i++) {
        weft__store_relaxed(&letter->written, i);
        EXPECT_EQ(weft_notifier_send(letter->notifier), 0);
        while (i % 2 == 0 && weft__load_relaxed(&letter->read) < i)
            (void)sched_yield();
    }
    return NULL;
}

static struct letter letter;

static void test_no_send_of_a_thread_is_lost(void)
{
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 2), NULL);
    pthread_t thread;

    for (int round = 0; round < 6; round++) {
        letter = (struct letter){ .notifier = weft_notifier_create() };
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, write_letters, &letter), 0);
        CU_ASSERT_EQUAL(round % 2 == 0 ? weft_call(runtime, read_letters, &letter)
                                       : read_letters(&letter), /* a thread waits */
                        0);
        (void)pthread_join(thread, NULL);
        CU_ASSERT_EQUAL(letter.read, sends);
        CU_ASSERT_EQUAL(weft_notifier_release(letter.notifier), 0);
    }
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
    expect_assert();
}

static void send_in_handler(int number)
{
    (void)number;
    weft__add_relaxed(&letter.written, 1);
    (void)weft_notifier_send(letter.notifier);
}

static void handle_signals(void)
{
    struct sigaction action = { .sa_handler = send_in_handler, .sa_flags = SA_RESTART };

    (void)sigemptyset(&action.sa_mask);
    CU_ASSERT_EQUAL_FATAL(sigaction(SIGUSR1, &action, NULL), 0);
}

/* Interrupts this thread wherever it is, in calls of weft that hold locks too. */
static void *interrupt(void *argument)
{
    pthread_t target = *(const pthread_t *)argument;

    while (weft__load_relaxed(&letter.written) < sends) {
        (void)pthread_kill(target, SIGUSR1);
        (void)sched_yield();
    }
    return NULL;
}

/* Sees what handlers have written when a wait returns. */
static void note_wait(weft_deadline until)
{
    int rc = weft_notifier_wait(letter.notifier, until);

    EXPECT(rc == 0 || rc == -ETIMEDOUT);
    if (rc == 0)
        letter.read = weft__load_relaxed(&letter.written);
}

static void test_handlers_may_send_whatever_they_interrupt(void)
{
    pthread_t self = pthread_self();
    pthread_t thread;

    letter = (struct letter){ .notifier = weft_notifier_create() };
    handle_signals();
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, interrupt, &self), 0);
    while (weft__load_relaxed(&letter.written) < sends) {
        weft_chan chan = weft_chan_create(8, 1);
        weft_notifier other = weft_notifier_create();
        EXPECT_EQ(weft_notifier_send(other), 0);
        note_wait(weft_after(1000));
        EXPECT_EQ(weft_notifier_wait(other, WEFT_NOW), 0); /* the handler sent to the first */
        EXPECT_EQ(weft_notifier_release(other), 0);
        EXPECT_EQ(weft_chan_release(chan), 0);
    }
    (void)pthread_join(thread, NULL);
    note_wait(WEFT_NOW);
    CU_ASSERT_EQUAL(letter.read, letter.written);
    CU_ASSERT_EQUAL(weft_notifier_release(letter.notifier), 0);
    send_in_handler(SIGUSR1); /* a late signal: stale, and nothing happens */
    expect_assert();
}

/* On the worker itself, from within the task that waits next. */
static int raise_and_wait(void *argument)
{
    sigset_t set;

    (void)argument;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGUSR1);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    EXPECT_EQ(raise(SIGUSR1), 0);
    EXPECT_EQ(weft_notifier_wait(letter.notifier, WEFT_NEVER), 0);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    return 0;
}

static void test_a_handler_on_a_worker_may_send(void)
{
    letter = (struct letter){ .notifier = weft_notifier_create() };
    handle_signals();
    weft_runtime runtime = weft_start(&WEFT_RUNTIME_OPTIONS(.workers = 1), NULL);
    CU_ASSERT_EQUAL(weft_call(runtime, raise_and_wait, NULL), 0);
    CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
    CU_ASSERT_EQUAL(weft_notifier_release(letter.notifier), 0);
    expect_assert();
}

/* ---- the end ---- */

static void *wait_in_thread(void *argument)
{
    int rc = weft_notifier_wait(*(const weft_notifier *)argument, WEFT_NEVER);

    EXPECT(rc == -EPIPE || rc == -ESRCH); /* the release may have come first */
    return NULL;
}

static int released(void *argument)
{
    weft_notifier notifier = weft_notifier_create();
    weft_scope scope = weft_scope_open(&run_all);
    weft_task tasks[crowd];
    pthread_t thread;

    (void)argument;
    if (!EXPECT_EQ(pthread_create(&thread, NULL, wait_in_thread, &notifier), 0))
        return -EAGAIN;
    for (int i = 0; i < crowd; i++) {
        tasks[i] = weft_go_copy(scope, wait_task, &notifier, sizeof(notifier));
        rig_await(tasks[i], WEFT_TASK_WAITING);
    }
    EXPECT_EQ(weft_sleep(weft_after(WEFT_MILLISECOND)), 0);
    int rc = weft_notifier_release(notifier);
    EXPECT_EQ(rc, 0);
    EXPECT_EQ(weft_notifier_send(notifier), -ESRCH);
    EXPECT_EQ(weft_notifier_release(notifier), -ESRCH);
    for (int i = 0; i < crowd; i++)
        EXPECT_EQ(weft_wait(tasks[i], WEFT_NEVER), -EPIPE);
    EXPECT_EQ(weft_scope_close(scope), -EPIPE);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    return 0;
}

/* Sends and releases race; the number of the notifier's descriptor is soon that of another file, in
 * which a late send would be seen. */
static _Atomic weft_notifier target;

static void *send_until_over(void *argument)
{
    weft_notifier now;

    while ((now = weft__load_acquire(&target)) != 0) { /* pairs with the release of the test */
        int rc = weft_notifier_send(now);
        EXPECT(rc == 0 || rc == -ESRCH);
    }
    return argument;
}

static void test_a_send_that_comes_late_writes_to_no_other_file(void)
{
    pthread_t threads[2];
    uint64_t count = 0;

    weft__store_relaxed(&target, 1); /* never was a notifier */
    for (int i = 0; i < 2; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, send_until_over, NULL), 0);
    for (int round = 0; round < sends / 4; round++) {
        weft_notifier now = weft_notifier_create();
        weft__store_release(&target, now); /* pairs with the acquire of the thread */
        int rc = weft_notifier_wait(now, weft_after(round % 7 * WEFT_MICROSECOND));
        CU_ASSERT_TRUE(rc == 0 || rc == -ETIMEDOUT);
        CU_ASSERT_EQUAL(weft_notifier_release(now), 0);
        int other = eventfd(0, EFD_NONBLOCK);
        for (int i = 0; i < round % 50; i++)
            (void)sched_yield();
        CU_ASSERT_EQUAL(read(other, &count, sizeof(count)), -1);
        (void)close(other);
    }
    weft__store_release(&target, 0); /* pairs with the acquire of the thread */
    for (int i = 0; i < 2; i++)
        (void)pthread_join(threads[i], NULL);
    expect_assert();
}

static void test_a_release_ends_all_waits(void)
{
    uint32_t descriptors = rig_descriptors();

    rig_each(released);
    CU_ASSERT_EQUAL(rig_descriptors(), descriptors);
}

static void test_create_fails_and_leaves_nothing(void)
{
    uint32_t descriptors = rig_descriptors();
    uint64_t records = rig_records();

    weft__fault_arm(WEFT__FAULT_EVENTFD, 1, -EMFILE);
    CU_ASSERT_EQUAL(weft_notifier_create(), -EMFILE);
    CU_ASSERT_EQUAL(rig_descriptors(), descriptors);
    CU_ASSERT_EQUAL(rig_records(), records);
}

/* The loop of a worker may send, and look, but not wait. */
static void wait_in_loop(struct weft__worker *worker, struct weft__timer *timer)
{
    (void)worker;
    (void)timer;
    EXPECT_EQ(weft_notifier_wait(letter.notifier, WEFT_NEVER), -EPERM);
    EXPECT_EQ(weft_notifier_send(letter.notifier), 0);
    EXPECT_EQ(weft_notifier_wait(letter.notifier, WEFT_NEVER), 0);
    EXPECT_EQ(weft_notifier_send(letter.notifier), 0);
}

static int with_timer(void *argument)
{
    struct weft__timer timer = { .fire = wait_in_loop };

    (void)argument;
    letter = (struct letter){ .notifier = weft_notifier_create() };
    weft__wheel_arm(&weft__self_worker()->wheel, &timer, weft_clock());
    EXPECT_EQ(weft_sleep(weft_after(2 * WEFT_MILLISECOND)), 0);
    EXPECT_EQ(weft_notifier_wait(letter.notifier, WEFT_NEVER), 0);
    EXPECT_EQ(weft_notifier_release(letter.notifier), 0);
    return 0;
}

static void test_a_callback_of_the_runtime_may_send_but_not_wait(void)
{
    rig_run(1, with_timer);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_a_send_is_remembered_once),
        UNIT_TEST(test_each_send_lets_one_of_many_go),
        UNIT_TEST(test_deadline_and_cancel_use_up_nothing),
        UNIT_TEST(test_no_send_of_a_thread_is_lost),
        UNIT_TEST(test_handlers_may_send_whatever_they_interrupt),
        UNIT_TEST(test_a_handler_on_a_worker_may_send),
        UNIT_TEST(test_a_send_that_comes_late_writes_to_no_other_file),
        UNIT_TEST(test_a_release_ends_all_waits),
        UNIT_TEST(test_create_fails_and_leaves_nothing),
        UNIT_TEST(test_a_callback_of_the_runtime_may_send_but_not_wait),
    };
    return unit_run(argc, argv, "notifier", tests, WEFT__COUNT(tests));
}
