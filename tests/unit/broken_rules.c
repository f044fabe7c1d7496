/*
 * Programs that break the rules of weft-locks(7), and the same with the rule kept, for the test of
 * what is said about them: broken_rules RULE, or broken_rules RULE kept.
 * "sanitizer" prints what this build was made for. A sanitizer speaks for itself; else a line says
 * what went wrong, or that nothing did.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>

#include "runtime/base/compiler.h"

enum { rounds = 2000 };

static bool kept; /* the rule is kept */

/* Both run at once, on two workers that stay their own. */
static int run_apart(weft_task_fn first, weft_task_fn second)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)weft_spawn(
        scope, first, NULL,
        &WEFT_SPAWN_OPTIONS(.name = "first", .place = weft_place_worker(0), .pinned = 1));
    (void)weft_spawn(
        scope, second, NULL,
        &WEFT_SPAWN_OPTIONS(.name = "second", .place = weft_place_worker(1), .pinned = 1));
    return weft_scope_close(scope);
}

/* Both take turns on the worker of the caller. */
static int run_together(weft_task_fn fn, int *arguments)
{
    const weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_together());
    weft_scope scope = weft_scope_open(NULL);

    (void)weft_spawn(scope, fn, &arguments[0], &options);
    (void)weft_spawn(scope, fn, &arguments[1], &options);
    return weft_scope_close(scope);
}

static int tell(bool wrong, const char *what)
{
    (void)printf("%s\n", wrong ? what : "nothing went wrong");
    return 0;
}

/* ---- message: what has been sent is the taker's ---- */

static weft_chan letters;
static uint64_t pages[rounds];
static uint64_t read_sum;

static int send_letters(void *argument)
{
    (void)argument;
    for (int i = 0; i < rounds; i++) {
        uint64_t *page = &pages[i];
        *page = 1;
        int rc = weft_chan_put(letters, &page, WEFT_NEVER);
        if (rc < 0)
            return rc;
        if (!kept)
            *page = 2;
    }
    return 0;
}

static int read_letters(void *argument)
{
    uint64_t *page;

    (void)argument;
    for (int i = 0; i < rounds; i++) {
        int rc = weft_chan_take(letters, &page, WEFT_NEVER);
        if (rc < 0)
            return rc;
        read_sum += *page;
    }
    return 0;
}

static int run_message(void)
{
    letters = weft_chan_create(sizeof(uint64_t *), 64);
    int rc = run_apart(send_letters, read_letters);
    (void)weft_chan_release(letters);
    return rc < 0 ? rc : tell(read_sum != rounds, "a page was read after it was written again");
}

/* ---- flag: it is atomic, or under a lock ---- */

enum { flags = 200 };

static int plain_flag;
static atomic_int flag;
static atomic_int flag_seen; /* says nothing of order: it only keeps the two at it */

static int raise_flag(void *argument)
{
    (void)argument;
    for (int i = 1; i <= flags; i++) {
        if (kept)
            atomic_store_explicit(&flag, i, memory_order_release); /* pairs with look_at_flag */
        else
            plain_flag = i;
        while (atomic_load_explicit(&flag_seen, memory_order_relaxed) < i)
            (void)weft_yield();
    }
    return 0;
}

static int look_at_flag(void *argument)
{
    (void)argument;
    for (int i = 1; i <= flags; i++) {
        while ((kept ? atomic_load_explicit(&flag, memory_order_acquire) : plain_flag) < i)
            (void)weft_yield();
        atomic_store_explicit(&flag_seen, i, memory_order_relaxed);
    }
    return 0;
}

static int run_flag(void)
{
    int rc = run_apart(look_at_flag, raise_flag);
    return rc < 0 ? rc : tell(false, "");
}

/* ---- guard: reading takes the lock too ---- */

static weft_mutex guard = WEFT_MUTEX_INIT;
static uint64_t guarded;
static atomic_bool reading_ends;

static int write_guarded(void *argument)
{
    (void)argument;
    while (!atomic_load_explicit(&reading_ends, memory_order_relaxed)) {
        int rc = weft_mutex_lock(&guard, WEFT_NEVER);
        if (rc < 0)
            return rc;
        guarded++;
        weft_mutex_unlock(&guard);
        (void)weft_poll();
    }
    return 0;
}

/* Goes on until it has seen that the other one writes meanwhile. */
static int read_guarded(void *argument)
{
    uint64_t last = 0;

    (void)argument;
    for (int changes = 0; changes < rounds / 10;) {
        int rc = kept ? weft_mutex_lock(&guard, WEFT_NEVER) : 0;
        if (rc < 0)
            return rc;
        uint64_t before = last;
        last = guarded;
        if (kept)
            weft_mutex_unlock(&guard);
        changes += last != before ? 1 : 0;
        (void)weft_yield();
    }
    atomic_store_explicit(&reading_ends, true, memory_order_relaxed);
    return 0;
}

static int run_guard(void)
{
    int rc = run_apart(write_guarded, read_guarded);
    return rc < 0 ? rc : tell(false, "");
}

/* ---- together: to oneself between two waits, not across one ---- */

static uint64_t shared_count;

static int count_across_wait(void *argument)
{
    (void)argument;
    uint64_t seen = shared_count;
    if (!kept)
        (void)weft_yield();
    shared_count = seen + 1;
    return 0;
}

static int run_turns(void)
{
    int arguments[2] = { 0, 0 };
    int rc = run_together(count_across_wait, arguments);
    return rc < 0 ? rc : tell(shared_count != 2, "an addition was lost");
}

/* ---- spin: a spin lock is not held across a wait ---- */

static weft_spinlock spin = WEFT_SPINLOCK_INIT;

static int hold_spinlock(void *argument)
{
    (void)argument;
    int rc = weft_spinlock_lock(&spin);
    if (rc < 0)
        return rc;
    if (!kept)
        rc = weft_sleep(weft_after(WEFT_MILLISECOND));
    weft_spinlock_unlock(&spin);
    return rc;
}

static int run_spin(void)
{
    int rc = run_apart(hold_spinlock, hold_spinlock);
    return rc < 0 ? rc : tell(false, "");
}

/* ---- foreign: nor is a lock of pthreads, which is the thread's ---- */

static pthread_mutex_t foreign;
static int foreign_owner; /* 0: none */
static bool foreign_entered;

/* A recursive one lets in whoever comes on the same thread. */
static int hold_foreign(void *argument)
{
    const int *self = argument;

    if (pthread_mutex_lock(&foreign) != 0)
        return -EDEADLK;
    foreign_entered |= foreign_owner != 0;
    foreign_owner = *self;
    if (!kept)
        (void)weft_yield();
    foreign_owner = 0;
    (void)pthread_mutex_unlock(&foreign);
    return 0;
}

static int run_foreign(void)
{
    int names[2] = { 1, 2 };
    pthread_mutexattr_t kind;

    if (pthread_mutexattr_init(&kind) != 0 ||
        pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE) != 0 ||
        pthread_mutex_init(&foreign, &kind) != 0)
        return -ENOMEM;
    int rc = run_together(hold_foreign, names);
    (void)pthread_mutex_destroy(&foreign);
    (void)pthread_mutexattr_destroy(&kind);
    return rc < 0 ? rc : tell(foreign_entered, "two tasks held one lock");
}

/* ---- order: several locks are taken in one order ---- */

static weft_mutex left = WEFT_MUTEX_INIT;
static weft_mutex right = WEFT_MUTEX_INIT;
static weft_barrier both;

static int take_both(weft_mutex *one, weft_mutex *other)
{
    int rc = weft_mutex_lock(one, WEFT_NEVER);
    if (rc < 0)
        return rc;
    if (!kept)
        rc = weft_barrier_wait(&both, WEFT_NEVER); /* each has its first one */
    if (rc >= 0)
        rc = weft_mutex_lock(other, WEFT_NEVER);
    if (rc >= 0)
        weft_mutex_unlock(other);
    weft_mutex_unlock(one);
    return rc < 0 ? rc : 0;
}

static int take_left_first(void *argument)
{
    (void)argument;
    return take_both(&left, &right);
}

static int take_right_first(void *argument)
{
    (void)argument;
    return kept ? take_both(&left, &right) : take_both(&right, &left);
}

static int run_order(void)
{
    int rc = weft_barrier_init(&both, 2);
    if (rc < 0)
        return rc;
    rc = run_apart(take_left_first, take_right_first);
    weft_barrier_fini(&both);
    return rc < 0 ? rc : tell(false, "");
}

/* ---- local: a thread-local variable is the worker's; errno is one ---- */

static _Thread_local int thread_own;
static weft_local task_own;
static bool met_other;

static int keep_own(void *argument)
{
    int *self = argument;
    int rc = kept ? weft_local_set(task_own, self) : 0;

    if (rc < 0)
        return rc;
    thread_own = *self;
    (void)weft_yield();
    met_other |= kept ? weft_local_get(task_own) != self : thread_own != *self;
    return 0;
}

static int run_local(void)
{
    int names[2] = { 1, 2 };

    task_own = weft_local_create(NULL);
    int rc = run_together(keep_own, names);
    (void)weft_local_release(task_own);
    return rc < 0 ? rc : tell(met_other, "a task met what another had written");
}

static int fail_somehow(void *argument)
{
    const int *self = argument;

    errno = *self;
    int seen = errno;
    (void)weft_yield();
    met_other |= (kept ? seen : errno) != *self;
    return 0;
}

static int run_errno(void)
{
    int numbers[2] = { EPERM, ENOENT };
    int rc = run_together(fail_somehow, numbers);
    return rc < 0 ? rc : tell(met_other, "a task met what another had written");
}

/* ---- pair: two atomic variables do not change as one ---- */

static atomic_ullong halves[2];
static weft_seqlock pair_lock = WEFT_SEQLOCK_INIT;
static uint64_t pair[2]; /* behind it */
static atomic_bool torn_ends;
static bool torn;

static void write_pair_once(uint64_t value)
{
    const uint64_t both_values[2] = { value, value };

    if (kept) {
        (void)weft_seqlock_store(&pair_lock, pair, both_values, sizeof(pair));
        return;
    }
    atomic_store_explicit(&halves[0], value, memory_order_relaxed);
    atomic_store_explicit(&halves[1], value, memory_order_relaxed);
}

static int write_pair(void *argument)
{
    (void)argument;
    for (uint64_t i = 1; !atomic_load_explicit(&torn_ends, memory_order_relaxed); i++) {
        write_pair_once(i);
        (void)weft_poll();
    }
    return 0;
}

static bool read_torn(void)
{
    uint64_t seen[2] = { 0, 0 };

    if (kept) {
        (void)weft_seqlock_load(&pair_lock, seen, pair, sizeof(pair));
    } else {
        seen[0] = atomic_load_explicit(&halves[0], memory_order_relaxed);
        seen[1] = atomic_load_explicit(&halves[1], memory_order_relaxed);
    }
    return seen[0] != seen[1];
}

/* As it is broken, it shows at some time. */
static int read_pair(void *argument)
{
    (void)argument;
    for (int i = 0; kept ? i < rounds : !torn; i++) {
        torn |= read_torn();
        (void)weft_poll();
    }
    atomic_store_explicit(&torn_ends, true, memory_order_relaxed);
    return 0;
}

static int run_pair(void)
{
    int rc = run_apart(write_pair, read_pair);
    return rc < 0 ? rc : tell(torn, "the two were read as they never were");
}

static const struct {
    const char *rule;
    int (*run)(void);
} programs[] = {
    { "message", run_message }, { "flag", run_flag },   { "guard", run_guard },
    { "turns", run_turns },     { "spin", run_spin },   { "foreign", run_foreign },
    { "order", run_order },     { "local", run_local }, { "errno", run_errno },
    { "pair", run_pair },
};

static int (*chosen)(void);

static int app(void *argument)
{
    (void)argument;
    return chosen();
}

/* A deadlock is said once, and then nothing more would happen. */
static void say(void *context, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "%s\n", text);
    if (strstr(text, "deadlock") != NULL)
        _exit(3);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "sanitizer") == 0)
        return puts(WEFT__ASAN ? "asan" : WEFT__TSAN ? "tsan" : "none") < 0 ? 99 : 0;
    kept = argc == 3 && strcmp(argv[2], "kept") == 0;
    for (size_t i = 0; i < WEFT__COUNT(programs); i++)
        if (argc >= 2 && strcmp(argv[1], programs[i].rule) == 0)
            chosen = programs[i].run;
    if (chosen == NULL || (argc == 3 && !kept) || argc > 3)
        return 99;
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = 2, .report = say);
    return weft_main(argc, argv, app, &options);
}
