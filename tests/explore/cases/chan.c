/*
 * runtime/sync/chan.c: hand-off between a putter and a taker, with deadlines and a close.
 * SOURCES: runtime/sync/chan.c runtime/sync/chan_look.c runtime/sync/line.c runtime/sync/wait.c
 * SOURCES: runtime/sched/park.c runtime/sched/thread.c runtime/sched/self.c runtime/task/record.c
 * SOURCES: runtime/sync/chan_life.c tests/explore/support/foreign.c
 * WRAPS: weft__thread_self
 */
#include "tests/explore/support/foreign.h"

static weft_chan chan;
static int put[2], took[2];
static uint32_t message[2];

static const weft_deadline soon = { 5000000 };

static void setup_deep(uint32_t depth)
{
    foreign_setup();
    chan = foreign_chan(depth);
    put[0] = put[1] = took[0] = took[1] = -EBUSY;
    message[0] = message[1] = 0;
}

static void setup_unbuffered(void)
{
    setup_deep(0);
}

static void setup_buffered(void)
{
    setup_deep(1);
}

static void put_as(int number, weft_deadline until)
{
    uint32_t sent = 7 + (uint32_t)number;
    put[number] = weft_chan_put(chan, &sent, until);
}

static void take_as(int number, weft_deadline until)
{
    took[number] = weft_chan_take(chan, &message[number], until);
}

static void putter(void)
{
    put_as(0, WEFT_NEVER);
}

static void hasty_putter(void)
{
    put_as(0, soon);
}

static void second_putter(void)
{
    put_as(1, WEFT_NEVER);
}

static void taker(void)
{
    take_as(0, WEFT_NEVER);
}

static void hasty_taker(void)
{
    take_as(0, soon);
}

static void taker_of_two(void)
{
    take_as(0, WEFT_NEVER);
    take_as(1, WEFT_NEVER);
}

static void closer(void)
{
    (void)weft_chan_close(chan, 0);
}

static void judge_pair(void)
{
    EXPLORE_NEED(put[0] == 0 && took[0] == 0 && message[0] == 7, "put %d, take %d, message %u",
                 put[0], took[0], message[0]);
    EXPLORE_NEED(foreign_chan_count(chan) == 0, "a message is left");
}

/* All or nothing: what was put is taken once, or lies in the buffer. */
static void judge_hasty(void)
{
    uint32_t left = foreign_chan_count(chan);
    uint32_t puts = put[0] == 0, takes = took[0] == 0;

    EXPLORE_NEED(put[0] == 0 || put[0] == -ETIMEDOUT || put[0] == -EPIPE, "put says %d", put[0]);
    EXPLORE_NEED(took[0] == 0 || took[0] == -ETIMEDOUT || took[0] == -EPIPE, "take says %d",
                 took[0]);
    EXPLORE_NEED(puts == takes + left, "%u put, %u taken, %u left", puts, takes, left);
    EXPLORE_NEED(message[0] == (takes != 0 ? 7 : 0), "the message is %u", message[0]);
}

static void judge_two(void)
{
    EXPLORE_NEED(put[0] == 0 && put[1] == 0 && took[0] == 0 && took[1] == 0, "a call has failed");
    EXPLORE_NEED(message[0] + message[1] == 15 && message[0] != message[1], "%u and %u came",
                 message[0], message[1]);
    EXPLORE_NEED(foreign_chan_count(chan) == 0, "a message is left");
}

static const struct explore_plant pair_plants[] = {
    { "the channel is locked relaxed", "weft__record_lock_life", "cas_acquire", "&record->life" },
    { "the channel is unlocked relaxed", "weft__record_unlock_known", "store_release",
      "&record->life" },
    { "a partner is let go relaxed", "weft__thread_wake", "swap_acqrel", "&task->seen" },
    { "a partner goes on relaxed", "weft__thread_sleep", "load_acquire", "word" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_case cases[] = {
    { .name = "chan: put and take",
      .setup = setup_unbuffered,
      .threads = { putter, taker },
      .judge = judge_pair,
      .preemptions = 3,
      .stale = 2,
      .plants = pair_plants },
    { .name = "chan: put and take with deadlines",
      .setup = setup_unbuffered,
      .threads = { hasty_putter, hasty_taker },
      .judge = judge_hasty,
      .preemptions = 3,
      .stale = 1 },
    { .name = "chan: put and take, and a close",
      .setup = setup_unbuffered,
      .threads = { putter, taker, closer },
      .judge = judge_hasty,
      .preemptions = 2,
      .stale = 1 },
    { .name = "chan: two puts into one place, two takes",
      .setup = setup_buffered,
      .threads = { putter, second_putter, taker_of_two },
      .judge = judge_two,
      .preemptions = 2,
      .stale = 1 },
};

int main(int argc, char **argv)
{
    return explore_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
