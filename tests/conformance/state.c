/* Section 1.4 of the features: what belongs to a task. */
#include <string.h>

#include "tests/support/conformance.h"

static _Atomic int destroyed;

static void count_destroyed(void *value)
{
    destroyed += *(int *)value;
}

static int look_at_local(void *argument)
{
    weft_local key = *(weft_local *)argument;
    static int own = 10;

    EXPECT(weft_local_get(key) == NULL); /* created on first use, and not inherited */
    EXPECT_EQ(weft_local_set(key, &own), 0);
    (void)weft_yield();
    EXPECT(weft_local_get(key) == &own);
    return 0;
}

/* A key that has no value is NULL, no error: C has no KeyError to raise. */
CONFORMANCE(task_local_storage_is_the_tasks_own)
{
    int mine = 1;
    weft_local key = weft_local_create(&WEFT_LOCAL_OPTIONS(.destroy = count_destroyed));
    weft_scope scope = weft_scope_open(NULL);

    destroyed = 0;
    EXPECT(weft_local_get(key) == NULL);
    EXPECT_EQ(weft_local_set(key, &mine), 0);
    weft_task first = weft_go_copy(scope, look_at_local, &key, sizeof(key));
    weft_task second = weft_go_copy(scope, look_at_local, &key, sizeof(key));
    EXPECT_EQ(weft_wait(first, WEFT_NEVER), 0);
    EXPECT_EQ(weft_wait(second, WEFT_NEVER), 0);
    EXPECT_EQ(destroyed, 20); /* each with its task, before the waits return */
    EXPECT(weft_local_get(key) == &mine);
    EXPECT_EQ(weft_local_set(key, NULL), 0);
    EXPECT_EQ(weft_scope_close(scope), 0);
    EXPECT_EQ(weft_local_release(key), 0);
    EXPECT_EQ(weft_local_set(key, &mine), -ESRCH);
    EXPECT(weft_local_get(key) == NULL);
    return 0;
}

static weft_local scoped;

static void restore(void *value)
{
    EXPECT_EQ(weft_local_set(scoped, value), 0);
}

static int seen_at_the_end;

static void look_at_the_end(void *unused)
{
    (void)unused;
    seen_at_the_end = *(int *)weft_local_get(scoped);
}

/* The scoped form: deferred, so that it is restored on whichever way the task ends. */
static int set_for_a_while(void *argument)
{
    static int before = 1;
    static int meanwhile = 2;

    (void)argument;
    EXPECT_EQ(weft_local_set(scoped, &before), 0);
    EXPECT_EQ(weft_defer(look_at_the_end, NULL), 0); /* runs after the other */
    EXPECT_EQ(weft_defer(restore, weft_local_get(scoped)), 0);
    EXPECT_EQ(weft_local_set(scoped, &meanwhile), 0);
    return -EIO;
}

CONFORMANCE(task_local_storage_is_restored_even_on_error)
{
    weft_scope scope = weft_scope_open(&run_all);

    scoped = weft_local_create(NULL);
    seen_at_the_end = 0;
    EXPECT_EQ(weft_wait(weft_go(scope, set_for_a_while, NULL), WEFT_NEVER), -EIO);
    EXPECT_EQ(seen_at_the_end, 1);
    EXPECT_EQ(weft_scope_close(scope), -EIO);
    EXPECT_EQ(weft_local_release(scoped), 0);
    return 0;
}

/* ---- random numbers ---- */

enum { children = 6, draws = 4 };

static uint64_t drawn[children + 1][children + 1][draws]; /* by child and grandchild */

struct place {
    int child;
    int grandchild; /* children: the child itself */
};

static int draw(void *argument)
{
    const struct place *place = argument;
    weft_scope scope = weft_scope_open(NULL);

    if (place->grandchild == children) {
        for (int i = 0; i < children; i++) {
            struct place below = { place->child, i };
            (void)weft_spawn(scope, draw, &below,
                             &WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(below), .migratable = 1));
            (void)weft_yield();
        }
    }
    for (int i = 0; i < draws; i++) {
        drawn[place->child][place->grandchild][i] = weft_random_next(weft_random_self());
        (void)weft_yield();
    }
    return weft_scope_close(scope);
}

static void draw_all(uint64_t seed)
{
    weft_scope scope = weft_scope_open(NULL);

    weft_random_seed(weft_random_self(), seed);
    for (int i = 0; i < children; i++) {
        struct place place = { i, children };
        (void)weft_spawn(
            scope, draw, &place,
            &WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(place), .place = weft_place_spread()));
    }
    EXPECT_EQ(weft_scope_close(scope), 0);
}

/* Whatever the schedule: the first run, with one worker, is what all others are held against. */
CONFORMANCE(task_local_random_generator_gives_the_same_with_the_same_seed)
{
    static uint64_t wanted[children + 1][children + 1][draws];

    draw_all(2026);
    if (wanted[0][0][0] == 0)
        memcpy(wanted, drawn, sizeof(wanted));
    EXPECT_EQ(memcmp(wanted, drawn, sizeof(wanted)), 0);
    draw_all(2027);
    EXPECT(memcmp(wanted, drawn, sizeof(wanted)) != 0);
    return 0;
}

/* Once in a process; the thread gives back what else it makes. */
static void *make_key(void *unused)
{
    (void)unused;
    return weft_random_self();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        CONFORMANCE_TEST(task_local_storage_is_the_tasks_own),
        CONFORMANCE_TEST(task_local_storage_is_restored_even_on_error),
        CONFORMANCE_TEST(task_local_random_generator_gives_the_same_with_the_same_seed),
    };
    rig_on_thread(make_key);
    return CONFORMANCE_RUN(argc, argv, "state", tests);
}
