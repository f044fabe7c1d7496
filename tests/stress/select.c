/*
 * Tasks choose by select among puts into and takes from channels of all depths, ends of tasks and
 * points in time; plain puts and takes mix in, selects have deadlines, and at a random moment some
 * are cancelled and all channels are closed or released. Every value is taken exactly once by one
 * that says so, or is still there, or its putter was told that it was not delivered: a select that
 * did two cases, or half of one, shows as a value too much or too few.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/stress.h"

enum { most_chans = 4, most_tasks = 8, most_cases = 6, moves = 200, rounds_at_once = 10 };

struct mark {
    _Atomic uint32_t put;
    _Atomic uint32_t taken;
};

struct table;

struct seat {
    struct table *table;
    uint32_t number;
};

struct table {
    weft_chan chans[most_chans];
    uint32_t depths[most_chans];
    uint32_t chans_count;
    uint32_t tasks_count;
    bool released;
    bool cancels;
    bool hurries;
    struct seat seats[most_tasks];
    _Atomic weft_task tasks[most_tasks];
    _Atomic uint32_t next; /* values come from here */
    struct mark marks[most_tasks * moves * most_cases];
};

static weft_deadline some_deadline(const struct table *table)
{
    if (!table->hurries)
        return WEFT_NEVER;
    switch (stress_below(4)) {
    case 0: return WEFT_NOW;
    case 1: return weft_after(stress_below(300) * WEFT_MICROSECOND);
    default: return WEFT_NEVER;
    }
}

static void note_put(struct table *table, uint32_t value)
{
    weft__add_relaxed(&table->marks[value].put, 1);
}

static void note_taken(struct table *table, uint32_t value)
{
    bool known = value < WEFT__COUNT(table->marks);

    STRESS_CHECK(known);
    if (known)
        weft__add_relaxed(&table->marks[value].taken, 1);
}

static bool is_over(int rc)
{
    return rc == -EPIPE || rc == -ESRCH || rc == -ECANCELED;
}

static weft_task some_task(struct table *table)
{
    return weft__load_relaxed(&table->tasks[stress_below(table->tasks_count)]);
}

/* The cases of one move; each put has a value of its own. */
struct move {
    weft_case cases[most_cases];
    uint32_t out[most_cases];
    uint32_t in[most_cases];
    uint32_t count;
};

static void plan_move(struct table *table, struct move *move)
{
    move->count = 1 + stress_below(most_cases);
    for (uint32_t i = 0; i < move->count; i++) {
        weft_chan chan = table->chans[stress_below(table->chans_count)];
        move->in[i] = UINT32_MAX;
        switch (i == 0 ? 3 + stress_below(12) : stress_below(16)) { /* all channels end one day */
        case 0: move->cases[i] = WEFT_CASE_OFF; break;
        case 1:
            move->cases[i] = WEFT_CASE_AT(weft_after(stress_below(2000) * WEFT_MICROSECOND));
            break;
        case 2: move->cases[i] = WEFT_CASE_TASK(some_task(table)); break;
        case 3:
        case 4:
        case 5:
        case 6:
        case 7:
        case 8:
            move->out[i] = weft__add_relaxed(&table->next, 1);
            move->cases[i] = WEFT_CASE_PUT(chan, &move->out[i]);
            break;
        default: move->cases[i] = WEFT_CASE_TAKE(chan, &move->in[i]); break;
        }
    }
}

/* What select has said must fit what it has done. Returns the result of the case, or its error. */
static int settle_move(struct table *table, struct move *move, ssize_t done)
{
    for (uint32_t i = 0; i < move->count; i++)
        STRESS_CHECK((ssize_t)i == done || move->in[i] == UINT32_MAX);
    if (done < 0) {
        STRESS_CHECK(done == -ETIMEDOUT || done == -ECANCELED || done == -EAGAIN);
        return (int)done;
    }
    STRESS_CHECK((uint32_t)done < move->count);
    const weft_case *one = &move->cases[done];
    if (one->kind == WEFT_CASE_KIND_PUT && one->result == 0)
        note_put(table, move->out[done]);
    if (one->kind == WEFT_CASE_KIND_TAKE && one->result == 0)
        note_taken(table, move->in[done]);
    STRESS_CHECK(one->kind != WEFT_CASE_KIND_OFF);
    if (one->kind == WEFT_CASE_KIND_TASK)
        return 0; /* of a task that has left the table, or the own one */
    STRESS_CHECK(one->result == 0 || is_over(one->result));
    return one->result;
}

static int choose(struct table *table)
{
    struct move move;

    plan_move(table, &move);
    ssize_t done = stress_below(8) == 0 ? weft_try_select(move.cases, move.count)
                                        : weft_select(move.cases, move.count, some_deadline(table));
    int rc = settle_move(table, &move, done);
    memset(&move, 0xEE, sizeof(move)); /* who still stands in line shall be seen */
    return rc;
}

/* One channel alone, so that selects meet those who don't choose. */
static int pass_one(struct table *table)
{
    uint32_t value = UINT32_MAX;
    weft_chan chan = table->chans[stress_below(table->chans_count)];
    int rc;

    if (stress_below(2) == 0) {
        value = weft__add_relaxed(&table->next, 1);
        rc = weft_chan_put(chan, &value, weft_after(stress_below(500) * WEFT_MICROSECOND));
        if (rc == 0)
            note_put(table, value);
    } else {
        rc = weft_chan_take(chan, &value, weft_after(stress_below(500) * WEFT_MICROSECOND));
        if (rc == 0)
            note_taken(table, value);
    }
    return rc;
}

static int play(void *argument)
{
    const struct seat *seat = argument;
    int rc = 0;

    for (int i = 0; i < moves && !is_over(rc); i++) {
        stress_maybe_yield();
        rc = stress_below(4) == 0 ? pass_one(seat->table) : choose(seat->table);
    }
    return 0;
}

static void end_channels(struct table *table)
{
    for (uint32_t i = 0; i < table->chans_count; i++)
        STRESS_EQUAL(table->released ? weft_chan_release(table->chans[i])
                                     : weft_chan_close(table->chans[i], 0),
                     0);
}

static int disturb(void *argument)
{
    struct table *table = argument;
    uint32_t moments = 20 + stress_below(100);

    for (uint32_t i = 0; i < moments; i++) {
        stress_maybe_yield();
        if (table->cancels && stress_below(16) == 0) {
            int rc = weft_cancel(some_task(table));
            STRESS_CHECK(rc == 0 || rc == -ESRCH || rc == -ENOENT);
        }
    }
    end_channels(table);
    return 0;
}

static void lay(struct table *table)
{
    memset(table, 0, sizeof(*table));
    table->chans_count = 1 + stress_below(most_chans);
    table->tasks_count = 2 + stress_below(most_tasks - 1);
    table->released = stress_below(4) == 0;
    table->cancels = stress_below(3) == 0;
    table->hurries = stress_below(2) == 0;
    for (uint32_t i = 0; i < table->chans_count; i++) {
        table->depths[i] = stress_below(2) == 0 ? 0 : stress_below(4);
        table->chans[i] = weft_chan_create(sizeof(uint32_t), table->depths[i]);
        STRESS_CHECK(table->chans[i] > 0);
    }
}

/* What is still in the buffers counts as taken; a release has dropped up to a buffer of each. */
static void judge(struct table *table)
{
    uint32_t dropped = 0;
    uint32_t allowed = 0;
    uint32_t value;

    for (uint32_t i = 0; i < table->chans_count; i++) {
        allowed += table->released ? table->depths[i] : 0;
        while (weft_chan_try_take(table->chans[i], &value) == 0)
            note_taken(table, value);
        STRESS_EQUAL(weft_chan_release(table->chans[i]), table->released ? -ESRCH : 0);
    }
    for (uint32_t i = 0; i < weft__load_relaxed(&table->next); i++) {
        uint32_t put = weft__load_relaxed(&table->marks[i].put);
        uint32_t taken = weft__load_relaxed(&table->marks[i].taken);
        STRESS_CHECK(put <= 1 && taken <= put);
        dropped += put - taken;
    }
    STRESS_CHECK(dropped <= allowed);
}

static weft_place some_place(void)
{
    return stress_below(2) == 0 ? weft_place_spread()
                                : weft_place_worker(stress_below((uint32_t)weft_worker_count(0)));
}

static weft_task seat_somewhere(weft_scope scope, weft_task_fn fn, void *argument)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = some_place());

    options.migratable = stress_below(4) == 0;
    return weft_spawn(scope, fn, argument, &options);
}

static void hold(struct table *table)
{
    weft_scope scope = weft_scope_open(NULL);

    for (uint32_t i = 0; i < table->tasks_count; i++)
        weft__store_relaxed(&table->tasks[i],
                            -ENOENT); /* for those who look before all are seated */
    for (uint32_t i = 0; i < table->tasks_count; i++) {
        table->seats[i] = (struct seat){ table, i };
        weft_task task = seat_somewhere(scope, play, &table->seats[i]);
        weft__store_relaxed(&table->tasks[i], task);
    }
    STRESS_CHECK(seat_somewhere(scope, disturb, table) > 0);
    STRESS_EQUAL(weft_scope_close(scope), 0);
    judge(table);
}

static int hold_tables(void *unused)
{
    struct table *table = malloc(sizeof(*table));

    (void)unused;
    STRESS_CHECK(table != NULL);
    for (int i = 0; i < rounds_at_once && table != NULL; i++) {
        lay(table);
        hold(table);
    }
    free(table);
    return 0;
}

static void choose_among_all(uint32_t workers)
{
    weft_runtime runtime = stress_start(workers, NULL);
    uint32_t rounds = stress_size(1000, STRESS_SANITIZED ? 4 : 40);

    for (uint32_t round = 0; round < rounds; round++) {
        stress_round(round);
        STRESS_EQUAL(weft_call(runtime, hold_tables, NULL), 0);
    }
    stress_stop(runtime);
}

/*
 * One token goes to and fro through one of several channels each way, and nothing else would wake
 * who waits for it: a message that came while its taker lined up, unseen, would be the last.
 */
struct pair {
    weft_chan to[2][most_chans];
    uint32_t turns;
};

struct half {
    struct pair *pair;
    uint32_t side;
};

static int pass_token(void *argument)
{
    const struct half *half = argument;
    struct pair *pair = half->pair;

    for (uint32_t turn = 0; turn < pair->turns; turn++) {
        weft_case cases[most_chans];
        uint32_t in[most_chans];
        uint32_t out = turn;
        for (int i = 0; i < most_chans; i++)
            cases[i] = WEFT_CASE_TAKE(pair->to[half->side][i], &in[i]);
        if (half->side == 0)
            STRESS_EQUAL(weft_chan_put(pair->to[1][stress_below(most_chans)], &out, WEFT_NEVER), 0);
        ssize_t done = weft_select(cases, most_chans, WEFT_NEVER);
        STRESS_CHECK(done >= 0 && done < most_chans);
        STRESS_EQUAL(in[done < 0 ? 0 : done], turn);
        if (half->side == 1)
            STRESS_EQUAL(weft_chan_put(pair->to[0][stress_below(most_chans)], &out, WEFT_NEVER), 0);
    }
    return 0;
}

static int pass_tokens(void *unused)
{
    struct pair pair = { .turns = stress_size(200000, 500) };
    struct half halves[2] = { { &pair, 0 }, { &pair, 1 } };
    weft_scope scope = weft_scope_open(NULL);

    (void)unused;
    for (uint32_t i = 0; i < 2 * most_chans; i++)
        pair.to[i / most_chans][i % most_chans] = weft_chan_create(sizeof(uint32_t), i % 2);
    for (uint32_t side = 0; side < 2; side++) {
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.pinned = 1);
        options.place = weft_place_worker(side % (uint32_t)weft_worker_count(0));
        STRESS_CHECK(weft_spawn(scope, pass_token, &halves[side], &options) > 0);
    }
    STRESS_EQUAL(weft_scope_close(scope), 0);
    for (uint32_t i = 0; i < 2 * most_chans; i++)
        STRESS_EQUAL(weft_chan_release(pair.to[i / most_chans][i % most_chans]), 0);
    return 0;
}

static void lose_no_token(uint32_t workers)
{
    stress_round(0);
    stress_run(workers, NULL, pass_tokens, NULL);
}

static const struct stress_case cases[] = {
    STRESS_CASE(choose_among_all),
    STRESS_CASE(lose_no_token),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
