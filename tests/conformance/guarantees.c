/* Section 11b of the features: the guarantees in one place, those that are about one process. */
#include <pthread.h>
#include <string.h>

#include "tests/support/conformance.h"

enum { many = 200 };

/* ---- orders ---- */

struct post {
    weft_chan chan;
    int from;
};

static int put_many(void *argument)
{
    const struct post *post = argument;

    for (int i = 0; i < many; i++) {
        int message = post->from * many + i;
        int rc = weft_chan_put(post->chan, &message, WEFT_NEVER);
        if (rc < 0)
            return rc;
    }
    return 0;
}

CONFORMANCE(item_order_in_a_channel_is_fifo)
{
    int last[3] = { -1, -1, -1 };
    int got = 0;
    weft_chan chan = weft_chan_create(sizeof(int), 4);
    weft_scope scope = weft_scope_open(NULL);

    for (int from = 0; from < 3; from++) {
        struct post post = { chan, from };
        (void)weft_go_copy(scope, put_many, &post, sizeof(post));
    }
    for (int i = 0; i < 3 * many; i++) {
        EXPECT_EQ(weft_chan_take(chan, &got, WEFT_NEVER), 0);
        EXPECT_EQ(got % many, last[got / many] + 1); /* of each producer */
        last[got / many] = got % many;
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
    return 0;
}

static struct {
    weft_semaphore semaphore;
    int order[5]; /* who got it, guarded by the only permit */
    int count;
} line;

static int stand_in_line(void *argument)
{
    int rc = weft_semaphore_acquire(&line.semaphore, WEFT_NEVER);

    if (rc < 0)
        return rc;
    line.order[line.count++] = *(const int *)argument;
    return weft_semaphore_release(&line.semaphore);
}

CONFORMANCE(waiter_order_is_fifo_without_barging)
{
    weft_scope scope = weft_scope_open(NULL);

    line.count = 0;
    EXPECT_EQ(weft_semaphore_init(&line.semaphore, 0, 1), 0);
    for (int i = 0; i < 5; i++)
        rig_await(weft_go_copy(scope, stand_in_line, &i, sizeof(i)), WEFT_TASK_WAITING);
    EXPECT_EQ(weft_semaphore_release(&line.semaphore), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(line.order[i], i);
    weft_semaphore_fini(&line.semaphore);
    return 0;
}

static struct {
    weft_mutex mutex;
    _Atomic int got_it;
} greedy;

static int want_mutex(void *argument)
{
    int rc = weft_mutex_lock(&greedy.mutex, WEFT_NEVER);

    (void)argument;
    if (rc < 0)
        return rc;
    greedy.got_it = 1;
    return weft_mutex_unlock(&greedy.mutex);
}

/* Barging, but bounded: whoever has waited for a millisecond gets it at the next unlock, so one who
 * takes it again and again can't keep it. This one would never end without the hand-over: it holds
 * the mutex whenever it gives way to others. */
CONFORMANCE(lock_order_has_a_bounded_bypass)
{
    weft_scope scope = weft_scope_open(NULL);

    weft_mutex_init(&greedy.mutex, 0);
    greedy.got_it = 0;
    EXPECT_EQ(weft_mutex_lock(&greedy.mutex, WEFT_NEVER), 0);
    rig_await(weft_go(scope, want_mutex, NULL), WEFT_TASK_WAITING);
    while (greedy.got_it == 0) {
        (void)weft_yield();
        EXPECT_EQ(weft_mutex_unlock(&greedy.mutex), 0);
        EXPECT_EQ(weft_mutex_lock(&greedy.mutex, WEFT_NEVER), 0);
    }
    EXPECT_EQ(weft_mutex_unlock(&greedy.mutex), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    weft_mutex_fini(&greedy.mutex);
    return 0;
}

static int note_start(void *argument)
{
    line.order[line.count++] = *(const int *)argument;
    return 0;
}

CONFORMANCE(task_start_order_is_fifo_for_pinned_tasks_of_a_worker)
{
    weft_scope scope = weft_scope_open(NULL);
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(int));

    line.count = 0;
    options.place = weft_place_worker((uint32_t)weft_worker_count(0) - 1);
    for (int i = 0; i < 5; i++)
        (void)weft_spawn(scope, note_start, &i, &options);
    EXPECT_EQ(weft_scope_close(scope), 0);
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(line.order[i], i);
    return 0;
}

CONFORMANCE(future_is_written_once)
{
    int got = 0;
    int first = 1;
    int second = 2;
    weft_future future = weft_future_create(sizeof(int));

    EXPECT_EQ(weft_future_fetch(future, &got, WEFT_NOW), -ETIMEDOUT);
    EXPECT_EQ(weft_future_set(future, &first), 0);
    EXPECT_EQ(weft_future_set(future, &second), -EALREADY);
    EXPECT_EQ(weft_future_fail(future, -EIO), -EALREADY);
    for (int i = 0; i < 2; i++, got = 0) {
        EXPECT_EQ(weft_future_fetch(future, &got, WEFT_NEVER), 0);
        EXPECT_EQ(got, 1);
    }
    EXPECT_EQ(weft_future_release(future), 0);
    return 0;
}

/* ---- memory order ---- */

/* A plain integer goes from hand to hand, the way is each time another: if a way did not order
 * memory, ThreadSanitizer would name it. */
static struct {
    int plain;
    weft_mutex mutex;
    weft_event event;
    weft_semaphore semaphore;
    weft_chan chan;
    weft_notifier notifier;
    weft_future future;
    weft_latch latch;
    weft_barrier barrier;
    bool ready; /* guarded by the mutex */
} pass;

static int give_by_lock(void *unused)
{
    (void)unused;
    int rc = weft_mutex_lock(&pass.mutex, WEFT_NEVER);
    pass.plain++;
    pass.ready = true;
    return rc < 0 ? rc : weft_mutex_unlock(&pass.mutex);
}

static void get_by_lock(void)
{
    for (bool ready = false; !ready; (void)weft_yield()) {
        EXPECT_EQ(weft_mutex_lock(&pass.mutex, WEFT_NEVER), 0);
        ready = pass.ready;
        EXPECT_EQ(weft_mutex_unlock(&pass.mutex), 0);
    }
}

static int give_by_event(void *unused)
{
    (void)unused;
    pass.plain++;
    return weft_event_set(&pass.event) < 0 ? -EPROTO : 0;
}

static void get_by_event(void)
{
    EXPECT_EQ(weft_event_wait(&pass.event, WEFT_NEVER), 0);
}

static int give_by_semaphore(void *unused)
{
    (void)unused;
    pass.plain++;
    return weft_semaphore_release(&pass.semaphore);
}

static void get_by_semaphore(void)
{
    EXPECT_EQ(weft_semaphore_acquire(&pass.semaphore, WEFT_NEVER), 0);
}

static int give_by_chan(void *unused)
{
    (void)unused;
    pass.plain++;
    return weft_chan_put(pass.chan, NULL, WEFT_NEVER);
}

static void get_by_chan(void)
{
    EXPECT_EQ(weft_chan_take(pass.chan, NULL, WEFT_NEVER), 0);
}

static int give_by_notifier(void *unused)
{
    (void)unused;
    pass.plain++;
    return weft_notifier_send(pass.notifier);
}

static void get_by_notifier(void)
{
    EXPECT_EQ(weft_notifier_wait(pass.notifier, WEFT_NEVER), 0);
}

static int give_by_future(void *unused)
{
    (void)unused;
    pass.plain++;
    return weft_future_set(pass.future, NULL) < 0 ? -EPROTO : 0;
}

static void get_by_future(void)
{
    EXPECT_EQ(weft_future_fetch(pass.future, NULL, WEFT_NEVER), 0);
}

static int give_by_latch(void *unused)
{
    (void)unused;
    pass.plain++;
    return weft_latch_count(&pass.latch) < 0 ? -EPROTO : 0;
}

static void get_by_latch(void)
{
    EXPECT_EQ(weft_latch_wait(&pass.latch, WEFT_NEVER), 0);
}

static int give_by_barrier(void *unused)
{
    (void)unused;
    pass.plain++;
    return weft_barrier_wait(&pass.barrier, WEFT_NEVER) < 0 ? -EPROTO : 0;
}

static void get_by_barrier(void)
{
    EXPECT(weft_barrier_wait(&pass.barrier, WEFT_NEVER) >= 0);
}

static const struct {
    weft_task_fn give;
    void (*get)(void);
} ways[] = {
    { give_by_lock, get_by_lock },           { give_by_event, get_by_event },
    { give_by_semaphore, get_by_semaphore }, { give_by_chan, get_by_chan },
    { give_by_notifier, get_by_notifier },   { give_by_future, get_by_future },
    { give_by_latch, get_by_latch },         { give_by_barrier, get_by_barrier },
};

static void make_ways(void)
{
    memset(&pass, 0, sizeof(pass)); /* zeroed memory is a mutex, an event */
    EXPECT_EQ(weft_semaphore_init(&pass.semaphore, 0, 1), 0);
    pass.chan = weft_chan_create(0, 1);
    pass.notifier = weft_notifier_create();
    pass.future = weft_future_create(0);
    weft_latch_init(&pass.latch, 1);
    EXPECT_EQ(weft_barrier_init(&pass.barrier, 2), 0);
}

static void end_ways(void)
{
    weft_mutex_fini(&pass.mutex);
    weft_event_fini(&pass.event);
    weft_semaphore_fini(&pass.semaphore);
    weft_latch_fini(&pass.latch);
    weft_barrier_fini(&pass.barrier);
    EXPECT_EQ(weft_chan_release(pass.chan), 0);
    EXPECT_EQ(weft_notifier_release(pass.notifier), 0);
    EXPECT_EQ(weft_future_release(pass.future), 0);
}

CONFORMANCE(memory_order_of_each_way_to_hand_over)
{
    enum { count = sizeof(ways) / sizeof(ways[0]) };
    weft_scope scope = weft_scope_open(NULL);

    make_ways();
    for (int i = 0; i < count; i++) {
        pass.plain++; /* the start of a task sees what its spawner did */
        weft_task task = weft_spawn(scope, ways[i].give, NULL,
                                    &WEFT_SPAWN_OPTIONS(.place = weft_place_spread()));
        ways[i].get();
        EXPECT_EQ(pass.plain, 3 * i + 2);
        EXPECT_EQ(weft_wait(task, WEFT_NEVER), 0);
        pass.plain++; /* and its join what it did */
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
    end_ways();
    return 0;
}

/* ---- once, and never again ---- */

static int fail_at_times(void *context, size_t index, const void *item, void *out_result)
{
    _Atomic int *calls = context;

    (void)item;
    (void)out_result;
    calls[index]++;
    (void)weft_yield();
    return index % 50 == 49 ? -EIO : 0;
}

CONFORMANCE(exactly_once_for_each_item_of_a_map)
{
    static _Atomic int calls[many];
    static int codes[many];
    size_t index = 0;
    weft_map map = WEFT_MAP(.fn = fail_at_times, .context = calls, .count = many,
                            .out_codes = codes, .concurrency = 7, .policy = WEFT_RUN_ALL);

    for (int i = 0; i < many; i++)
        calls[i] = 0;
    EXPECT_EQ(weft_map_run(&map, &index, WEFT_NEVER), -EIO);
    EXPECT_EQ(index, 49);
    for (int i = 0; i < many; i++)
        EXPECT_EQ(calls[i], 1);
    map.policy = WEFT_FIRST_ERROR;
    EXPECT_EQ(weft_map_run(&map, &index, WEFT_NEVER), -EIO);
    for (int i = 0; i < many; i++) /* at most once, and the codes say which */
        EXPECT(calls[i] == 2 || (calls[i] == 1 && codes[i] == -ECANCELED));
    return 0;
}

CONFORMANCE(results_of_a_map_are_in_the_order_of_its_input)
{
    static int items[many];
    static int codes[many];
    weft_map map = WEFT_MAP(.fn = fail_at_times, .count = many, .items = items,
                            .item_bytes = sizeof(int), .out_codes = codes, .policy = WEFT_RUN_ALL);
    static _Atomic int calls[many];

    map.context = calls;
    EXPECT_EQ(weft_map_run(&map, NULL, WEFT_NEVER), -EIO);
    for (int i = 0; i < many; i++)
        EXPECT_EQ(codes[i], i % 50 == 49 ? -EIO : 0);
    return 0;
}

/* Between processes this is about peers, within one about handles: what was named is gone, and its
 * name is never another's. */
CONFORMANCE(ids_are_never_reused)
{
    weft_task first = weft_go(WEFT_DETACHED, end_well, NULL);
    weft_chan chan = weft_chan_create(0, 0);

    while (weft_task_state_of(first) != -ESRCH)
        (void)weft_yield();
    EXPECT_EQ(weft_chan_release(chan), 0);
    for (int i = 0; i < many; i++) {
        weft_scope scope = weft_scope_open(NULL);
        weft_task task = weft_go(scope, end_well, NULL);
        weft_chan other = weft_chan_create(0, 0);
        EXPECT(task != first && other != chan);
        EXPECT_EQ(weft_wait(first, WEFT_NEVER), -ESRCH);
        EXPECT_EQ(weft_chan_put(chan, NULL, WEFT_NEVER), -ESRCH);
        EXPECT_EQ(weft_chan_release(other), 0);
        EXPECT_EQ(weft_scope_close(scope), 0);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        CONFORMANCE_TEST(item_order_in_a_channel_is_fifo),
        CONFORMANCE_TEST(waiter_order_is_fifo_without_barging),
        CONFORMANCE_TEST(lock_order_has_a_bounded_bypass),
        CONFORMANCE_TEST(task_start_order_is_fifo_for_pinned_tasks_of_a_worker),
        CONFORMANCE_TEST(future_is_written_once),
        CONFORMANCE_TEST(memory_order_of_each_way_to_hand_over),
        CONFORMANCE_TEST(exactly_once_for_each_item_of_a_map),
        CONFORMANCE_TEST(results_of_a_map_are_in_the_order_of_its_input),
        CONFORMANCE_TEST(ids_are_never_reused),
    };
    return CONFORMANCE_RUN(argc, argv, "guarantees", tests);
}
