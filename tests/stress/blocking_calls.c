/*
 * Thousands of blocking calls through a few helpers. Each has an argument of another size, and
 * calls back: it prints, talks to a task through channels, spawns a task and waits for it, makes
 * another blocking call. Every result is exact, every line whole, and ordinary tasks go on
 * meanwhile: each caller waits for one of them to move before its next call. Then the same with
 * deadlines, cancels and stops of the runtime at any moment: a call has run once, or not at all and
 * says so.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "tests/support/lines.h"
#include "tests/support/stress.h"

enum { helpers = 4, callers = 40, most_bytes = 300, storms = 8 };

/* ---- calls that call back
 * ------------------------------------------------------------------------ */

static struct {
    uint32_t calls; /* of each caller */
    weft_scope scope;
    weft_chan asks; /* of struct ask */
    _Atomic uint64_t ticks;
    _Atomic uint32_t spawned_ran;
    _Atomic uint32_t calls_ran;
    _Atomic bool over;
} office;

struct ask {
    uint32_t number;
    weft_chan reply;
};

/* What a call gets, on its caller's stack. */
struct work {
    uint32_t number;
    uint32_t bytes;
    weft_chan reply;
    unsigned char data[most_bytes];
};

static unsigned char pattern(uint32_t number, uint32_t at)
{
    return (unsigned char)(number * 131 + at * 7 + (number >> 8));
}

static int spawned(void *argument)
{
    uint32_t number = *(const uint32_t *)argument;

    stress_maybe_yield();
    weft__add_relaxed(&office.spawned_ran, 1);
    return (int)(number & 0xFFFF);
}

static int64_t inner(void *argument)
{
    const struct work *work = argument;
    int64_t sum = 0;

    for (uint32_t i = 0; i < work->bytes; i++)
        sum += work->data[i];
    return sum;
}

/* Above 32 bits, and negative for odd numbers. */
static int64_t result_of(uint32_t number, int64_t sum)
{
    int64_t value = sum * INT64_C(0x100000001) + number;
    return number % 2 == 0 ? value : -value - 1;
}

static int64_t work_and_call_back(void *argument)
{
    struct work *work = argument;
    struct ask ask = { work->number, work->reply };
    uint32_t answer = 0;

    weft__add_relaxed(&office.calls_ran, 1);
    STRESS_CHECK(lines_print(work->number) > 0);
    STRESS_EQUAL(weft_chan_put(office.asks, &ask, WEFT_NEVER), 0);
    STRESS_EQUAL(weft_chan_take(work->reply, &answer, WEFT_NEVER), 0);
    STRESS_EQUAL(answer, work->number * 3);
    weft_task task = weft_go_copy(office.scope, spawned, &work->number, sizeof(work->number));
    STRESS_EQUAL(weft_wait(task, WEFT_NEVER), work->number & 0xFFFF);
    int64_t sum = weft_blocking_call(inner, work, NULL, WEFT_NEVER);
    for (uint32_t i = 0; i < work->bytes; i++)
        work->data[i] ^= 0xFF;
    return result_of(work->number, sum);
}

static void check_work(const struct work *work, int64_t got)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < work->bytes; i++) {
        sum += pattern(work->number, i);
        STRESS_EQUAL(work->data[i], pattern(work->number, i) ^ 0xFF);
    }
    STRESS_EQUAL(got, result_of(work->number, sum));
}

static int call_many(void *argument)
{
    uint32_t caller = *(const uint32_t *)argument;
    struct work work = { .reply = weft_chan_create(sizeof(uint32_t), caller % 2) };

    for (uint32_t i = 0; i < office.calls; i++) {
        uint64_t ticks = weft__load_relaxed(&office.ticks);
        work.number = caller * office.calls + i;
        work.bytes = work.number % (most_bytes + 1);
        for (uint32_t at = 0; at < work.bytes; at++)
            work.data[at] = pattern(work.number, at);
        check_work(&work, weft_blocking_call(work_and_call_back, &work, NULL, WEFT_NEVER));
        while (weft__load_relaxed(&office.ticks) == ticks)
            (void)weft_yield();
    }
    return weft_chan_release(work.reply);
}

static int answer(void *argument)
{
    struct ask ask;
    int rc;

    (void)argument;
    while ((rc = weft_chan_take(office.asks, &ask, WEFT_NEVER)) == 0) {
        uint32_t value = ask.number * 3;
        stress_maybe_yield();
        STRESS_EQUAL(weft_chan_put(ask.reply, &value, WEFT_NEVER), 0);
    }
    return rc == -EPIPE ? 0 : rc;
}

static int tick(void *argument)
{
    (void)argument;
    while (!weft__load_relaxed(&office.over)) {
        weft__add_relaxed(&office.ticks, 1);
        (void)weft_yield();
        if (stress_below(16) == 0)
            (void)!weft_sleep(weft_after(stress_below(200) * WEFT_MICROSECOND));
    }
    return 0;
}

static int run_office(void *argument)
{
    weft_scope clerks = weft_scope_open(NULL);
    weft_scope clients = weft_scope_open(NULL);

    (void)argument;
    office.scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));
    office.asks = weft_chan_create(sizeof(struct ask), 2);
    for (int i = 0; i < 2; i++)
        STRESS_CHECK(weft_go(clerks, answer, NULL) > 0);
    STRESS_CHECK(weft_go(clerks, tick, NULL) > 0);
    for (uint32_t i = 0; i < callers; i++)
        STRESS_CHECK(weft_go_copy(clients, call_many, &i, sizeof(i)) > 0);
    STRESS_EQUAL(weft_scope_close(clients), 0);
    weft__store_relaxed(&office.over, true);
    STRESS_EQUAL(weft_chan_close(office.asks, 0), 0);
    STRESS_EQUAL(weft_scope_close(clerks), 0);
    STRESS_EQUAL(weft_scope_close(office.scope), 0);
    return weft_chan_release(office.asks);
}

static void calling_back(uint32_t workers)
{
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.helpers = helpers);
    uint32_t count = stress_size(10000, callers) / callers;

    memset(&office, 0, sizeof(office));
    office.calls = count;
    lines_begin(callers * count);
    stress_run(workers, &options, run_office, NULL);
    STRESS_EQUAL(lines_end(), 0);
    STRESS_EQUAL(office.calls_ran, callers * count);
    STRESS_EQUAL(office.spawned_ran, callers * count);
}

/* ---- deadlines and cancels at any moment
 * --------------------------------------------------------- */

struct late {
    _Atomic uint32_t ran;
    _Atomic uint32_t asked;
    uint32_t looks;
    uint64_t check;
};

static int64_t be_late(void *argument)
{
    struct late *late = argument;

    for (uint32_t i = 0; i < late->looks && weft__load_relaxed(&late->asked) == 0; i++)
        (void)sched_yield();
    late->check = 0x5EED; /* plain: a call that was left too early is a race, and damage */
    weft__add_relaxed(&late->ran, 1);
    return 7;
}

static void ask_late(void *argument)
{
    struct late *late = argument;

    stress_maybe_yield();
    weft__add_relaxed(&late->asked, 1);
}

/* On a frame of its own, which others use when it has returned. */
static __attribute__((noinline)) void call_late(void)
{
    struct late late = { .looks = stress_below(100) };
    weft_blocking_options options = WEFT_BLOCKING_OPTIONS_INIT;
    weft_deadline until = stress_below(2) == 0 ? WEFT_NEVER
                                               : weft_after(stress_below(300) * WEFT_MICROSECOND);

    if (stress_below(4) != 0)
        options.cancel = ask_late;
    int64_t rc = weft_blocking_call(be_late, &late, &options, until);
    STRESS_CHECK(rc == 7 || rc == -ETIMEDOUT || rc == -ECANCELED);
    STRESS_EQUAL(late.ran, rc == 7);
    STRESS_EQUAL(late.check, rc == 7 ? 0x5EED : 0);
    STRESS_CHECK(late.asked <= late.ran);
    memset(&late, 0xEE, sizeof(late));
}

static int call_late_often(void *argument)
{
    (void)argument;
    for (int i = 0; i < 20; i++)
        call_late();
    return 0;
}

static int storm_once(void *argument)
{
    weft_scope scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));
    weft_task tasks[storms];

    (void)argument;
    for (int i = 0; i < storms; i++) {
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());
        options.migratable = stress_below(2) == 0;
        tasks[i] = weft_spawn(scope, call_late_often, NULL, &options);
        STRESS_CHECK(tasks[i] > 0);
    }
    for (int i = 0; i < storms; i++) {
        stress_maybe_yield();
        if (stress_below(2) == 0) {
            int rc = weft_cancel(tasks[stress_below(storms)]);
            STRESS_CHECK(rc == 0 || rc == -ESRCH);
        }
    }
    return weft_scope_close(scope);
}

static void leaving_late(uint32_t workers)
{
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.helpers = 2);
    uint32_t rounds = stress_size(300, 20);

    weft_runtime runtime = stress_start(workers, &options);
    for (uint32_t round = 0; round < rounds; round++) {
        stress_round(round);
        STRESS_EQUAL(weft_call(runtime, storm_once, NULL), 0);
    }
    stress_stop(runtime);
}

/* ---- stops while helpers are inside
 * -------------------------------------------------------------- */

static int leave_behind(void *argument)
{
    (void)argument;
    for (int i = 0; i < storms; i++)
        STRESS_CHECK(weft_go(WEFT_DETACHED, call_late_often, NULL) > 0);
    return 0;
}

static void stopping(uint32_t workers)
{
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.helpers = 3);
    uint32_t rounds = stress_size(500, 10);

    for (uint32_t round = 0; round < rounds; round++) {
        stress_round(round);
        stress_run(workers, &options, leave_behind, NULL);
    }
}

static const struct stress_case cases[] = {
    STRESS_CASE(calling_back),
    STRESS_CASE(leaving_late),
    STRESS_CASE(stopping),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
