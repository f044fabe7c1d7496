/*
 * Select: one ticket stands in a line of each case's object; whoever claims the wait word first
 * does the case in whose line he found it.
 *
 * Invariant: a select does exactly one case, or none when it returns an error. The commit point is
 * the claim of its wait word, by a partner or by itself:
 *   - before the ticket stands anywhere, an attempt is an ordinary operation under one lock;
 *   - from the first line on, nothing is done for it but by whoever has claimed the word. When the
 *     select finds a case ready while it still lines up, it claims the word itself (withdraws) and
 *     only then does that case, under the lock under which it saw it;
 *   - so two partners, or a partner and the select, can't both do one (PARK P2).
 *
 * ORDERING SELECT: no select waits while one of its cases can be done.
 *   select                                   partner
 *   S1 begins its wait (word = waiting)      Q1 locks the object of case i
 *   S2 for each case: locks the object,      Q2 looks for a waiter whose word it can claim;
 *      looks, stands in line, unlocks           none: leaves a message, takes its place in line,
 *   S3 parks                                    or marks the end; unlocks
 * Forbidden: S3 while the object of case i is ready and nobody will claim the word.
 * Because:   S2 and Q1 to Q2 exclude each other. Either S2 sees what Q2 left, or Q2 finds the
 *            ticket that S2 left and claims it: that may be before S3, which PARK allows.
 * Without:   the lock, both would look past each other and wait for ever.
 * Tested by: tests/stress/select.c
 *
 * Two selects may see each other in line, both withdraw, and both find that the other is gone: then
 * both begin anew (WEFT__SOURCE_AGAIN). They do so under the locks of two different objects or one
 * after the other; the next attempt begins at a case chosen by chance, so that each repetition has
 * to be timed anew. BOUND: a repetition needs a partner that withdrew in the same moment.
 *
 * REJECTED locks of all cases at once, in order of address, as Go has: with one of four cases ready
 * it takes four locks where one look and one lock do, and sources of other layers would need a
 * place in the order.
 */
#include <weft/select.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "runtime/base/random.h"
#include "runtime/sched/error.h"
#include "runtime/sched/thread.h"
#include "runtime/sync/source.h"
#include "runtime/sync/wait.h"

enum { few_tasks = 8 };

struct selection {
    struct weft__worker *worker;
    weft_case *cases;
    size_t count;
    bool timed;   /* some case comes by itself */
    int64_t now;  /* when timed; read before each look */
    size_t stood; /* so many cases have been lined up */
    size_t done;  /* the case that was done */
};

/* What select does with a case of kind OFF: nothing. */
static const struct weft__source *source_of(const weft_case *one)
{
    return one->kind == WEFT_CASE_KIND_OFF ? NULL : weft__source_of(one->kind);
}

static int look_over(struct selection *selection, const char *call)
{
    if (WEFT__UNLIKELY(weft__load_relaxed(&weft__record_forked)))
        return -EOWNERDEAD;
    WEFT_ASSERT(selection->cases != NULL || selection->count == 0, "%s: its argument cases is NULL",
                call);
    for (size_t i = 0; i < selection->count; i++) {
        const weft_case *one = &selection->cases[i];
        const struct weft__source *source = source_of(one);
        if (source == NULL && one->kind != WEFT_CASE_KIND_OFF)
            return -EINVAL;
        if (source != NULL && source->due != NULL)
            selection->timed = true;
    }
    return 0;
}

static bool peek(const struct selection *selection, size_t i)
{
    const struct weft__source *source = source_of(&selection->cases[i]);
    return source != NULL && source->peek(&selection->cases[i], selection->now);
}

/* A number below @bound, for workers and for threads. */
static size_t choose(struct weft__worker *worker, size_t bound)
{
    static _Atomic uint64_t calls;
    struct weft__random random;

    if (WEFT__LIKELY(worker != NULL))
        return weft__random_below(&worker->random, (uint32_t)bound);
    weft__random_init(&random, weft__add_relaxed(&calls, 1));
    (void)weft__random_next(&random);
    return weft__random_below(&random, (uint32_t)bound);
}

/* Chooses one of those that look ready, each as likely. False: none does. */
static bool choose_ready(const struct selection *selection, size_t *out_index)
{
    size_t ready = 0;

    for (size_t i = selection->count; i-- > 0;)
        if (peek(selection, i)) {
            ready++;
            *out_index = i;
        }
    if (ready <= 1)
        return ready == 1;
    size_t skip = choose(selection->worker, ready);
    for (size_t i = 0; i < selection->count; i++)
        if (peek(selection, i) && skip-- == 0) {
            *out_index = i;
            return true;
        }
    return true; /* one has gone meanwhile */
}

static bool attempt(const struct selection *selection, size_t i)
{
    weft_case *one = &selection->cases[i];
    const struct weft__source *source = source_of(one);

    return source != NULL && source->peek(one, selection->now) &&
           source->attempt(selection->worker, one, selection->now) == WEFT__SOURCE_DONE;
}

/* Does one of those that are ready, without waiting. */
static bool attempt_one(struct selection *selection)
{
    size_t first = 0;

    if (selection->timed)
        selection->now = weft__clock_now();
    if (!choose_ready(selection, &first))
        return false;
    size_t i = first;
    do {
        selection->done = i;
        if (attempt(selection, i))
            return true;
        i = i + 1 < selection->count ? i + 1 : 0;
    } while (i != first);
    return false;
}

/* S2, for all cases until one of them ends it. */
static enum weft__source_outcome stand_all(struct selection *selection, struct weft__ticket ticket)
{
    enum weft__source_outcome outcome = WEFT__SOURCE_NOT_READY;

    selection->stood = 0;
    while (selection->stood < selection->count && outcome == WEFT__SOURCE_NOT_READY) {
        weft_case *one = &selection->cases[selection->stood];
        const struct weft__source *source = source_of(one);
        if (source != NULL)
            outcome = source->stand(selection->worker, one, ticket, selection->now);
        if (outcome == WEFT__SOURCE_NOT_READY)
            selection->stood++;
    }
    return outcome;
}

/* Takes all that stand out of their lines. What a partner has made of one of them. */
static enum weft__source_outcome leave_all(struct selection *selection)
{
    enum weft__source_outcome outcome = WEFT__SOURCE_NOT_READY;

    for (size_t i = 0; i < selection->stood; i++) {
        weft_case *one = &selection->cases[i];
        const struct weft__source *source = source_of(one);
        enum weft__source_outcome served = source != NULL ? source->served(one)
                                                          : WEFT__SOURCE_NOT_READY;
        if (served != WEFT__SOURCE_NOT_READY) {
            outcome = served;
            selection->done = i;
        }
        if (source != NULL)
            source->leave(one);
    }
    return outcome;
}

/* The first point in time at which a case that stands comes by itself, but not after @until. */
static weft_deadline soonest(const struct selection *selection, weft_deadline until)
{
    for (size_t i = 0; selection->timed && i < selection->stood; i++) {
        const struct weft__source *source = source_of(&selection->cases[i]);
        int64_t due = source != NULL && source->due != NULL ? source->due(&selection->cases[i])
                                                            : INT64_MAX;
        if (due < until.ns)
            until.ns = due;
    }
    return until;
}

/* Lines up and waits. 0 when a case was done, -EAGAIN when all are to be tried again, or why the
 * wait ended. */
static int wait_once(struct selection *selection, struct weft__task *self, weft_deadline until)
{
    struct weft__ticket ticket = weft__park_begin(self, WEFT__REASON_SELECT);
    enum weft__source_outcome outcome = stand_all(selection, ticket);

    if (outcome == WEFT__SOURCE_DONE || outcome == WEFT__SOURCE_AGAIN) {
        size_t done = selection->stood;
        (void)leave_all(selection);
        selection->done = done;
        return outcome == WEFT__SOURCE_DONE ? 0 : -EAGAIN;
    }
    int rc = weft__park_commit(selection->worker, ticket, soonest(selection, until), 0);
    selection->worker = weft__self_worker(); /* a migratable task may have moved */
    outcome = leave_all(selection);
    WEFT_ASSERT((outcome == WEFT__SOURCE_NOT_READY) == (rc != 0), "task %s was woken by no case",
                weft__task_label(self));
    return outcome == WEFT__SOURCE_AGAIN ? -EAGAIN : rc;
}

ssize_t weft_select(weft_case *cases, size_t count, weft_deadline until)
{
    struct selection selection = { .worker = weft__self_worker(), .cases = cases, .count = count };
    bool late = until.ns <= 0;

    if (weft__wait_is_canceled(selection.worker))
        return -ECANCELED;
    int rc = look_over(&selection, __func__);
    if (rc < 0)
        return rc;
    while (!attempt_one(&selection)) {
        if (late)
            return -ETIMEDOUT;
        struct weft__task *self = weft__thread_or_task(selection.worker);
        if (self == NULL)
            return weft__error_outside();
        rc = wait_once(&selection, self, until);
        if (rc == 0)
            break;
        if (rc == -ETIMEDOUT) /* of a case, which is tried now, or of all */
            late = until.ns != INT64_MAX && weft__clock_now() >= until.ns;
        else if (rc != -EAGAIN)
            return rc;
    }
    return (ssize_t)selection.done;
}

ssize_t weft_try_select(weft_case *cases, size_t count)
{
    struct selection selection = { .worker = weft__self_worker(), .cases = cases, .count = count };
    int rc = look_over(&selection, __func__);

    if (rc < 0)
        return rc;
    return attempt_one(&selection) ? (ssize_t)selection.done : -EAGAIN;
}

ssize_t weft_wait_any(const weft_task *tasks, size_t count, weft_deadline until)
{
    weft_case few[few_tasks];
    weft_case *cases = few;

    if (count == 0)
        return weft__load_relaxed(&weft__record_forked) ? -EOWNERDEAD : -EINVAL;
    WEFT_NEED_BYTES(tasks, count);
    if (count > few_tasks) {
        cases = weft__memory_alloc(WEFT__NODE_LOCAL, count * sizeof(cases[0]));
        if (cases == NULL)
            return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++)
        cases[i] = WEFT_CASE_TASK(tasks[i]);
    ssize_t done = weft_select(cases, count, until);
    if (cases != few)
        weft__memory_free(cases, count * sizeof(cases[0]));
    return done;
}
