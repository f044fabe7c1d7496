/*
 * Nobody starves: started tasks that yield for ever, fresh tasks that are spawned for ever,
 * partners that wake each other for ever, timers and messages of other workers, all on the same
 * worker. The tasks that wait on a channel are served in the order in which they came.
 */
#include <errno.h>

#include "tests/support/stress.h"

enum { turns_wanted = 2000, queue_most = 32 };

/* Runs of each kind; a case is over when each has had its turns. */
struct load {
    _Atomic uint64_t yields[3];
    _Atomic uint64_t fresh[2];
    _Atomic uint64_t ping_pongs;
    _Atomic uint64_t sleeps;
    _Atomic uint64_t remote; /* messages of another worker that were taken here */
    weft_scope scope;
    weft_chan to;
    weft_chan from;
    weft_chan mail;
    bool talks; /* the partners take part */
};

static bool has_turns(_Atomic uint64_t *count, uint64_t wanted)
{
    return weft__load_relaxed(count) >= wanted;
}

static bool is_done(struct load *load)
{
    for (int i = 0; i < 3; i++)
        if (!has_turns(&load->yields[i], turns_wanted))
            return false;
    return has_turns(&load->fresh[0], turns_wanted) && has_turns(&load->fresh[1], turns_wanted) &&
           has_turns(&load->sleeps, 20) && has_turns(&load->remote, turns_wanted / 10) &&
           (!load->talks || has_turns(&load->ping_pongs, turns_wanted));
}

struct role {
    struct load *load;
    uint32_t number;
};

static int yield_for_ever(void *argument)
{
    const struct role *role = argument;

    while (weft_yield() == 0)
        weft__add_relaxed(&role->load->yields[role->number], 1);
    return 0;
}

/* A fresh task whose only work is its successor. */
static int spawn_for_ever(void *argument)
{
    struct role role = *(struct role *)argument;

    weft__add_relaxed(&role.load->fresh[role.number], 1);
    if (!weft_canceled())
        STRESS_CHECK(weft_go_copy(role.load->scope, spawn_for_ever, &role, sizeof(role)) > 0);
    return 0;
}

static int serve(void *argument)
{
    const struct role *role = argument;
    int ball = 0;

    while (weft_chan_take(role->load->to, &ball, WEFT_NEVER) == 0)
        if (weft_chan_put(role->load->from, &ball, WEFT_NEVER) < 0)
            break;
    return 0;
}

static int play(void *argument)
{
    const struct role *role = argument;
    int ball = 0;

    while (weft_chan_put(role->load->to, &ball, WEFT_NEVER) == 0) {
        if (weft_chan_take(role->load->from, &ball, WEFT_NEVER) < 0)
            break;
        weft__add_relaxed(&role->load->ping_pongs, 1);
    }
    return 0;
}

static int sleep_for_ever(void *argument)
{
    const struct role *role = argument;

    while (weft_sleep(weft_after(50 * WEFT_MICROSECOND)) == 0)
        weft__add_relaxed(&role->load->sleeps, 1);
    return 0;
}

static int read_mail(void *argument)
{
    const struct role *role = argument;

    while (weft_chan_take(role->load->mail, NULL, WEFT_NEVER) == 0)
        weft__add_relaxed(&role->load->remote, 1);
    return 0;
}

static int write_mail(void *argument)
{
    const struct role *role = argument;

    while (weft_chan_put(role->load->mail, NULL, WEFT_NEVER) == 0)
        if (weft_yield() < 0)
            break;
    return 0;
}

/* Looks after the turns of the others; it too must get its own. */
static int judge(void *argument)
{
    const struct role *role = argument;

    while (!is_done(role->load))
        if (weft_yield() < 0)
            break;
    return weft_scope_cancel(role->load->scope);
}

static void spawn_here(struct load *load, weft_task_fn fn, uint32_t number, bool elsewhere)
{
    uint32_t workers = (uint32_t)weft_worker_count(0);
    struct role role = { load, number };
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(role));

    options.place = weft_place_worker(elsewhere ? workers - 1 : 0);
    STRESS_CHECK(weft_spawn(load->scope, fn, &role, &options) > 0);
}

/* All of it starts on worker 0, but for the writer of mail; idle workers may take fresh tasks
 * away. */
static int live_together(void *argument)
{
    weft_scope_options options = WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL, .forget = 1);
    struct load load = { .talks = *(const bool *)argument };

    load.scope = weft_scope_open(&options);
    load.to = weft_chan_create(sizeof(int), 0);
    load.from = weft_chan_create(sizeof(int), 0);
    load.mail = weft_chan_create(0, 0);
    for (uint32_t i = 0; i < 3; i++)
        spawn_here(&load, yield_for_ever, i, false);
    for (uint32_t i = 0; i < 2; i++)
        spawn_here(&load, spawn_for_ever, i, false);
    if (load.talks) {
        spawn_here(&load, serve, 0, false);
        spawn_here(&load, play, 0, false);
    }
    spawn_here(&load, sleep_for_ever, 0, false);
    spawn_here(&load, read_mail, 0, false);
    spawn_here(&load, write_mail, 0, true);
    spawn_here(&load, judge, 0, false);
    STRESS_EQUAL(weft_scope_close(load.scope), 0);
    STRESS_EQUAL(weft_chan_release(load.to), 0);
    STRESS_EQUAL(weft_chan_release(load.from), 0);
    STRESS_EQUAL(weft_chan_release(load.mail), 0);
    return 0;
}

static void repeat(uint32_t workers, weft_task_fn body, void *argument, uint32_t rounds)
{
    weft_runtime runtime = stress_start(workers, NULL);

    for (uint32_t round = 0; round < rounds; round++) {
        stress_round(round);
        STRESS_EQUAL(weft_call(runtime, body, argument), 0);
    }
    stress_stop(runtime);
}

static void yielders_and_fresh(uint32_t workers)
{
    bool talks = false;

    repeat(workers, live_together, &talks, stress_size(1000, STRESS_SANITIZED ? 2 : 20));
}

static void partners_and_others(uint32_t workers)
{
    bool talks = true;

    repeat(workers, live_together, &talks, stress_size(1000, STRESS_SANITIZED ? 2 : 20));
}

/* ---- first come, first served
 * -------------------------------------------------------------------- */

struct line {
    weft_chan chan;
    bool puts; /* those in the line put; else they take */
    uint32_t count;
    _Atomic uint32_t joined; /* how many of the line have been let in */
};

struct place {
    struct line *line;
    uint32_t number;
};

static int stand_in_line(void *argument)
{
    const struct place *place = argument;
    struct line *line = place->line;
    uint32_t got = place->number;

    while (weft__load_relaxed(&line->joined) != place->number)
        (void)weft_poll();
    weft__store_relaxed(&line->joined, place->number + 1);
    if (line->puts)
        return weft_chan_put(line->chan, &got, WEFT_NEVER);
    STRESS_EQUAL(weft_chan_take(line->chan, &got, WEFT_NEVER), 0);
    STRESS_EQUAL(got, place->number);
    return 0;
}

/* Serves the line from its front; who stands in it has come in the order of numbers. */
static void serve_line(struct line *line)
{
    for (uint32_t i = 0; i < line->count; i++) {
        uint32_t message = i;
        stress_maybe_yield();
        if (line->puts)
            STRESS_EQUAL(weft_chan_take(line->chan, &message, WEFT_NEVER), 0);
        else
            STRESS_EQUAL(weft_chan_put(line->chan, &message, WEFT_NEVER), 0);
        STRESS_EQUAL(message, i);
    }
}

/*
 * Each is let in when the one before it waits on the channel: it says WAITING just before it is in
 * the queue, so the lock of the channel is taken once more to be sure that it is.
 */
static int one_line(void *argument)
{
    struct line line = { .count = 2 + stress_below(queue_most - 2) };
    weft_scope scope = weft_scope_open(NULL);
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(struct place));

    (void)argument;
    line.puts = stress_below(2) == 0;
    line.chan = weft_chan_create(sizeof(uint32_t), 0);
    for (uint32_t i = 0; i < line.count; i++) {
        struct place place = { &line, i };
        uint32_t none = 0;
        options.place = weft_place_worker(stress_below((uint32_t)weft_worker_count(0)));
        weft__store_relaxed(&line.joined, i);
        weft_task task = weft_spawn(scope, stand_in_line, &place, &options);
        while (weft__load_relaxed(&line.joined) != i + 1 ||
               weft_task_state_of(task) != WEFT_TASK_WAITING)
            (void)weft_yield();
        STRESS_EQUAL(line.puts ? weft_chan_try_put(line.chan, &none)
                               : weft_chan_try_take(line.chan, &none),
                     -EAGAIN);
    }
    serve_line(&line);
    STRESS_EQUAL(weft_scope_close(scope), 0);
    return weft_chan_release(line.chan);
}

static void first_come_first_served(uint32_t workers)
{
    repeat(workers, one_line, NULL, stress_size(100000, STRESS_SANITIZED ? 50 : 2000));
}

static const struct stress_case cases[] = {
    STRESS_CASE(yielders_and_fresh),
    STRESS_CASE(partners_and_others),
    STRESS_CASE(first_come_first_served),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
