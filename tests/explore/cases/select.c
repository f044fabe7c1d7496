/*
 * runtime/sync/select.c: a select over two channels does exactly one case, whoever comes.
 * SOURCES: runtime/sync/select.c runtime/sync/source.c runtime/sync/source_chan.c
 * SOURCES: runtime/sync/chan.c runtime/sync/chan_look.c runtime/sync/line.c runtime/sync/wait.c
 * SOURCES: runtime/sched/park.c runtime/sched/thread.c runtime/sched/self.c runtime/task/record.c
 * SOURCES: tests/explore/support/foreign.c
 * WRAPS: weft__thread_self
 */
#include <weft/select.h>

#include "tests/explore/support/foreign.h"

static weft_chan chans[2];
static int put[2], taken;
static ssize_t selected, other_selected;
static uint32_t got, other_got;

static const weft_deadline soon = { 5000000 };

static void setup(void)
{
    foreign_setup();
    for (int i = 0; i < 2; i++) {
        chans[i] = foreign_chan(0);
        put[i] = -EBUSY;
    }
    selected = other_selected = -EBUSY;
    taken = 0;
    got = other_got = 0;
}

static void select_takes(void)
{
    weft_case cases[] = { WEFT_CASE_TAKE(chans[0], &got), WEFT_CASE_TAKE(chans[1], &got) };

    selected = weft_select(cases, 2, WEFT_NEVER);
    if (selected >= 0)
        EXPLORE_NEED(cases[selected].result == 0, "the case says %d", cases[selected].result);
}

static void select_puts(void)
{
    uint32_t first = 7, second = 8;
    weft_case cases[] = { WEFT_CASE_PUT(chans[0], &first), WEFT_CASE_PUT(chans[1], &second) };

    other_selected = weft_select(cases, 2, WEFT_NEVER);
}

static void put_first(void)
{
    uint32_t sent = 7;
    put[0] = weft_chan_put(chans[0], &sent, WEFT_NEVER);
}

/* Not before it is due, so that somebody always comes to the select. */
static void put_hastily(void)
{
    uint32_t sent = 8;
    put[1] = weft_chan_put(chans[1], &sent, soon);
}

static void judge(void)
{
    EXPLORE_NEED(selected == 0 || selected == 1, "select says %zd", selected);
    EXPLORE_NEED(got == 7 + (uint32_t)selected, "case %zd got %u", selected, got);
}

static void judge_one_put(void)
{
    judge();
    EXPLORE_NEED(selected == 0 && put[0] == 0, "case %zd, put %d", selected, put[0]);
    (void)foreign_chan_count(chans[0]);
    (void)foreign_chan_count(chans[1]);
}

static void take_first_or_second(void)
{
    select_takes();
    if (selected == 1)
        taken = weft_chan_take(chans[0], &other_got, WEFT_NEVER);
}

static void judge_two_puts(void)
{
    judge();
    EXPLORE_NEED(put[0] == 0 && taken == 0, "put %d, take %d", put[0], taken);
    EXPLORE_NEED((put[1] == 0) == (selected == 1), "the second put says %d, the select %zd", put[1],
                 selected);
    (void)foreign_chan_count(chans[0]);
    (void)foreign_chan_count(chans[1]);
}

static void judge_both_select(void)
{
    judge();
    EXPLORE_NEED(selected == other_selected, "one did case %zd, the other %zd", selected,
                 other_selected);
    (void)foreign_chan_count(chans[0]);
    (void)foreign_chan_count(chans[1]);
}

static const struct explore_plant plants[] = {
    { "a channel is unlocked relaxed", "weft__record_unlock_known", "store_release",
      "&record->life" },
    { "a partner goes on relaxed", "weft__thread_sleep", "load_acquire", "word" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_case cases[] = {
    { .name = "select: two takes against a put",
      .setup = setup,
      .threads = { select_takes, put_first },
      .judge = judge_one_put,
      .preemptions = 3,
      .stale = 1,
      .plants = plants },
    { .name = "select: two takes against two puts",
      .setup = setup,
      .threads = { take_first_or_second, put_first, put_hastily },
      .judge = judge_two_puts,
      .preemptions = 2,
      .stale = 0 },
    { .name = "select: two takes against two puts of one select",
      .setup = setup,
      .threads = { select_takes, select_puts },
      .judge = judge_both_select,
      .preemptions = 2,
      .stale = 1 },
};

int main(int argc, char **argv)
{
    return explore_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
