/* Doorbells between threads: both ways, into a sleep, to owners that are gone. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "runtime/base/clock.h"
#include "tests/support/engine_log.h"
#include "tests/support/engines.h"
#include "tests/support/unit.h"
#include "uring/choice.h"
#include "uring/pool.h"

#define WITHOUT(name) (UINT32_C(1) << WEFT__FEATURE_##name)

enum { ROUNDS = 1000 };

static struct weft__pool *pool;    /* of compat engines */
static struct weft__choice choice; /* the kind that is opened */

/* Runs @body with the ring, where there is one, and with the compat engine. */
static void with_each_kind(void (*body)(void))
{
    const char *why = engines_refusal();

    if (why != NULL)
        (void)fprintf(stderr, "no ring, so that its own part is left out: %s\n", why);
    choice.compat = false;
    if (why == NULL)
        body();
    choice.compat = true;
    CU_ASSERT_EQUAL_FATAL(weft__pool_open(NULL, &pool), 0);
    body();
    weft__pool_close(pool);
}

/* One side of a ping-pong; @ball is plain memory that only the doorbells order. */
struct side {
    struct weft__engine *engine;
    struct side *other;
    uint32_t hidden;
    pthread_barrier_t *barrier;
    uint64_t *ball;
    bool serves;
    int error;
};

static int open_side(struct side *side)
{
    struct weft__engine_config config = { .hidden_features = side->hidden, .pool = pool };

    return weft__choice_open(&choice, &config, NULL, &side->engine, NULL);
}

/* Sleeps until a doorbell comes, five seconds at most. */
static int wait_bell(struct weft__engine *engine)
{
    int got = weft__engine_wait(engine, weft__clock_now() + 5 * WEFT__NS_PER_S);

    return got > 0 ? 0 : got < 0 ? got : -ETIMEDOUT;
}

static int play(struct side *side)
{
    for (uint64_t round = 0; round < ROUNDS; round++) {
        if (!side->serves || round > 0) {
            int rc = wait_bell(side->engine);
            if (rc < 0)
                return rc;
        }
        if (*side->ball != 2 * round + !side->serves)
            return -EBADMSG;
        ++*side->ball;
        int rc = weft__engine_doorbell(side->engine, side->other->engine);
        if (rc < 0)
            return rc;
    }
    return weft__engine_flush(side->engine);
}

static void *run_side(void *arg)
{
    struct side *side = arg;

    side->error = open_side(side);
    (void)pthread_barrier_wait(side->barrier);
    if (side->error == 0 && side->other->error == 0)
        side->error = play(side);
    (void)pthread_barrier_wait(side->barrier); /* nobody closes while the other may ring */
    weft__engine_close(side->engine);
    return NULL;
}

static void play_without(uint32_t hidden)
{
    struct side sides[2];
    pthread_barrier_t barrier;
    pthread_t threads[2];
    uint64_t ball = 0;

    CU_ASSERT_EQUAL_FATAL(pthread_barrier_init(&barrier, NULL, 2), 0);
    for (int i = 0; i < 2; i++)
        sides[i] = (struct side){ .other = &sides[1 - i],
                                  .hidden = hidden,
                                  .barrier = &barrier,
                                  .ball = &ball,
                                  .serves = i == 0 };
    for (int i = 0; i < 2; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, run_side, &sides[i]), 0);
    for (int i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(pthread_join(threads[i], NULL), 0);
    CU_ASSERT_EQUAL(sides[0].error, 0);
    CU_ASSERT_EQUAL(sides[1].error, 0);
    CU_ASSERT_EQUAL(ball, 2 * ROUNDS);
    (void)pthread_barrier_destroy(&barrier);
}

static void play_each(void)
{
    play_without(0);
    if (choice.compat)
        return;
    play_without(WITHOUT(DEFER_TASKRUN));
    play_without(WITHOUT(MSG_RING));
    play_without(WITHOUT(MSG_RING) | WITHOUT(MSG_RING_SYNC));
    play_without(WITHOUT(EXT_ARG));
    play_without(~WITHOUT(NODROP));
}

static void test_doorbell_two_threads_never_lose_one(void)
{
    with_each_kind(play_each);
}

struct sleeper {
    struct weft__engine *engine;
    _Atomic bool open;
    int result;
};

static void *sleep_until_rung(void *arg)
{
    struct sleeper *sleeper = arg;
    struct weft__engine_config config = { .pool = pool };

    sleeper->result = weft__choice_open(&choice, &config, NULL, &sleeper->engine, NULL);
    weft__store_release(&sleeper->open, true); /* pairs with wait_open */
    if (sleeper->result == 0)
        sleeper->result = weft__engine_wait(sleeper->engine, INT64_MAX);
    return NULL;
}

static void wait_open(struct sleeper *sleeper)
{
    while (!weft__load_acquire(&sleeper->open)) /* pairs with sleep_until_rung */
        (void)sched_yield();
}

static void end_sleep(void)
{
    struct sleeper sleeper = { 0 };
    pthread_t thread;

    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, sleep_until_rung, &sleeper), 0);
    wait_open(&sleeper);
    CU_ASSERT_EQUAL(weft__engine_notify(sleeper.engine), 0);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    CU_ASSERT_EQUAL(sleeper.result, 1);
    weft__engine_close(sleeper.engine); /* by another thread, the owner has ended */
}

static void test_notify_ends_a_sleep_without_end(void)
{
    with_each_kind(end_sleep);
}

static void ring_dead_owner(void)
{
    struct weft__engine_config config = { .pool = pool };
    struct sleeper sleeper = { 0 };
    struct weft__engine *engine;
    pthread_t thread;

    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, sleep_until_rung, &sleeper), 0);
    wait_open(&sleeper);
    CU_ASSERT_EQUAL(weft__engine_notify(sleeper.engine), 0);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(weft__choice_open(&choice, &config, NULL, &engine, NULL), 0);
    for (int i = 0; i < 10; i++)
        CU_ASSERT_EQUAL(weft__engine_doorbell(engine, sleeper.engine), 0);
    CU_ASSERT_EQUAL(weft__engine_flush(engine), 0);
    CU_ASSERT_EQUAL(weft__engine_poll(engine, 64), 0);
    CU_ASSERT_EQUAL(weft__engine_notify(sleeper.engine), 0);
    weft__engine_close(sleeper.engine);
    weft__engine_close(engine);
}

static void test_doorbell_to_a_dead_owner_harms_nothing(void)
{
    with_each_kind(ring_dead_owner);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_doorbell_two_threads_never_lose_one),
        UNIT_TEST(test_notify_ends_a_sleep_without_end),
        UNIT_TEST(test_doorbell_to_a_dead_owner_harms_nothing),
    };
    return unit_run(argc, argv, "doorbell_threads", tests, WEFT__COUNT(tests));
}
