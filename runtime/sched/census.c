/*
 * ORDERING CENSUS: any thread may look at any task, whatever its worker does to it meanwhile.
 *   census                                   owner
 *   C1 walks the record slabs, no list       O1 makes a record: locked until it is filled in
 *   C2 locks a record by its generation      O2 ends the task: ENDED under the lock
 *   C3 reads: what never changes after O1,   O3 changes its own lists and queues without a lock
 *      atomics, what the lock guards
 * Forbidden: C3 reads a record that is being filled in or that has gone to another task.
 * Because:   C2 is the lock of ORDERING LIFE (record.h), which O1 holds and O2 takes. The slabs are
 *            never unmapped. The scope of a task that has not ended is not freed, for it is pending
 *            there. The list of a task's open scopes is never read: it is its worker's (O3).
 * Without:   a walk down from the root scopes meets a list that a running task is changing.
 * Tested by: tests/unit/stop_test.c
 */
#include "runtime/sched/census.h"

#include <stdio.h>
#include <string.h>

#include "runtime/sched/scope.h"
#include "runtime/sched/site.h"

/* One task as it was at the moment of the look. */
struct sight {
    char name[WEFT_NAME];
    const void *site;
    int worker; /* where it runs; negative: it does not */
    bool fresh;
    bool held; /* for weft_task_start */
    bool waits;
    uint8_t reason;
    int32_t descriptor;
};

struct tally {
    const struct weft__runtime *runtime;
    char *text;
    size_t text_bytes;
    size_t length;
    uint32_t live;
    uint32_t named;
    bool parents; /* which of them to name now: those that wait for other tasks, or the others */
};

static void look_locked(const struct weft__task *task, struct sight *out_sight)
{
    const struct weft__worker *home = weft__load_relaxed(&task->home);
    uint64_t word = weft__load_relaxed(&task->wait);

    (void)snprintf(out_sight->name, sizeof(out_sight->name), "%s", weft__task_label(task));
    out_sight->site = task->site;
    out_sight->worker = home != NULL && weft__load_relaxed(&home->current) == task
                            ? (int)home->index
                            : -1;
    out_sight->fresh = weft__load_relaxed(&task->seen) == WEFT__TASK_UNSEEN;
    out_sight->held = weft__record_has(&task->record, WEFT__LIFE_HELD);
    out_sight->waits = (word & WEFT__WAIT_STATES) == WEFT__WAIT_WAITING;
    out_sight->reason = weft__load_relaxed(&task->reason);
    out_sight->descriptor = weft__load_relaxed(&task->result);
}

/* Whether the record is a live task of the runtime, and if so what it does. That of a thread is no
 * task, and has no scope. */
static bool look(const struct weft__runtime *runtime, struct weft__record *record,
                 struct sight *out_sight)
{
    uint64_t life = weft__load_relaxed(&record->life);

    if ((life & WEFT__LIFE_FREE) != 0 || !weft__record_lock_as(record, life >> 32))
        return false;
    const struct weft__task *task = weft__task_of(record);
    bool counts = !weft__record_has(record, WEFT__LIFE_ENDED) &&
                  (task->flags & WEFT__TASK_FOREIGN) == 0 && task->scope->runtime == runtime;
    if (counts)
        look_locked(task, out_sight);
    weft__record_unlock(record);
    return counts;
}

static void describe(const struct sight *sight, char *text, size_t text_bytes)
{
    char site[128];
    char doing[64];

    weft__site_describe(sight->site, site, sizeof(site));
    if (sight->worker >= 0)
        (void)snprintf(doing, sizeof(doing), "runs on worker %d", sight->worker);
    else if (sight->fresh)
        (void)snprintf(doing, sizeof(doing), "has not started");
    else if (sight->waits)
        weft__task_wait_text(sight->reason, sight->descriptor, doing, sizeof(doing));
    else
        (void)snprintf(doing, sizeof(doing), "is ready to run");
    (void)snprintf(text, text_bytes, "%s (spawned at %s) %s", sight->name, site, doing);
}

static bool waits_for_tasks(const struct sight *sight)
{
    return sight->waits &&
           (sight->reason == WEFT__REASON_SCOPE || sight->reason == WEFT__REASON_JOIN);
}

/* Names it if there is room, leaving some for "and 4294967295 more". */
static void name_it(struct tally *tally, const struct sight *sight)
{
    enum { rest = 24 };
    char text[240];

    if (tally->named == WEFT__CENSUS_NAMED || waits_for_tasks(sight) != tally->parents)
        return;
    describe(sight, text, sizeof(text));
    if (tally->length + strlen(text) + rest > tally->text_bytes)
        return;
    tally->length += (size_t)snprintf(tally->text + tally->length,
                                      tally->text_bytes - tally->length, "%s%s",
                                      tally->named > 0 ? ", " : "", text);
    tally->named++;
}

struct walk {
    const struct weft__runtime *runtime;
    bool (*visit)(void *context, const struct sight *sight);
    void *context;
};

static bool walk_on(void *context, struct weft__record *record)
{
    const struct walk *walk = context;
    struct sight sight;

    return !look(walk->runtime, record, &sight) || walk->visit(walk->context, &sight);
}

/* Shows all live tasks of @runtime, until @visit has seen enough. False then. */
static bool walk_all(const struct weft__runtime *runtime,
                     bool (*visit)(void *context, const struct sight *sight), void *context)
{
    struct walk walk = { runtime, visit, context };
    return weft__record_each(WEFT__KIND_TASK, walk_on, &walk);
}

static bool count_one(void *context, const struct sight *sight)
{
    struct tally *tally = context;

    tally->live++;
    name_it(tally, sight);
    return true;
}

static void count_all(struct tally *tally)
{
    tally->live = 0;
    (void)walk_all(tally->runtime, count_one, tally);
}

uint32_t weft__census_take(const struct weft__runtime *runtime, char *text, size_t text_bytes)
{
    struct tally tally = { .runtime = runtime, .text = text, .text_bytes = text_bytes };

    text[0] = '\0';
    count_all(&tally);
    if (tally.named < WEFT__CENSUS_NAMED) {
        tally.parents = true;
        count_all(&tally);
    }
    if (tally.live > tally.named && text_bytes > tally.length)
        (void)snprintf(text + tally.length, text_bytes - tally.length, "%s%u more",
                       tally.named > 0 ? " and " : "", tally.live - tally.named);
    return tally.live;
}

struct waits {
    bool (*counts)(unsigned reason);
    uint32_t live;
};

static bool waits_so(void *context, const struct sight *sight)
{
    struct waits *waits = context;

    waits->live++;
    return sight->held || (sight->waits && waits->counts(sight->reason));
}

bool weft__census_all_wait(const struct weft__runtime *runtime, bool (*counts)(unsigned reason))
{
    struct waits waits = { .counts = counts };

    return walk_all(runtime, waits_so, &waits) && waits.live > 0;
}
