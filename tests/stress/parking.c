/*
 * Tasks that park, with and without deadlines, are unparked by others from all workers, and sleep
 * in between, so that unparks meet other waits too; some may move. Each unpark that was told of a
 * permit or of a parked task lets exactly one park return, and none is lost: a task whose last
 * unpark were lost would wait for ever.
 */
#include <errno.h>

#include "tests/support/stress.h"

enum { pairs = 6, unparkers = 3 };

struct pair {
    weft_task parker;
    uint32_t unparks; /* that each of the others does */
    _Atomic uint32_t given;
    _Atomic uint32_t used;
};

/* Ends when all unparks have been given and used. */
static int park_often(void *argument)
{
    struct pair *pair = *(struct pair **)argument;
    uint32_t wanted = pair->unparks * unparkers;

    for (uint32_t used = 0; used < wanted;) {
        uint32_t kind = stress_below(8);
        weft_deadline until = kind == 0   ? WEFT_NOW
                              : kind == 1 ? weft_after(stress_below(200) * WEFT_MICROSECOND)
                                          : WEFT_NEVER;
        int rc = weft_park(until);
        STRESS_CHECK(rc == 0 || (rc == -ETIMEDOUT && kind < 2));
        if (rc == 0)
            weft__store_relaxed(&pair->used, ++used);
        if (stress_below(4) == 0)
            stress_maybe_yield();
    }
    return 0;
}

/* One that is refused tries again later. */
static int unpark_often(void *argument)
{
    struct pair *pair = *(struct pair **)argument;

    for (uint32_t i = 0; i < pair->unparks;) {
        int rc = weft_unpark(pair->parker);
        STRESS_CHECK(rc == 0 || rc == 1 || rc == -EALREADY);
        if (rc >= 0) {
            weft__add_relaxed(&pair->given, 1);
            i++;
        }
        if (rc < 0 || stress_below(4) == 0)
            (void)weft_yield();
    }
    return 0;
}

static int park_pairs(void *argument)
{
    static struct pair all[pairs];
    uint32_t rounds = stress_size(300, 3);

    (void)argument;
    for (uint32_t round = 0; round < rounds; round++) {
        weft_scope scope = weft_scope_open(NULL);
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(struct pair *));
        options.place = weft_place_spread();
        stress_round(round);
        for (int i = 0; i < pairs; i++) {
            struct pair *pair = &all[i];
            pair->unparks = 1 + stress_below(100);
            pair->given = 0;
            pair->used = 0;
            options.migratable = stress_below(2) == 0;
            pair->parker = weft_spawn(scope, park_often, &pair, &options);
            for (int j = 0; j < unparkers; j++)
                (void)weft_spawn(scope, unpark_often, &pair, &options);
        }
        STRESS_EQUAL(weft_scope_close(scope), 0);
        for (int i = 0; i < pairs; i++)
            STRESS_EQUAL(weft__load_relaxed(&all[i].used), weft__load_relaxed(&all[i].given));
    }
    return 0;
}

static void park_and_unpark(uint32_t workers)
{
    stress_run(workers, NULL, park_pairs, NULL);
}

static const struct stress_case cases[] = {
    STRESS_CASE(park_and_unpark),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
