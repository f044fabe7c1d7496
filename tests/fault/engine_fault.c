/*
 * Fails the first, second, third ... call of each fault point while an engine is probed, opened,
 * used and closed, until a run meets no failure any more. Opening either fails with that error and
 * leaves its output alone, or succeeds with a fallback; either way nothing stays open.
 */
#include <CUnit/CUnit.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#include "runtime/base/clock.h"
#include "runtime/base/fault.h"
#include "tests/support/engine_log.h"
#include "tests/support/engines.h"
#include "tests/support/unit.h"
#include "uring/choice.h"
#include "uring/pool.h"
#include "uring/probe.h"

enum { CALLS_MAX = 200 };

static struct weft__choice choice; /* the kind of engine */
static struct weft__pool *pool;    /* of compat engines */

static uint32_t count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    uint32_t count = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

/* An op, a doorbell to itself and a wake-up; @error is what one call in here may have met. */
static void use_engine(struct weft__engine *engine, const struct engine_log *log, int error)
{
    struct weft__request request = { .opcode = WEFT__OP_NOP };
    int64_t until_ns = weft__clock_now() + 5 * WEFT__NS_PER_S;
    uint64_t bells = choice.compat ? 1 : 2; /* the ring tells of each, one word of both */
    weft__op_id op;

    int rc = weft__engine_submit(engine, &request, NULL, &op);
    if (rc == error) /* refused as a whole: the next one finds everything as it was */
        rc = weft__engine_submit(engine, &request, NULL, &op);
    CU_ASSERT_EQUAL(rc, 0);
    CU_ASSERT_EQUAL(weft__engine_doorbell(engine, engine), 0);
    CU_ASSERT_EQUAL(weft__engine_notify(engine), 0);
    while ((log->count < 1 || weft__load_relaxed(&engine->counters.doorbells_received) < bells) &&
           weft__clock_now() < until_ns) {
        rc = weft__engine_wait(engine, until_ns);
        CU_ASSERT_TRUE(rc >= 0 || rc == error);
    }
    CU_ASSERT_EQUAL(log->count, 1);
    CU_ASSERT_EQUAL(weft__load_relaxed(&engine->counters.doorbells_received), bells);
}

/* One run with the @nth call of @point failing. True when the fault was met. */
static bool run_once(enum weft__fault_point point, uint32_t nth, int error)
{
    struct weft__engine *const untouched = (struct weft__engine *)(uintptr_t)&count_descriptors;
    struct weft__engine *engine = untouched;
    static struct engine_log log;
    struct weft__setup_error words = { 0 };
    uint32_t before = count_descriptors();

    log = (struct engine_log){ 0 };
    weft__probe_forget();
    weft__fault_arm(point, nth, error);
    int rc = weft__choice_open(&choice, &(struct weft__engine_config){ .pool = pool }, &log,
                               &engine, &words);
    if (rc == 0) {
        use_engine(engine, &log, error);
        weft__engine_close(engine);
    } else {
        CU_ASSERT_EQUAL(rc, error);
        CU_ASSERT_EQUAL(words.code, error);
        CU_ASSERT_NOT_EQUAL(words.text[0], '\0');
        CU_ASSERT_PTR_EQUAL(engine, untouched);
    }
    bool met = weft__fault_calls(point) == nth;
    weft__fault_arm(point, 0, 0);
    CU_ASSERT_EQUAL(count_descriptors(), before);
    return met;
}

static void run_point(enum weft__fault_point point, int error)
{
    uint32_t nth = 1;

    while (nth < CALLS_MAX && run_once(point, nth, error))
        nth++;
    CU_ASSERT_TRUE(nth > 1); /* the point was passed at all */
    CU_ASSERT_TRUE(nth < CALLS_MAX);
}

static void run_rows(void)
{
    static const struct {
        enum weft__fault_point point;
        int errors[3];
        bool ring, compat; /* which kind passes it */
    } rows[] = {
        { WEFT__FAULT_RING_SETUP, { -ENOMEM, -EPERM, -EMFILE }, true, false },
        { WEFT__FAULT_RING_REGISTER, { -ENOMEM, -EPERM, -EINVAL }, true, false },
        { WEFT__FAULT_RING_ENTER, { -EIO, -ENOMEM, -EPERM }, true, false },
        { WEFT__FAULT_MMAP, { -ENOMEM, -EAGAIN, -EPERM }, true, false },
        { WEFT__FAULT_EVENTFD, { -EMFILE, -ENFILE, -ENOMEM }, true, true },
        { WEFT__FAULT_ALLOC, { -ENOMEM, -ENOMEM, -ENOMEM }, true, true },
        { WEFT__FAULT_EPOLL, { -ENOMEM, -EMFILE, -EPERM }, false, true },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        if (choice.compat ? !rows[i].compat : !rows[i].ring)
            continue;
        for (size_t j = 0; j < WEFT__COUNT(rows[i].errors); j++)
            run_point(rows[i].point, rows[i].errors[j]);
    }
}

static void test_open_and_use_each_call_fails_once(void)
{
    if (engines_refusal() == NULL)
        run_rows();
}

static void test_open_and_use_compat_each_call_fails_once(void)
{
    CU_ASSERT_EQUAL_FATAL(weft__pool_open(NULL, &pool), 0);
    choice.compat = true;
    run_rows();
    choice.compat = false;
    weft__pool_close(pool);
}

/* Setting up again after a failure finds everything: a failed probe is not remembered. */
static void test_open_after_a_failure_has_all_features(void)
{
    struct weft__probe before, after;

    if (engines_refusal() != NULL)
        return;
    weft__probe_forget();
    CU_ASSERT_EQUAL_FATAL(weft__probe_get(&before, NULL), 0);
    weft__probe_forget();
    weft__fault_arm(WEFT__FAULT_RING_SETUP, 2, -ENOMEM);
    CU_ASSERT_EQUAL(weft__probe_get(&after, NULL), -ENOMEM);
    CU_ASSERT_EQUAL(weft__probe_get(&after, NULL), 0);
    CU_ASSERT_EQUAL(after.features, before.features);
    CU_ASSERT_EQUAL(after.setup_flags, before.setup_flags);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_open_and_use_each_call_fails_once),
        UNIT_TEST(test_open_and_use_compat_each_call_fails_once),
        UNIT_TEST(test_open_after_a_failure_has_all_features),
    };
    return unit_run(argc, argv, "engine_fault", tests, WEFT__COUNT(tests));
}
