/* What WEFT_CHAOS may say, that one seed rolls the same, that a program meets each kind. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>

#include "runtime/base/chaos.h"
#include "tests/support/unit.h"

enum { rolls = 64, most_tries = 200, messages = 200 };

static void test_set_grammar_table(void)
{
    static const struct {
        const char *value;
        uint32_t armed; /* 0: refused */
        const char *said;
    } rows[] = {
        { "1", (1u << WEFT__CHAOS_COUNT) - 1, "" },
        { "18446744073709551615", (1u << WEFT__CHAOS_COUNT) - 1, "" },
        { "7,yield", 1u << WEFT__CHAOS_YIELD, "" },
        { "7,yield=3,queue", 1u << WEFT__CHAOS_YIELD | 1u << WEFT__CHAOS_QUEUE, "" },
        { "7,wake=1000000", 1u << WEFT__CHAOS_WAKE, "" },
        { "18446744073709551616", 0, "a number as seed" },
        { "on", 0, "a number as seed" },
        { "1;yield", 0, "SEED,KIND" },
        { "1,", 0, "no kind" },
        { "1,yields", 0, "no kind" },
        { "1,yiel", 0, "no kind" },
        { "1,yield=0", 0, "one in N" },
        { "1,yield=1000001", 0, "one in N" },
        { "1,yield=", 0, "one in N" },
        { "1,yield=2x", 0, "SEED,KIND" },
        { "-1", 0, "a number as seed" },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        char text[256] = "";
        weft__chaos_off();
        int rc = weft__chaos_set(rows[i].value, text, sizeof(text));
        bool ok = weft__load_relaxed(&weft__chaos_armed) == rows[i].armed &&
                  (rows[i].armed != 0 ? rc == 0
                                      : rc == -EINVAL && strstr(text, rows[i].said) != NULL &&
                                            strstr(text, "doorbell") != NULL);
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s): %d, \"%s\"\n", i, rows[i].value, rc, text);
        CU_ASSERT_TRUE(ok);
    }
    weft__chaos_off();
}

static void roll(const char *value, bool out_rolled[rolls])
{
    CU_ASSERT_EQUAL(weft__chaos_set(value, NULL, 0), 0);
    for (size_t i = 0; i < rolls; i++)
        out_rolled[i] = weft__chaos(WEFT__CHAOS_YIELD);
    weft__chaos_off();
}

static void test_roll_one_seed_gives_the_same(void)
{
    bool first[rolls], again[rolls], other[rolls];

    roll("5,yield=2", first);
    roll("5,yield=2", again);
    roll("6,yield=2", other);
    CU_ASSERT_EQUAL(memcmp(first, again, sizeof(first)), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(first, other, sizeof(first)), 0);
}

static void test_roll_off_never_happens(void)
{
    weft__chaos_off();
    CU_ASSERT_FALSE(weft__chaos(WEFT__CHAOS_LIFO));
    CU_ASSERT_EQUAL(weft__chaos_set("5,lifo=1", NULL, 0), 0);
    CU_ASSERT_TRUE(weft__chaos(WEFT__CHAOS_LIFO));
    CU_ASSERT_FALSE(weft__chaos(WEFT__CHAOS_YIELD));
    CU_ASSERT_EQUAL(weft__chaos_count(WEFT__CHAOS_LIFO), 1);
    CU_ASSERT_EQUAL(weft__chaos_count(WEFT__CHAOS_YIELD), 0);
    weft__chaos_off();
}

static int produce(void *argument)
{
    weft_chan chan = *(weft_chan *)argument;
    int rc = 0;

    for (int i = 1; rc == 0 && i <= messages; i++)
        rc = weft_chan_put(chan, &i, WEFT_NEVER);
    return rc;
}

/* Two producers on any worker, one of which may move; each message comes once. */
static int exchange(void *argument)
{
    weft_chan chan = weft_chan_create(sizeof(int), 0);
    weft_scope scope = weft_scope_open(NULL);
    weft_spawn_options moving = WEFT_SPAWN_OPTIONS(.migratable = 1);
    int sum = 0;

    (void)argument;
    (void)weft_spawn(scope, produce, &chan, &moving);
    (void)weft_go(scope, produce, &chan);
    for (int i = 0; i < 2 * messages; i++) {
        int message = 0;
        int rc = weft_chan_take(chan, &message, WEFT_NEVER);
        if (rc != 0)
            return rc;
        sum += message;
    }
    int rc = weft_scope_close(scope);
    weft_chan_release(chan);
    return rc != 0 ? rc : sum == messages * (messages + 1) ? 0 : -EBADMSG;
}

static bool all_met(void)
{
    for (unsigned kind = 0; kind < WEFT__CHAOS_COUNT; kind++)
        if (weft__chaos_count((enum weft__chaos_kind)kind) == 0)
            return false;
    return true;
}

static void test_start_under_chaos_meets_each_kind(void)
{
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = 4);
    weft_error error = WEFT_ERROR_INIT;

    (void)setenv("WEFT_CHAOS", "11,yield=2,pause=2,migrate=2,doorbell=2,wake=2,lifo,victim,queue=2",
                 1);
    weft_runtime runtime = weft_start(&options, &error);
    CU_ASSERT_TRUE_FATAL(runtime > 0);
    bool met = false;
    for (int i = 0; i < most_tries && !met; i++) {
        CU_ASSERT_EQUAL(weft_call(runtime, exchange, NULL), 0);
        met = all_met();
    }
    CU_ASSERT_TRUE(met);
    CU_ASSERT_EQUAL(weft_stop(runtime, WEFT_NEVER), 0);
    (void)unsetenv("WEFT_CHAOS");
    weft__chaos_off();
}

static void test_start_bad_chaos_is_refused(void)
{
    weft_error error = WEFT_ERROR_INIT;

    (void)setenv("WEFT_CHAOS", "always", 1);
    CU_ASSERT_EQUAL(weft_start(NULL, &error), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "WEFT_CHAOS is \"always\""));
    (void)unsetenv("WEFT_CHAOS");
}

static const struct unit_test tests[] = {
    { "test_set_grammar_table", test_set_grammar_table },
    { "test_roll_one_seed_gives_the_same", test_roll_one_seed_gives_the_same },
    { "test_roll_off_never_happens", test_roll_off_never_happens },
    { "test_start_under_chaos_meets_each_kind", test_start_under_chaos_meets_each_kind },
    { "test_start_bad_chaos_is_refused", test_start_bad_chaos_is_refused },
};

int main(int argc, char **argv)
{
    return unit_run(argc, argv, "chaos", tests, sizeof(tests) / sizeof(tests[0]));
}
