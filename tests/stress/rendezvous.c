/*
 * Producers and consumers on all workers meet in unbuffered channels and in those of one slot and
 * more. The channel is closed or released at a random moment, tasks are cancelled, puts and takes
 * have deadlines. Every value is taken exactly once, or its producer was told that it was not
 * delivered; values of one producer arrive in order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/stress.h"

enum { most_tasks = 8, most_values = 64, rounds_at_once = 25 };

/* What becomes of one value. */
struct value {
    _Atomic uint32_t put; /* times that a put said 0 */
    _Atomic uint32_t taken;
};

struct message {
    uint32_t producer;
    uint32_t number;
    uint64_t check; /* of both, so that a torn copy is seen */
};

struct party;

struct seat {
    struct party *party;
    uint32_t number;
};

struct party {
    weft_chan chan;
    weft_scope scope; /* of producers and consumers */
    uint32_t depth;
    uint32_t producers;
    uint32_t consumers;
    uint32_t values; /* of each producer */
    int close_error;
    bool released; /* in place of closed */
    bool cancels;
    bool hurries; /* puts and takes have deadlines */
    struct seat seats[most_tasks];
    weft_task tasks[2 * most_tasks];
    struct value log[most_tasks][most_values];
};

static uint64_t check_of(uint32_t producer, uint32_t number)
{
    return ((uint64_t)producer << 32 | number) * 0x9E3779B97F4A7C15u;
}

static weft_deadline some_deadline(const struct party *party)
{
    if (!party->hurries)
        return WEFT_NEVER;
    switch (stress_below(4)) {
    case 0: return WEFT_NOW;
    case 1: return weft_after(stress_below(300) * WEFT_MICROSECOND);
    default: return WEFT_NEVER;
    }
}

static weft_place some_place(void)
{
    switch (stress_below(3)) {
    case 0: return weft_place_local();
    case 1: return weft_place_spread();
    default: return weft_place_worker(stress_below((uint32_t)weft_worker_count(0)));
    }
}

static weft_task spawn_somewhere(weft_scope scope, weft_task_fn fn, void *argument)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = some_place());

    options.migratable = stress_below(4) == 0;
    return weft_spawn(scope, fn, argument, &options);
}

/* Whether a put or take may have ended this way. */
static bool is_expected(const struct party *party, int rc)
{
    return rc == 0 || rc == -EAGAIN || rc == party->close_error ||
           (party->released && rc == -ESRCH) || (party->hurries && rc == -ETIMEDOUT) ||
           (party->cancels && rc == -ECANCELED);
}

static bool is_over(const struct party *party, int rc)
{
    return rc == party->close_error || rc == -ESRCH || rc == -ECANCELED;
}

/* ---- both sides
 * ---------------------------------------------------------------------------------- */

static int put_value(struct party *party, uint32_t producer, uint32_t number)
{
    struct message message = { producer, number, check_of(producer, number) };
    int rc = stress_below(8) == 0 ? weft_chan_try_put(party->chan, &message)
                                  : weft_chan_put(party->chan, &message, some_deadline(party));

    STRESS_CHECK(is_expected(party, rc));
    if (rc == 0)
        weft__add_relaxed(&party->log[producer][number].put, 1);
    memset(&message, 0xEE, sizeof(message)); /* who reads it after the return shall see that */
    return rc;
}

static int put_first(void *argument)
{
    const struct seat *seat = argument;

    (void)put_value(seat->party, seat->number, 0);
    return 0;
}

/* The first value is put by a child, so that tasks come into being inside of bodies. */
static int produce(void *argument)
{
    struct seat *seat = argument;
    struct party *party = seat->party;
    weft_scope scope = weft_scope_open(NULL);

    (void)spawn_somewhere(scope, put_first, seat);
    STRESS_EQUAL(weft_scope_close(scope), 0);
    for (uint32_t i = 1; i < party->values; i++) {
        stress_maybe_yield();
        if (is_over(party, put_value(party, seat->number, i)))
            break;
    }
    return 0;
}

static int take_value(struct party *party, struct message *message)
{
    int rc = stress_below(8) == 0 ? weft_chan_try_take(party->chan, message)
                                  : weft_chan_take(party->chan, message, some_deadline(party));

    STRESS_CHECK(is_expected(party, rc));
    return rc;
}

static void note_taken(struct party *party, const struct message *message)
{
    bool whole = message->producer < party->producers && message->number < party->values &&
                 message->check == check_of(message->producer, message->number);

    STRESS_CHECK(whole);
    if (whole)
        weft__add_relaxed(&party->log[message->producer][message->number].taken, 1);
}

static int consume(void *argument)
{
    struct party *party = argument;
    uint32_t next[most_tasks] = { 0 };
    int rc = 0;

    while (!is_over(party, rc)) {
        struct message message = { UINT32_MAX, 0, 0 };
        stress_maybe_yield();
        rc = take_value(party, &message);
        if (rc != 0) {
            STRESS_EQUAL(message.producer, UINT32_MAX); /* untouched on error */
            if (rc == -EAGAIN || rc == -ETIMEDOUT)
                (void)weft_yield();
            continue;
        }
        note_taken(party, &message);
        STRESS_CHECK(message.number >= next[message.producer % most_tasks]);
        next[message.producer % most_tasks] = message.number + 1;
    }
    return 0;
}

/* ---- the party
 * ----------------------------------------------------------------------------------- */

static void plan(struct party *party, uint32_t depth)
{
    static const int errors[] = { 0, -EIO, -ENOLINK, -EPIPE };
    int error = errors[stress_below(4)];

    memset(party, 0, sizeof(*party));
    party->depth = depth == 2 ? 2 + stress_below(6) : depth;
    party->producers = 1 + stress_below(most_tasks);
    party->consumers = 1 + stress_below(most_tasks);
    party->values = 1 + stress_below(most_values);
    party->released = stress_below(4) == 0;
    party->close_error = error == 0 || party->released ? -EPIPE : error;
    party->cancels = stress_below(3) == 0;
    party->hurries = stress_below(2) == 0;
    party->chan = weft_chan_create(sizeof(struct message), party->depth);
    STRESS_CHECK(party->chan > 0);
}

static void end_channel(struct party *party)
{
    if (party->released) {
        STRESS_EQUAL(weft_chan_release(party->chan), 0);
        STRESS_EQUAL(weft_chan_release(party->chan), -ESRCH);
        return;
    }
    int error = party->close_error == -EPIPE ? 0 : party->close_error;
    STRESS_EQUAL(weft_chan_close(party->chan, error), 0);
    STRESS_EQUAL(weft_chan_close(party->chan, -EXDEV), 0); /* changes nothing */
}

/* Waits a random while, cancels some, and ends the channel. */
static int disturb(void *argument)
{
    struct party *party = argument;
    uint32_t moments = stress_below(40);

    for (uint32_t i = 0; i < moments; i++) {
        uint32_t victim = stress_below(party->producers + party->consumers);
        stress_maybe_yield();
        if (party->cancels && stress_below(8) == 0) {
            int rc = weft_cancel(party->tasks[victim]);
            STRESS_CHECK(rc == 0 || rc == -ESRCH);
        }
    }
    end_channel(party);
    return 0;
}

/* Values that nobody took before the close are still in the buffer. */
static uint32_t drain(struct party *party)
{
    struct message message;
    uint32_t count = 0;
    int rc;

    while ((rc = weft_chan_try_take(party->chan, &message)) == 0) {
        note_taken(party, &message);
        count++;
    }
    STRESS_EQUAL(rc, party->released ? -ESRCH : party->close_error);
    STRESS_CHECK(count <= party->depth);
    return count;
}

/* A release drops what is in the buffer: that much may be missing, and no more. */
static void judge(struct party *party)
{
    uint32_t dropped = 0;

    (void)drain(party);
    for (uint32_t p = 0; p < party->producers; p++) {
        for (uint32_t i = 0; i < party->values; i++) {
            uint32_t put = weft__load_relaxed(&party->log[p][i].put);
            uint32_t taken = weft__load_relaxed(&party->log[p][i].taken);
            STRESS_CHECK(put <= 1 && taken <= put);
            dropped += put - taken;
        }
    }
    STRESS_CHECK(dropped <= (party->released ? party->depth : 0));
}

static void hold(struct party *party)
{
    uint32_t count = 0;

    party->scope = weft_scope_open(NULL);
    for (uint32_t i = 0; i < party->producers || i < party->consumers; i++) {
        if (i < party->producers) {
            party->seats[i] = (struct seat){ party, i };
            party->tasks[count++] = spawn_somewhere(party->scope, produce, &party->seats[i]);
        }
        if (i < party->consumers)
            party->tasks[count++] = spawn_somewhere(party->scope, consume, party);
    }
    STRESS_CHECK(spawn_somewhere(party->scope, disturb, party) > 0);
    STRESS_EQUAL(weft_scope_close(party->scope), 0);
    judge(party);
    if (!party->released)
        STRESS_EQUAL(weft_chan_release(party->chan), 0);
}

static int hold_parties(void *argument)
{
    struct party *party = malloc(sizeof(*party));

    STRESS_CHECK(party != NULL);
    for (int i = 0; i < rounds_at_once && party != NULL; i++) {
        plan(party, *(uint32_t *)argument);
        hold(party);
    }
    free(party);
    return 0;
}

/* Several parties side by side, which keeps every worker busy with more than one channel. */
static int hold_many(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    for (int i = 0; i < 4; i++)
        STRESS_CHECK(spawn_somewhere(scope, hold_parties, argument) > 0);
    return weft_scope_close(scope);
}

static void meet(uint32_t workers, uint32_t depth)
{
    weft_runtime runtime = stress_start(workers, NULL);
    uint32_t rounds = stress_size(2000, STRESS_SANITIZED ? 4 : 40);

    for (uint32_t round = 0; round < rounds; round++) {
        stress_round(round);
        STRESS_EQUAL(weft_call(runtime, round % 4 == 0 ? hold_parties : hold_many, &depth), 0);
    }
    stress_stop(runtime);
}

static void unbuffered(uint32_t workers)
{
    meet(workers, 0);
}

static void one_slot(uint32_t workers)
{
    meet(workers, 1);
}

static void some_slots(uint32_t workers)
{
    meet(workers, 2);
}

static const struct stress_case cases[] = {
    STRESS_CASE(unbuffered),
    STRESS_CASE(one_slot),
    STRESS_CASE(some_slots),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
