/*
 * Children that are offered to other workers. Whoever takes one runs it as a task in a scope of the
 * strand's, on a stack of its own.
 *
 * ORDERING SHARE: the owner goes on when the child is over, and never before.
 *   owner, at the join                       taker, when the child's task has ended
 *   W1 its wait begins; ticket stored        T1 stores result
 *   W2 compare-and-swap open -> awaited      T2 swap to done; if it was awaited:
 *   W3 if that failed: withdraws, done       T3 claims the ticket, makes the owner ready
 *   W4 else parks
 * Forbidden: the owner parks and nobody claims its ticket; T3 reads a ticket that is not stored;
 *            the taker touches the share after the owner has freed it.
 * Because:   W2 and T2 change one word: either W2 is first, then T2 sees awaited, and with it the
 *            ticket (release W2, acquire T2), and the owner sleeps until T3; or T2 is first, W2
 *            fails, sees the result (release T2, acquire W2), and T2 was the taker's last touch.
 * Without:   the word, a taker would have to ask whether somebody sleeps: ORDERING SLEEP again.
 * Tested by: tests/stress/forks.c, tests/explore/cases/fork.c
 *
 * The hook of T1 to T3 runs when the scope has counted the task's end. So when all children of a
 * strand are joined, nothing in its scope is pending, and the strand can go.
 *
 * Rules that let a child wait (design 17), and where they are kept:
 *   - what runs on the owner's stack is the child that it joins and nothing else: weft_fork_join
 *     calls no other; a worker takes offers in its loop alone, each on a stack of its own. So no
 *     body stands on top of one that it may be waiting for.
 *   - a task that waits has nothing that only it could begin: weft__share_offer_all before each
 *     wait (forks.h), and its own worker takes such offers too (search.c).
 *
 * BOUND stacks: a worker takes an offer only when none of its tasks is ready. Then each stack that
 * it has begun for one waits, for a child that was taken (whose chain of takers ends at a body that
 * runs or is ready) or for what the program waits for itself. Children that wait for nothing but
 * their own joins therefore occupy, at any time, at most workers times depth of forks stacks
 * (tests/unit/fork_join_test.c counts them), and for those that wait the program knows how many.
 */
#include "runtime/par/share.h"

#include <string.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/par/fork.h"
#include "runtime/sched/error.h"
#include "runtime/sched/search.h"

/* ---- the taker ---- */

static struct weft__share *share_of(struct weft__hook *hook)
{
    return WEFT__CONTAINER(WEFT__CONTAINER(hook, struct weft__offer, hook), struct weft__share,
                           offer);
}

/* What the child has said of its failure goes to whoever has forked it, with its code. */
static void keep_error(struct weft__share *share, const struct weft__task *task)
{
    const struct weft__extras *extras = weft__task_extras_of(task);

    if (extras == NULL || extras->error.code == 0)
        return;
    share->error = weft__memory_alloc(WEFT__NODE_LOCAL, sizeof(*share->error));
    if (share->error != NULL)
        *share->error = extras->error;
}

/* The body of the taker's task. */
static int run_child(void *argument)
{
    struct weft__share *share = argument;
    struct weft__task *task = weft__worker_task(weft__self_worker());
    struct weft__strand *strand = weft__strand_make(task);

    if (strand == NULL)
        return -ENOMEM;
    strand->from = share;
    weft__fork_adopt(strand);
    share->ran = true;
    share->result = share->fn(&strand->face, share->argument);
    if (weft__strand_outstanding(strand))
        weft_fork_abandoned(&strand->face);
    keep_error(share, task);
    return 0;
}

/* T1 to T3. */
static void child_ended(struct weft__hook *hook, int result)
{
    struct weft__share *share = share_of(hook);
    struct weft__strand *strand = share->strand;
    uint32_t state = share->ran ? WEFT__SHARE_DONE : WEFT__SHARE_RETURNED;

    (void)result;
    if (weft__swap_acqrel(&share->state, state) != WEFT__SHARE_AWAITED) /* SHARE T2 */
        return;
    struct weft__ticket ticket = strand->ticket;
    if (weft__park_claim(ticket, WEFT__WAIT_WOKEN)) /* SHARE T3 */
        weft__park_ready(weft__self_worker(), ticket.task);
}

/* ---- the owner ---- */

/* The scope of the children that are taken. It keeps nothing of them, and is cancelled with the
 * task; nobody has its handle. */
static bool have_scope(struct weft__worker *worker, struct weft__strand *strand)
{
    struct weft__task *task = strand->task;

    if (strand->scope != NULL)
        return true;
    struct weft__scope *scope = weft__scope_make(worker->runtime, &worker->records);
    if (scope == NULL)
        return false;
    scope->owner = task;
    scope->shielded = task->shields != 0;
    scope->site = task->site;
    scope->due_ns = task->scope->due_ns;
    scope->policy = WEFT_RUN_ALL;
    scope->forget = true;
    scope->kept = WEFT__SCOPE_KEPT;
    weft__list_append(&task->scopes, &scope->open);
    if (weft__task_canceled(task))
        weft__record_set_locked(&scope->record, WEFT__LIFE_CANCELED);
    weft__record_unlock(&scope->record);
    strand->scope = scope;
    return true;
}

static void fill_offer(struct weft__share *share, struct weft__strand *strand)
{
    struct weft__task *task = strand->task;

    share->offer = (struct weft__offer){ .shielded = weft__task_shielded(task),
                                         .stack_class = task->stack_class,
                                         .face = weft__task_face(task),
                                         .scope = strand->scope,
                                         .fn = run_child,
                                         .argument = share,
                                         .hook = { .run = child_ended, .last = true } };
}

static bool offer_one(struct weft__worker *worker, struct weft__strand *strand)
{
    struct weft__mark before = strand->shared;
    weft_fork_entry *entry = weft__strand_next_waiting(strand);

    if (entry == NULL)
        return false;
    struct weft__share *share = NULL;
    if (have_scope(worker, strand))
        share = weft__memory_alloc(WEFT__NODE_LOCAL, sizeof(*share));
    if (share == NULL) {
        strand->shared = before;
        return false;
    }
    share->strand = strand;
    share->fn = entry->fn;
    share->argument = entry->argument;
    fill_offer(share, strand);
    entry->shared = share;
    entry->state = WEFT__STRAND_SHARED;
    weft__offer_put(worker, &share->offer);
    return true;
}

bool weft__share_offer(struct weft__worker *worker, struct weft__strand *strand)
{
    bool offered = offer_one(worker, strand);

    if (offered)
        weft__search_announce(worker->team, worker);
    return offered;
}

void weft__share_offer_all(struct weft__worker *worker, struct weft__strand *strand)
{
    bool offered = false;

    while (offer_one(worker, strand))
        offered = true;
    if (offered)
        weft__search_announce(worker->team, worker);
}

static bool is_over(uint32_t state)
{
    return state == WEFT__SHARE_DONE || state == WEFT__SHARE_RETURNED;
}

/* Looks for as long as a hop to another task and back would take, when there is none to hop to. */
static uint32_t look_a_while(struct weft__worker *worker, struct weft__share *share)
{
    enum { looks = 64 };
    uint32_t state = weft__load_acquire(&share->state); /* pairs with SHARE T2 */

    for (int i = 0; i < looks && !is_over(state) && weft__step_is_alone(worker); i++) {
        weft__pause();
        state = weft__load_acquire(&share->state); /* pairs with SHARE T2 */
    }
    return state;
}

/* W1 to W4. Neither cancel nor deadline ends the wait: the child has memory of the owner. */
static void wait_for(struct weft__strand *strand, struct weft__share *share)
{
    struct weft__worker *worker = weft__self_worker();
    uint32_t state = look_a_while(worker, share);

    if (is_over(state))
        return;
    weft__store_release(&strand->awaited, share); /* pairs with weft__family_blocks */
    strand->ticket = weft__park_begin(strand->task, WEFT__REASON_FORK); /* SHARE W1 */
    state = WEFT__SHARE_OPEN;
    if (weft__cas_acqrel(&share->state, &state, WEFT__SHARE_AWAITED)) /* SHARE W2 */
        (void)weft__park_commit(worker, strand->ticket, WEFT_NEVER, WEFT__PARK_SHIELDED);
    else
        (void)weft__park_withdraw(strand->ticket); /* SHARE W3 */
    weft__store_relaxed(&strand->awaited, NULL);
}

/* The child's sentence becomes the task's. */
static void adopt_error(struct weft__strand *strand, struct weft__share *share)
{
    if (share->error == NULL)
        return;
    struct weft__extras *extras = weft__task_extras(strand->task, 0);
    if (extras != NULL)
        extras->error = *share->error;
    weft__memory_free(share->error, sizeof(*share->error));
}

bool weft__share_end(struct weft__strand *strand, int *out_result)
{
    weft_fork_entry *entry = strand->face.head - 1;
    struct weft__share *share = entry->shared;
    bool ran = false;

    if (!weft__offer_withdraw(&share->offer)) {
        wait_for(strand, share);
        ran = weft__load_acquire(&share->state) == WEFT__SHARE_DONE; /* pairs with SHARE T2 */
        if (ran)
            *out_result = share->result;
        adopt_error(strand, share);
    }
    weft__strand_unshare_last(strand);
    weft__memory_free(share, sizeof(*share));
    return ran;
}
