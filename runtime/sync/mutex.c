/*
 * Mutexes: one word says who owns the mutex and whether anybody waits. Lock and unlock without
 * contention are one compare-and-swap of it each, owner <-> 0.
 *
 *   [63] WOKEN   [62:32], [27:0] the owner's handle, 0: free   [31] WAITERS   [28] NESTED
 *
 * STATE mutex: free -> owned by any caller's compare-and-swap; owned -> free by its owner's unlock;
 * owned -> owned by the waiter that stands longest, by hand-off in the unlock. Terminal: none.
 *
 * LOCK mutex.lock: guards the line, WAITERS and WOKEN (which a woken waiter clears also by the step
 * that makes it the owner). Taken with no other lock held; never across a suspension.
 *
 * ORDERING MUTEX: a waiter in the line is never left there while the mutex is free.
 *   waiter                                   owner
 *   W1 under the lock: compare-and-swap of   U1 compare-and-swap owner -> 0, release, only when
 *      the word, owned -> owned + WAITERS;      WAITERS is not set
 *      or, when it is free, takes it         U2 else under the lock: claims the first waiter that
 *   W2 stands in the line, unlocks the lock     can be claimed; word = its handle (hand-off), or
 *   W3 sleeps                                   free + WOKEN, release; WAITERS as the line is
 *   W4 woken without the mutex: takes it     U3 WOKEN is set already: frees it, wakes nobody
 *      and clears WOKEN in one step, or
 *      W1 again, which clears WOKEN, and
 *      stands first
 * Forbidden: the mutex is free, a waiter stands in the line, and nobody is on the way to W4.
 * Because:   while the mutex is owned its word changes only under the lock, or by its owner. So W1
 *            comes before U1, which then fails, and U2 finds the waiter; or after it, and W1 finds
 *            the mutex free. Free and WAITERS therefore implies WOKEN, and WOKEN is cleared only by
 *            the woken one when it becomes the owner or has seen one, whose unlock then is U2.
 *            A waiter gives up (deadline, cancel) only by its own claim: one that U2 has claimed
 *            comes to W4, or owns the mutex and its lock call returns 0, cancelled or not.
 * Without:   the bit set before the sleep, U1 succeeds and the waiter sleeps on a free mutex.
 * Tested by: tests/stress/locks.c, tests/unit/mutex_test.c
 *
 * BOUND bypass: a waiter that runs when it is woken is passed over for at most 1 ms and one more
 * wake. It stands first again, its time kept, after each W4 that failed; one that fails after 1 ms
 * gets the mutex by the next U2. (Not by its age alone: a hand-off to a worker that sleeps leaves
 * the mutex idle until that runs. 76 ns became 64 with four tasks on two workers that shared their
 * CPUs with four busy processes, 31 without any hand-off.) One that is woken but does not run
 * (its worker computes) holds up those behind it for at most 2 ms and 64 sections: U3 looks at the
 * clock after 1, 2, 4 ... 64 sections, and then after each 64, and hands over to the next.
 *
 * The state machine uses nothing but the atomics of base/atomic.h, the line and the wait words.
 *
 * REJECTED hand-off always: each contended unlock costs a wake of another worker before anyone goes
 * on (design decision 18). REJECTED no WOKEN: each unlock wakes one more, all but one in vain.
 */
#include "runtime/sync/mutex.h"

#include <errno.h>

#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "runtime/base/lock.h"
#include "runtime/par/family.h"
#include "runtime/sync/line.h"
#include "runtime/sync/owner.h"

#define WAITERS (UINT64_C(1) << 31)
#define WOKEN (UINT64_C(1) << 63)
#define NESTED (UINT64_C(1) << 28) /* depth is not 0 */
#define OWNER (~(WAITERS | WOKEN | NESTED))

_Static_assert(WEFT__KIND_TASK == 1, "a task's handle leaves bit 28 free");

enum {
    longest_pause = 1024,
    sections_between_looks = 64,
    wary_sections = 1000,
    handed_over = 0, /* results of a claimed waiter */
    woken_to_try = 1
};

static const int64_t bypass_ns = WEFT__NS_PER_MS;

struct mutex {
    _Atomic uint64_t word;  /* (a:MUTEX) */
    struct weft__line line; /* (l) */
    struct weft__lock lock;
    uint32_t depth;        /* (o) locks of the owner beyond its first */
    uint32_t reentrant;    /* (i) */
    uint32_t sections;     /* (o) since WOKEN was set */
    _Atomic uint32_t wary; /* a hint: so many locks more look before they leap */
};

_Static_assert(sizeof(struct mutex) <= sizeof(weft_mutex), "it has no room");
_Static_assert(_Alignof(struct mutex) <= _Alignof(weft_mutex), "it stands askew");
_Static_assert(offsetof(struct mutex, reentrant) == 4 * sizeof(uint64_t), "the static initialiser");

/* One who waits; on its stack. */
struct standing {
    struct weft__waiter waiter;
    uint64_t id;
    int64_t since_ns; /* when it stood first; 0: not yet */
    bool woken;       /* it is the one whom WOKEN stands for */
    bool overdue;     /* was woken, and came too late, after bypass_ns */
};

static struct mutex *mutex_of(weft_mutex *mutex)
{
    return (struct mutex *)(void *)mutex;
}

static struct standing *standing_of(struct weft__waiter *waiter)
{
    return WEFT__CONTAINER(waiter, struct standing, waiter);
}

static inline bool is_free(uint64_t word)
{
    return (word & OWNER) == 0;
}

/* ---- lock ---- */

/* W4, or a first try: true when the mutex was free and is the caller's. */
static bool try_take(struct mutex *mutex, const struct standing *standing)
{
    uint64_t word = weft__load_relaxed(&mutex->word);

    while (is_free(word))
        if (weft__cas_acquire(&mutex->word, &word, /* MUTEX W4 */
                              (standing->woken ? word & ~WOKEN : word) | standing->id))
            return true;
    return false;
}

/*
 * Looks for up to 30 us whether the mutex comes free, while its owner can run meanwhile. Each
 * look takes the word's cache line from the owner, who may be about to lock again: so the looks
 * become rarer, and tasks that lock all the time take turns of hundreds of sections, not of one.
 */
static bool spin(struct mutex *mutex, const struct weft__worker *worker,
                 const struct standing *standing)
{
    for (int pauses = 1; pauses <= longest_pause; pauses *= 4) {
        if (try_take(mutex, standing))
            return true;
        if (!weft__owner_runs_beside(weft__load_relaxed(&mutex->word) & OWNER, worker))
            return false;
        for (int i = 0; i < pauses; i++)
            weft__pause();
    }
    return false;
}

static void stand_locked(struct mutex *mutex, struct standing *standing, struct weft__task *task)
{
    standing->waiter.ticket = weft__park_begin(task, WEFT__REASON_LOCK);
    if (standing->since_ns == 0) {
        standing->since_ns = weft__clock_now();
        weft__line_append(&mutex->line, &standing->waiter);
    } else {
        weft__line_prepend(&mutex->line, &standing->waiter);
        standing->overdue = weft__clock_now() - standing->since_ns >= bypass_ns;
    }
    standing->woken = false;
}

/* W1, W2. True: the mutex came free, and is the caller's. */
static bool take_or_stand(struct mutex *mutex, struct standing *standing, struct weft__task *task)
{
    uint64_t dropped = standing->woken ? WOKEN : 0;

    weft__lock_acquire(&mutex->lock); /* pairs with weft__lock_release */
    uint64_t word = weft__load_relaxed(&mutex->word);
    while (!weft__cas_acquire(&mutex->word, &word, /* MUTEX W1 */
                              (word & ~dropped) | (is_free(word) ? standing->id : WAITERS)))
        continue;
    bool taken = is_free(word);
    if (!taken)
        stand_locked(mutex, standing, task);
    weft__lock_release(&mutex->lock);
    return taken;
}

/* The wait has ended by deadline or cancel. */
static void leave(struct mutex *mutex, struct standing *standing)
{
    weft__lock_acquire(&mutex->lock); /* pairs with weft__lock_release */
    if (standing->waiter.line != NULL) {
        weft__line_remove(&standing->waiter);
        if (weft__line_first(&mutex->line) == NULL)
            (void)weft__and_release(&mutex->word, ~WAITERS); /* MUTEX: U1 may succeed again */
    }
    weft__lock_release(&mutex->lock);
}

static int wait_for(struct mutex *mutex, struct weft__worker *worker, struct weft__task *task,
                    weft_deadline until, unsigned manner)
{
    struct standing standing = { .id = weft__owner_id(task) };

    for (;;) {
        if (until.ns <= 0 && !standing.woken)
            return try_take(mutex, &standing) ? 0 : -ETIMEDOUT;
        if (spin(mutex, worker, &standing))
            return 0;
        if (weft__family_blocks(task, weft__load_relaxed(&mutex->word) & OWNER))
            return -EDEADLK;
        if (take_or_stand(mutex, &standing, task))
            return 0;
        weft_deadline next = weft__family_slice(task, until);
        int rc = weft__park_commit(worker, standing.waiter.ticket, next, manner); /* W3 */
        if (rc < 0)
            leave(mutex, &standing);
        if (rc == -ETIMEDOUT && next.ns < until.ns)
            continue;
        if (rc < 0)
            return rc;
        if (standing.waiter.result == handed_over)
            return 0;
        standing.woken = true;
        worker = weft__self_worker(); /* a migratable task may have moved */
    }
}

static void reenter(struct mutex *mutex)
{
    WEFT_ASSERT(mutex->depth < UINT32_MAX, "weft_mutex_lock: 2^32 times by one owner");
    if (mutex->depth++ == 0)
        (void)weft__or_relaxed(&mutex->word, NESTED);
}

WEFT__COLD static int lock_slowly(struct mutex *mutex, struct weft__worker *worker,
                                  weft_deadline until)
{
    int rc = 0;
    struct weft__task *task = weft__owner_self(worker, &rc);

    if (task == NULL)
        return rc;
    if (worker != NULL && weft__task_canceled(task))
        return -ECANCELED;
    if ((weft__load_relaxed(&mutex->word) & OWNER) != weft__owner_id(task))
        return wait_for(mutex, worker, task, until, 0);
    if (mutex->reentrant == 0)
        return -EDEADLK;
    reenter(mutex);
    return 0;
}

/*
 * Takes a mutex that is free. One that nobody else has wanted lately is guessed to be 0: a load
 * would wait for the compare-and-swap of the last unlock to drain (6.1 ns became 5.6 for lock and
 * unlock). A wrong guess takes the line from the owner, so after one the word is loaded for a
 * while.
 */
static inline bool take_at_once(struct mutex *mutex, uint64_t id)
{
    uint64_t word = 0;
    uint32_t wary = weft__load_relaxed(&mutex->wary);

    if (WEFT__LIKELY(wary == 0)) {
        if (WEFT__LIKELY(weft__cas_acquire(&mutex->word, &word, id))) /* MUTEX U1 */
            return true;
        weft__store_relaxed(&mutex->wary, wary_sections);
        return false;
    }
    word = weft__load_relaxed(&mutex->word);
    if (!is_free(word) || !weft__cas_acquire(&mutex->word, &word, word | id)) /* MUTEX U1, U2 */
        return false;
    weft__store_relaxed(&mutex->wary, wary - 1);
    return true;
}

int weft_mutex_lock(weft_mutex *mutex, weft_deadline until)
{
    struct weft__worker *worker = weft__self_worker_here();
    const struct weft__task *task = weft__worker_task(worker);

    WEFT_NEED(mutex);
    if (WEFT__LIKELY(task != NULL) && WEFT__LIKELY(!weft__load_relaxed(&weft__record_forked))) {
        uint64_t life = weft__load_relaxed(&task->record.life);
        if (WEFT__LIKELY((life & WEFT__LIFE_CANCELED) == 0) &&
            WEFT__LIKELY(take_at_once(mutex_of(mutex), weft__owner_id_of(task, life))))
            return 0;
    }
    return lock_slowly(mutex_of(mutex), worker, until);
}

int weft_mutex_try_lock(weft_mutex *mutex)
{
    int rc = 0;
    const struct weft__task *task = weft__owner_self(weft__self_worker(), &rc);

    WEFT_NEED(mutex);
    if (task == NULL)
        return rc;
    struct mutex *self = mutex_of(mutex);
    struct standing standing = { .id = weft__owner_id(task) };
    if (try_take(self, &standing))
        return 0;
    if (self->reentrant != 0 && (weft__load_relaxed(&self->word) & OWNER) == standing.id) {
        reenter(self);
        return 0;
    }
    weft__sim_point(WEFT__SIM_BACKOFF); /* or a loop around this call would have none */
    return -EAGAIN;
}

/* ---- unlock ---- */

/* A waiter is on its way, and it is not yet time to see for how long. */
static inline bool is_wake_under_way(struct mutex *mutex, uint64_t word)
{
    uint32_t sections = mutex->sections + 1;

    if ((word & WOKEN) == 0 || sections % sections_between_looks == 0 ||
        (sections & (sections - 1)) == 0)
        return false;
    mutex->sections = sections;
    return true;
}

/* U1, U3: frees the mutex if that wakes nobody. */
static bool free_quietly(struct mutex *mutex)
{
    uint64_t word = weft__load_relaxed(&mutex->word);

    while ((word & WAITERS) == 0 || is_wake_under_way(mutex, word))
        if (weft__cas_release(&mutex->word, &word, word & ~OWNER)) /* MUTEX U1, U3 */
            return true;
    return false;
}

/* Whether the first in line gets the mutex handed over. Behind a woken one its age decides; else it
 * must have come too late: then its worker is awake, and a hand-off costs no wake from sleep. */
static bool is_overdue(const struct mutex *mutex, uint64_t word)
{
    struct weft__waiter *first = weft__line_first(&mutex->line);

    if (first == NULL || (word & WOKEN) == 0)
        return first != NULL && standing_of(first)->overdue;
    return weft__clock_now() - standing_of(first)->since_ns >= bypass_ns;
}

/* U2. Returns the waiter to wake; NULL: none. */
static struct weft__waiter *pass_on_locked(struct mutex *mutex)
{
    uint64_t word = weft__load_relaxed(&mutex->word) & WOKEN;
    bool overdue = is_overdue(mutex, word);
    struct weft__waiter *next = NULL;

    mutex->sections++;
    if (overdue || word == 0)
        next = weft__line_claim(&mutex->line);
    if (weft__line_first(&mutex->line) != NULL)
        word |= WAITERS;
    if (next != NULL && overdue) {
        next->result = handed_over;
        word |= standing_of(next)->id;
    } else if (next != NULL) {
        next->result = woken_to_try;
        word |= WOKEN;
        mutex->sections = 0;
    }
    weft__store_release(&mutex->word, word); /* MUTEX U2; nobody else changes it meanwhile */
    return next;
}

/* Ends the ownership of the caller, whose depth is 0. */
static void pass_on(struct mutex *mutex, struct weft__worker *worker)
{
    if (free_quietly(mutex))
        return;
    weft__lock_acquire(&mutex->lock); /* pairs with weft__lock_release */
    struct weft__waiter *next = pass_on_locked(mutex);
    weft__lock_release(&mutex->lock);
    weft__line_wake(worker, next);
}

static void need_owner(const struct mutex *mutex, uint64_t id, const char *call)
{
    char text[WEFT__OWNER_TEXT] = "nobody";
    uint64_t owner = weft__load_relaxed(&mutex->word) & OWNER;

    if (WEFT__LIKELY(owner == id))
        return;
    if (owner != 0)
        weft__owner_describe(owner, text);
    weft__check_failed("only its owner may do that", "%s: the mutex is held by %s", call, text);
}

WEFT__COLD static int unlock_slowly(struct mutex *mutex, struct weft__worker *worker)
{
    int rc = 0;
    const struct weft__task *task = weft__owner_self(worker, &rc);

    if (task == NULL)
        return rc;
    need_owner(mutex, weft__owner_id(task), "weft_mutex_unlock");
    if (mutex->depth == 0)
        pass_on(mutex, worker);
    else if (--mutex->depth == 0)
        (void)weft__and_release(&mutex->word, ~NESTED); /* MUTEX: U1 may succeed again */
    return 0;
}

int weft_mutex_unlock(weft_mutex *mutex)
{
    struct weft__worker *worker = weft__self_worker_here();
    const struct weft__task *task = weft__worker_task(worker);

    WEFT_NEED(mutex);
    if (WEFT__LIKELY(task != NULL) && WEFT__LIKELY(!weft__load_relaxed(&weft__record_forked))) {
        uint64_t id = weft__owner_id_of(task, weft__load_relaxed(&task->record.life));
        uint64_t word = id; /* a guess, too: a load would wait for that of the lock */
        if (WEFT__LIKELY(weft__cas_release(&mutex_of(mutex)->word, &word, 0))) /* MUTEX U1 */
            return 0;
        if ((word & (OWNER | NESTED)) == id && is_wake_under_way(mutex_of(mutex), word) &&
            weft__cas_release(&mutex_of(mutex)->word, &word, word & ~OWNER)) /* MUTEX U3 */
            return 0;
    }
    return unlock_slowly(mutex_of(mutex), worker);
}

/* ---- for conditions ---- */

void weft__mutex_need_held(weft_mutex *mutex, const struct weft__task *task, const char *call)
{
    need_owner(mutex_of(mutex), weft__owner_id(task), call);
}

uint32_t weft__mutex_let_go(weft_mutex *mutex, struct weft__worker *worker)
{
    struct mutex *self = mutex_of(mutex);
    uint32_t depth = self->depth;

    self->depth = 0;
    if (depth > 0)
        (void)weft__and_release(&self->word, ~NESTED); /* MUTEX: still owned */
    pass_on(self, worker);
    return depth;
}

void weft__mutex_take_back(weft_mutex *mutex, struct weft__task *task, uint32_t depth)
{
    struct mutex *self = mutex_of(mutex);

    (void)wait_for(self, weft__self_worker(), task, WEFT_NEVER, WEFT__PARK_SHIELDED);
    self->depth = depth;
    if (depth > 0)
        (void)weft__or_relaxed(&self->word, NESTED);
}

/* ---- making and ending ---- */

void weft_mutex_init(weft_mutex *mutex, int reentrant)
{
    WEFT_NEED(mutex);
    *mutex = (weft_mutex)WEFT_MUTEX_INIT;
    mutex_of(mutex)->reentrant = reentrant != 0;
}

void weft_mutex_fini(weft_mutex *mutex)
{
    char text[WEFT__OWNER_TEXT] = "nobody, but a task waits for it";

    if (mutex == NULL || weft__load_relaxed(&weft__record_forked))
        return;
    struct mutex *self = mutex_of(mutex);
    weft__lock_acquire(&self->lock); /* pairs with the release of an unlock under way */
    uint64_t word = weft__load_acquire(&self->word); /* MUTEX U1 */
    weft__lock_release(&self->lock);
    if (!is_free(word))
        weft__owner_describe(word & OWNER, text);
    WEFT_ASSERT(word == 0, "weft_mutex_fini: the mutex is held by %s", text);
}

int weft_mutex_is_locked(const weft_mutex *mutex)
{
    WEFT_NEED(mutex);
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    return !is_free(weft__load_relaxed(&((const struct mutex *)(const void *)mutex)->word));
}
