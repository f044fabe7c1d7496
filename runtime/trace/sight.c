/*
 * ORDERING SIGHT: what is told of a task is of that task, and its stack is one that it parked.
 *   dump, without a lock                     maker, owner
 *   D1 reads life, acquire: in use, not      O1 fills a new record in, LOCKED, its generation set
 *      locked                                O2 unlocks it, release
 *   D2 copies the record and the name        O3 ends it: raises the generation, release; O1 again
 *   D3 reads its home's task: another        S1 saved stack pointer = NULL
 *   D4 copies the stack pointer: not NULL,   S2 the worker's task = another, release
 *      and the frames above it               S3 saves the registers, then the stack pointer
 *   D5 fence; looks again: the generation;   S4 is claimed: the wait word changes, or, of a task
 *      the home; the wait word, or the          that waits for nothing, the count of switches
 *      count of switches when it does not    S5 runs on: its frames change
 *      wait
 * Forbidden: D2 copies from a record that is being filled in, or that has gone to another task,
 *            and D5 finds the generation of D1. D4 copies frames of S5, or from before S3.
 * Because:   D1 reads what O2 wrote, so D2 sees O1. A later O1 stands behind O3: if D2 sees any of
 *            it, D5, behind D2 and the fence, sees O3, and a generation is used once. D3 reads what
 *            S2 wrote, so D4 sees S1 or S3. S4 stands before S5, and D5 behind D4. A task moves
 *            only between two waits: if D5 sees word and home of D2, D3 asked the right worker.
 * Without:   the second look, a dump gives a task the name and the stack of another; S1, a task
 *            that is about to wait is shown with its stack of an earlier wait, or, on a stack that
 *            it took over, of another task.
 * Tested by: tests/stress/dump.c
 *
 * The count of switches is a relaxed store: on a CPU that delays stores (aarch64) the stack of a
 * task that was ready, ran and is ready again may be mixed of two moments. The walk is bounded, so
 * that is all that can come of it.
 *
 * A record that stays locked is shown all the same, and marked: the thread that holds it may be the
 * one that a signal has interrupted, and what is stuck is what the dump is for.
 */
#include "runtime/trace/sight.h"

#include "runtime/base/clock.h"

enum { attempts = 4, looks_at_lock = 1000 };

/* D1. 0: nothing to see. */
static uint64_t look_at_life(const struct weft__record *record)
{
    uint64_t life = 0;

    for (int looks = 0; looks < looks_at_lock; looks++) {
        life = weft__load_acquire(&record->life); /* SIGHT D1 */
        if ((life & (WEFT__LIFE_FREE | WEFT__LIFE_ENDED)) != 0)
            return 0;
        if ((life & WEFT__LIFE_LOCKED) == 0)
            return life;
        weft__pause();
    }
    return life;
}

static bool is_same(const struct weft__task *task, uint64_t life)
{
    return weft__load_relaxed(&task->record.life) >> 32 == life >> 32; /* SIGHT D5 */
}

/* Times the home of a task has switched; what can't be read is not the same at the second look. */
static uint64_t switches_of(const struct weft__worker *home, struct weft__peek *peek)
{
    static _Atomic uint64_t unlike;
    uint64_t switches = 0;

    if (home == NULL || !WEFT__PEEK_FIELD(peek, home, counters.switches, &switches))
        switches = weft__add_relaxed(&unlike, 1);
    return switches;
}

static enum weft__sight_doing doing_of(const struct weft__task *copy, const struct weft__task *runs,
                                       const struct weft__task *task)
{
    uint64_t word = weft__load_relaxed(&copy->wait);

    if ((copy->flags & WEFT__TASK_FOREIGN) == 0) {
        if (weft__load_relaxed(&copy->seen) == WEFT__TASK_UNSEEN)
            return WEFT__SIGHT_FRESH;
        if (runs == task)
            return WEFT__SIGHT_RUNS;
    }
    return (word & WEFT__WAIT_STATES) == WEFT__WAIT_WAITING ? WEFT__SIGHT_WAITS : WEFT__SIGHT_READY;
}

static uint64_t ms_since(uint32_t since)
{
    uint32_t now = (uint32_t)(weft__clock_cycles() >> WEFT__CLOCK_COARSE);
    int32_t passed = (int32_t)(now - since);

    return passed > 0 ? weft__clock_coarse_ms(now - since) : 0; /* other CPUs may be a bit ahead */
}

/* Stack and time of a task that does not run. */
static void look_at_stack(const struct weft__stack *stack, struct weft__peek *peek,
                          struct weft__sight *sight)
{
    struct weft__stack copy;
    struct weft__walk_start start;

    if (stack == NULL || !weft__peek_copy(peek, stack, &copy, sizeof(copy)))
        return;
    sight->since = ms_since(copy.since);
    if (weft__walk_parked(peek, &copy, &start))
        weft__walk_peek(&start, peek, &sight->frames);
}

static void look_at_name(const struct weft__extras *extras, struct weft__peek *peek,
                         struct weft__sight *sight)
{
    if (extras == NULL || !weft__peek_copy(peek, extras->name, sight->name, sizeof(sight->name)))
        sight->name[0] = '\0';
}

/* D2 to D4. */
static void look(const struct weft__task *task, const struct weft__task *copy,
                 struct weft__roster *roster, struct weft__peek *peek, struct weft__sight *sight)
{
    const struct weft__worker *home = weft__load_relaxed(&copy->home);
    const struct weft__task *runs = NULL;

    sight->foreign = (copy->flags & WEFT__TASK_FOREIGN) != 0;
    sight->site = copy->site;
    sight->stack = copy->stack;
    sight->reason = weft__load_relaxed(&copy->reason);
    sight->descriptor = weft__load_relaxed(&copy->result);
    sight->post = home != NULL ? weft__roster_find(roster, home) : NULL;
    /* not by way of the roster, which lacks workers that have started since; D5 reads the home */
    if (home == NULL || !WEFT__PEEK_FIELD(peek, home, current, &runs))
        runs = task;
    weft__fence_store_load(); /* SIGHT D3, before D4 */
    sight->doing = doing_of(copy, runs, task);
    look_at_name(weft__load_relaxed(&copy->extras), peek, sight);
    if (!sight->foreign && sight->doing != WEFT__SIGHT_FRESH && sight->doing != WEFT__SIGHT_RUNS)
        look_at_stack(copy->stack, peek, sight);
}

/* D5. Whether the stack that was walked is one that the task had parked, at this home. */
static bool stood_still(const struct weft__task *task, const struct weft__task *copy,
                        const struct weft__sight *sight, uint64_t switches, struct weft__peek *peek)
{
    if (weft__load_relaxed(&task->home) != weft__load_relaxed(&copy->home))
        return false;
    if (sight->doing == WEFT__SIGHT_WAITS)
        return weft__load_relaxed(&task->wait) == weft__load_relaxed(&copy->wait);
    return sight->doing != WEFT__SIGHT_READY ||
           switches_of(weft__load_relaxed(&copy->home), peek) == switches;
}

bool weft__sight_take(struct weft__record *record, struct weft__roster *roster,
                      struct weft__peek *peek, struct weft__sight *out_sight)
{
    const struct weft__task *task = weft__task_of(record);
    struct weft__task copy;
    bool same = false;

    for (int attempt = 0; attempt < attempts; attempt++) {
        uint64_t life = look_at_life(record);
        if (life == 0 || !weft__peek_copy(peek, task, &copy, sizeof(copy)))
            return false;
        *out_sight = (struct weft__sight){ .task = task,
                                           .locked = (life & WEFT__LIFE_LOCKED) != 0,
                                           .canceled = (life & WEFT__LIFE_CANCELED) != 0,
                                           .frames.end = WEFT__WALK_NONE };
        out_sight->handle = weft__record_handle(&copy.record);
        uint64_t switches = switches_of(weft__load_relaxed(&copy.home), peek);
        look(task, &copy, roster, peek, out_sight);
        weft__fence_store_load(); /* SIGHT D5: full, and so orders the copies before it, too */
        same = is_same(task, life);
        if (same && out_sight->foreign && out_sight->doing != WEFT__SIGHT_WAITS)
            return false;
        if (same && stood_still(task, &copy, out_sight, switches, peek))
            return true;
    }
    out_sight->frames = (struct weft__frames){ .end = WEFT__WALK_NONE }; /* it never stands still */
    return same;
}
