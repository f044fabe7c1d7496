/* Records and handles: whatever a handle has become, it never leads to somebody else's object. */
#include <CUnit/CUnit.h>
#include <pthread.h>
#include <stdio.h>

#include "runtime/task/record.h"
#include "tests/support/unit.h"

enum { lock_rounds = 200000, lockers = 3 };

static const enum weft__kind kind = WEFT__KIND_DIR;

struct object {
    struct weft__record record;
    uint64_t value;
};

static struct weft__record *make(void)
{
    weft__record_define(kind, sizeof(struct object));
    struct weft__record *record = weft__record_new(kind, NULL);
    weft__record_unlock(record);
    return record;
}

static void end(struct weft__record *record)
{
    weft__record_lock_own(record);
    weft__record_free_locked(record, NULL);
}

/* The error that a look-up gives; 0 when it succeeds. */
static int look_up(int64_t handle, enum weft__kind wanted)
{
    int rc = 0;
    struct weft__record *record = weft__record_lock(handle, wanted, &rc);

    if (record != NULL)
        weft__record_unlock(record);
    return rc;
}

static void test_record_lock_wrong_handles_are_errors(void)
{
    struct weft__record *record = make();
    int64_t good = weft__record_handle(record);
    const struct {
        const char *label;
        int64_t handle;
        enum weft__kind wanted;
        int expect;
    } rows[] = {
        { "as it was given", good, kind, 0 },
        { "of another kind", good, WEFT__KIND_CHAN, -ESRCH },
        { "cut to 32 bits", (int32_t)good, kind, -ESRCH },
        { "cut to 32 bits, unsigned", (uint32_t)good, kind, -ESRCH },
        { "nothing", 0, kind, -ESRCH },
        { "an errno passed on", -ENOMEM, kind, -ENOMEM },
        { "an errno cut to 32 bits, unsigned", (uint32_t)-ENOMEM, kind, -ESRCH },
        { "no errno", -5000, kind, -ESRCH },
        { "the next generation", good + (INT64_C(1) << 32), kind, -ESRCH },
        { "an index never made", good | 0x0FFFFFFF, kind, -ESRCH },
        { "all bits", INT64_MAX, kind, -ESRCH },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        int rc = look_up(rows[i].handle, rows[i].wanted);
        if (rc != rows[i].expect)
            fprintf(stderr, "row %zu (%s): rc=%d\n", i, rows[i].label, rc);
        CU_ASSERT_EQUAL(rc, rows[i].expect);
    }
    end(record);
    CU_ASSERT_EQUAL(look_up(good, kind), -ESRCH);
    CU_ASSERT_EQUAL(look_up(good + (INT64_C(1) << 32), kind), -ESRCH); /* nobody has made it yet */
}

static void test_record_reused_one_has_another_handle(void)
{
    struct weft__record *first = make();
    int64_t stale = weft__record_handle(first);

    end(first);
    struct weft__record *second = make();
    CU_ASSERT_PTR_EQUAL(second, first); /* last in, first out */
    CU_ASSERT_NOT_EQUAL(weft__record_handle(second), stale);
    CU_ASSERT_EQUAL(look_up(stale, kind), -ESRCH);
    CU_ASSERT_EQUAL(look_up(weft__record_handle(second), kind), 0);
    end(second);
}

static void test_record_last_generation_is_retired(void)
{
    struct weft__record *record = make();

    weft__store_relaxed(&record->life, UINT64_C(0x7FFFFFFF) << 32);
    int64_t handle = weft__record_handle(record);
    CU_ASSERT_TRUE(handle > 0);
    CU_ASSERT_EQUAL(look_up(handle, kind), 0);
    end(record);
    CU_ASSERT_EQUAL(look_up(handle, kind), -ESRCH);
    CU_ASSERT_EQUAL(look_up((uint32_t)handle, kind), -ESRCH); /* generation 0 is nobody's, too */
    struct weft__record *next = make();
    CU_ASSERT_PTR_NOT_EQUAL(next, record);
    end(next);
}

static void test_record_pins_count_past_16_bits(void)
{
    enum { pins = 70000 };
    struct weft__record *record = make();
    int64_t handle = weft__record_handle(record);

    weft__record_lock_own(record);
    for (int i = 0; i < pins; i++)
        weft__record_pin_locked(record);
    CU_ASSERT_EQUAL(WEFT__LIFE_PINS(weft__load_relaxed(&record->life)), pins);
    weft__record_unlock(record);
    CU_ASSERT_EQUAL(weft__record_handle(record), handle);
    for (int i = 0; i < pins; i++)
        weft__record_unpin(record);
    CU_ASSERT_EQUAL(WEFT__LIFE_PINS(weft__load_relaxed(&record->life)), 0);
    end(record);
}

static void test_record_try_lock_fails_while_locked(void)
{
    struct weft__record *record = make();

    CU_ASSERT_TRUE(weft__record_try_lock_own(record));
    CU_ASSERT_FALSE(weft__record_try_lock_own(record));
    weft__record_unlock(record);
    end(record);
}

static void *count_under_lock(void *argument)
{
    int64_t handle = *(int64_t *)argument;
    int rc = 0;

    for (int i = 0; i < lock_rounds; i++) {
        struct weft__record *record = weft__record_lock(handle, kind, &rc);
        if (record == NULL)
            return argument;
        WEFT__CONTAINER(record, struct object, record)->value++; /* LIFE: the lock orders it */
        weft__record_unlock(record);
    }
    return NULL;
}

static void test_record_lock_excludes_threads(void)
{
    struct weft__record *record = make();
    struct object *object = WEFT__CONTAINER(record, struct object, record);
    int64_t handle = weft__record_handle(record);
    pthread_t threads[lockers];
    void *failed = NULL;

    object->value = 0;
    for (int i = 0; i < lockers; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, count_under_lock, &handle), 0);
    for (int i = 0; i < lockers; i++) {
        (void)pthread_join(threads[i], &failed);
        CU_ASSERT_PTR_NULL(failed);
    }
    CU_ASSERT_EQUAL(object->value, (uint64_t)lockers * lock_rounds);
    end(record);
}

static void test_record_cache_flush_gives_all_back(void)
{
    struct weft__record_cache cache = { 0 };

    end(make()); /* the kind is defined */
    uint64_t before = weft__record_in_use(kind, NULL);
    struct weft__record *record = weft__record_new(kind, &cache);
    CU_ASSERT_EQUAL(weft__record_in_use(kind, &cache), before + 1);
    weft__record_free_locked(record, &cache);
    weft__record_cache_flush(&cache);
    CU_ASSERT_EQUAL(weft__record_in_use(kind, NULL), before);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_record_lock_wrong_handles_are_errors),
        UNIT_TEST(test_record_reused_one_has_another_handle),
        UNIT_TEST(test_record_last_generation_is_retired),
        UNIT_TEST(test_record_pins_count_past_16_bits),
        UNIT_TEST(test_record_try_lock_fails_while_locked),
        UNIT_TEST(test_record_lock_excludes_threads),
        UNIT_TEST(test_record_cache_flush_gives_all_back),
    };
    return unit_run(argc, argv, "record", tests, WEFT__COUNT(tests));
}
