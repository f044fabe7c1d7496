/* runtime/sched/ring.c: the owner against one and two thieves; no task is lost or taken twice. */
/* SOURCES: runtime/sched/ring.c */
#include <string.h>

#include "runtime/sched/ring.h"
#include "tests/explore/explore.h"

enum { TASKS = 4 };

static struct weft__ring mine, first, second;
static struct weft__task tasks[TASKS];
static uint32_t payload[TASKS]; /* plain: what the spawner has filled in */
static uint32_t taken[TASKS];

static void take(struct weft__task *task)
{
    if (task == NULL)
        return;
    size_t i = (size_t)(task - tasks);
    EXPLORE_NEED(i < TASKS, "a task that nobody pushed was taken");
    EXPLORE_NEED(payload[i] == 7, "a task was taken before it was filled in");
    taken[i]++; /* two that take one race here */
    EXPLORE_NEED(taken[i] == 1, "task %zu was taken twice", i);
}

/* A ring that has gone round almost: the next push to a slot is of the next turn. */
static void setup_at(uint32_t at)
{
    mine = (struct weft__ring){ .head = (uint64_t)at << 32 | at, .tail = at };
    first = (struct weft__ring){ .head = 0 };
    second = (struct weft__ring){ .head = 0 };
    for (size_t i = 0; i < TASKS; i++)
        payload[i] = taken[i] = 0;
}

static void setup(void)
{
    setup_at(UINT32_MAX - 1);
}

static bool push(size_t i)
{
    payload[i] = 7;
    return weft__ring_push(&mine, &tasks[i]);
}

static void owner(void)
{
    (void)push(0);
    (void)push(1);
    take(weft__ring_pop(&mine));
    (void)push(2);
    take(weft__ring_pop(&mine));
}

static void steal_into(struct weft__ring *into)
{
    uint32_t count = 0;

    take(weft__ring_steal(&mine, into, 2, &count));
    if (count > 1)
        take(weft__ring_pop(into));
}

static void thief(void)
{
    steal_into(&first);
    steal_into(&first);
}

static void other_thief(void)
{
    steal_into(&second);
}

static void drain(struct weft__ring *ring)
{
    struct weft__task *task;

    while ((task = weft__ring_pop(ring)) != NULL)
        take(task);
}

static void push_three(void)
{
    setup();
    for (size_t i = 0; i < 3; i++)
        (void)push(i);
}

static void owner_of_three(void)
{
    take(weft__ring_pop(&mine));
}

static void judge_three(void)
{
    drain(&mine);
    drain(&first);
    drain(&second);
    for (size_t i = 0; i < 3; i++)
        EXPLORE_NEED(taken[i] == 1, "task %zu was lost", i);
}

/* A full ring: a slot that a thief still copies must not be written. */
static void setup_full(void)
{
    setup_at(0);
    mine = (struct weft__ring){ .tail = WEFT__RING_SLOTS };
    for (uint32_t i = 0; i < WEFT__RING_SLOTS; i++) {
        struct weft__task *task = &tasks[i % 2];
        memcpy(&mine.slots[i], &task, sizeof(task)); /* nobody runs yet */
    }
    payload[0] = payload[1] = 7;
}

static struct weft__task *stolen;

static void owner_of_full(void)
{
    (void)push(2);
    (void)weft__ring_pop(&mine);
    (void)push(3);
}

static void thief_of_full(void)
{
    uint32_t count = 0;

    stolen = weft__ring_steal(&mine, &first, 1, &count);
}

static void judge_full(void)
{
    EXPLORE_NEED(stolen == NULL || stolen == &tasks[0] || stolen == &tasks[1],
                 "a thief copied a slot that was written meanwhile");
}

static const struct explore_plant plants[] = {
    { "the tail is published relaxed", "weft__ring_push", "store_release", "&ring->tail" },
    { "a thief reads the tail relaxed", "reserve", "load_acquire", "&victim->tail" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_case cases[] = {
    { .name = "ring: owner and a thief",
      .setup = setup,
      .threads = { owner, thief },
      .judge = judge_three,
      .preemptions = 4,
      .stale = 3,
      .plants = plants },
    { .name = "ring: owner and two thieves",
      .setup = setup,
      .threads = { owner, other_thief, thief },
      .judge = judge_three,
      .preemptions = 3,
      .stale = 1 },
    { .name = "ring: a theft of two",
      .setup = push_three,
      .threads = { owner_of_three, thief },
      .judge = judge_three,
      .preemptions = 4,
      .stale = 3 },
    { .name = "ring: full, and a thief",
      .setup = setup_full,
      .threads = { owner_of_full, thief_of_full },
      .judge = judge_full,
      .preemptions = 3,
      .stale = 3 },
};

int main(int argc, char **argv)
{
    return explore_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
