/*
 * A task that runs over the end of its stack meets the guard and the kernel sends SIGSEGV. Nobody
 * could tell it from another fault, and there is no stack left to run a handler on. So workers have
 * an alternate signal stack, and a handler that finds out whose guard it was, has one notice given,
 * and lets the fault go on as if there were no handler: to the handler that was there before, or to
 * the default action at the same instruction, with the same registers, status and core.
 *
 * What may be done in the handler. The task may have been stopped anywhere: inside malloc, inside
 * stdio, with a lock of the C library held. So the handler makes no sentence and calls nobody: it
 * reads records, copies the facts and wakes a thread (futex, all of it async-signal-safe). That
 * thread makes the sentence and calls the report callback as for any notice, so a callback need not
 * know of signals. If the callback needs the very lock that the task holds, it waits for ever; so
 * the handler waits for it with a limit, and then the process dies without the sentence.
 * BOUND the wait of the handler: patience_ns; when it is over the fault goes on, unsaid.
 *
 * ORDERING OVERFLOW: a notice tells one fault, whole.
 *   handler                                  teller
 *   H1 state: IDLE -> FILLING, or waits      T1 waits until state is FULL, acquire
 *   H2 writes the facts                      T2 reads the facts, calls the callback
 *   H3 state = FULL, release; wakes          T3 state = IDLE, release; wakes
 *   H4 waits while state is FULL
 * Forbidden: T2 reads facts that a second fault is writing.
 * Because:   H1 needs IDLE, which T3 alone sets after T2.
 * Without:   two tasks that overflow at once are told as one that never was.
 * Tested by: tests/unit/overflow_test.c
 *
 * LOCK process.lock rank leaf: guards users, installed and before; never across suspension
 *
 * SIGSEGV belongs to the program. It is taken when the first runtime starts that has a report, and
 * given back when the last one ends, if it still is ours then. A handler that the program has set
 * since stays; it may have ours as the one to go on to, so ours stays good for that, and is not set
 * above it again: each would call the other for ever.
 *
 * REJECTED SIGBUS too: neither PROT_NONE nor a guard marker raises it on Linux.
 * REJECTED calling the callback in the handler: a callback that allocates or logs would deadlock.
 * REJECTED finding the task by a pointer that each switch keeps: a store for each, for one fault.
 */
#include "runtime/sched/overflow.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "runtime/base/clock.h"
#include "runtime/base/sys.h"
#include "runtime/sched/launch.h"
#include "runtime/sched/site.h"
#include "runtime/task/guard.h"

enum {
    patience_ns = 1000000000,
    page_bytes = 4096,
    handler_bytes = 64 * 1024 /* beside the registers; for handlers of the program too */
};

static struct {
    struct weft__lock lock;
    uint32_t users;          /* (l) runtimes that want it */
    bool installed;          /* (l) */
    struct sigaction before; /* (i) while installed */
    _Atomic bool spent;      /* before is to be called once, and was (SA_RESETHAND) */
} process;

/* ---- the handler ---- */

static uintptr_t stack_pointer_of(const void *context)
{
    const ucontext_t *machine = context;
#if defined(__x86_64__)
    return (uintptr_t)machine->uc_mcontext.gregs[REG_RSP];
#else
    return (uintptr_t)machine->uc_mcontext.sp;
#endif
}

static bool is_in_guard(const struct weft__stack *stack, uintptr_t address)
{
    return stack->guarded && address < (uintptr_t)stack->low &&
           address >= (uintptr_t)stack->low - WEFT__GUARD_BYTES;
}

/* Whether a thread with this stack pointer runs on @stack, or just below it. */
static bool runs_on(const struct weft__stack *stack, uintptr_t pointer)
{
    return pointer <= (uintptr_t)stack->top && pointer >= (uintptr_t)stack->low - WEFT__GUARD_BYTES;
}

/*
 * The live task of @worker whose stack is meant, if this record is one. Its stack was not unmapped:
 * it is of this runtime, one of whose workers runs here; and it was read whole, because the record
 * had the same life before and after.
 */
static struct weft__task *match(struct weft__record *record, const struct weft__worker *worker,
                                uintptr_t address, uintptr_t pointer)
{
    uint64_t life = weft__load_acquire(&record->life); /* LIFE, as a reader without the lock */
    struct weft__task *task = weft__task_of(record);

    if ((life & (WEFT__LIFE_FREE | WEFT__LIFE_LOCKED | WEFT__LIFE_ENDED)) != 0 ||
        weft__load_relaxed(&task->home) != worker)
        return NULL;
    const struct weft__stack *stack = task->stack;
    if (weft__load_acquire(&record->life) != life || stack == NULL) /* LIFE */
        return NULL;
    return is_in_guard(stack, address) && runs_on(stack, pointer) ? task : NULL;
}

/* For the moment of a switch, when the worker already names the next one: looks at all tasks. */
static struct weft__task *search(const struct weft__worker *worker, uintptr_t address,
                                 uintptr_t pointer)
{
    for (uint32_t number = 0; number < WEFT__RECORD_CHUNKS; number++) {
        const struct weft__record_chunk *chunk = &weft__record_chunks[number];
        char *base = weft__load_acquire(&chunk->base); /* pairs with the release in record.c */
        if (base == NULL || ((struct weft__record *)(void *)base)->kind != WEFT__KIND_TASK)
            continue;
        for (uint32_t i = 0; i < WEFT__RECORD_CHUNK; i++) {
            struct weft__record *record = (void *)(base + i * chunk->stride);
            struct weft__task *task = match(record, worker, address, pointer);
            if (task != NULL)
                return task;
        }
    }
    return NULL;
}

/*
 * The task whose stack has overflowed; NULL: this is another fault. A stack without a guard shows
 * it by its canary: what the task has destroyed below may have made it fault anywhere.
 */
static struct weft__task *culprit(const struct weft__worker *worker, uintptr_t address,
                                  uintptr_t pointer)
{
    struct weft__task *task = weft__worker_task(worker);

    if (task != NULL && task->stack != NULL &&
        (is_in_guard(task->stack, address) || weft__stack_is_overrun(task->stack)))
        return task;
    return search(worker, address, pointer);
}

/* H1. False when others are told for too long, or nobody is told any more. */
static bool claim(struct weft__overflow *overflow, int64_t until_ns)
{
    for (;;) {
        uint32_t seen = WEFT__OVERFLOW_IDLE;
        if (weft__cas_acqrel(&overflow->state, &seen, WEFT__OVERFLOW_FILLING)) /* OVERFLOW H1 */
            return true;
        if (seen == WEFT__OVERFLOW_OFF ||
            weft__sys_futex_wait(&overflow->state, seen, until_ns) == -ETIMEDOUT)
            return false;
    }
}

static void tell(struct weft__overflow *overflow, const struct weft__task *task)
{
    int64_t until_ns = weft__clock_now() + patience_ns;

    if (!claim(overflow, until_ns))
        return;
    overflow->task = weft__task_handle(task);
    overflow->site = task->site;
    overflow->size_class = task->stack_class;
    memcpy(overflow->name, weft__task_label(task), strnlen(weft__task_label(task), WEFT_NAME - 1));
    weft__store_release(&overflow->state, WEFT__OVERFLOW_FULL); /* OVERFLOW H3 */
    (void)weft__sys_futex_wake(&overflow->state, INT32_MAX);
    while (weft__load_acquire(&overflow->state) == WEFT__OVERFLOW_FULL) /* OVERFLOW H4 */
        if (weft__sys_futex_wait(&overflow->state, WEFT__OVERFLOW_FULL, until_ns) == -ETIMEDOUT)
            return;
}

/* The default action, for a fault at the same instruction: it comes again when the handler returns.
 * A signal that was sent does not, so it is sent again. */
static void die_as_usual(int number, bool was_sent)
{
    (void)signal(number, SIG_DFL);
    if (was_sent)
        (void)raise(number);
}

static void go_on(int number, siginfo_t *info, void *context)
{
    const struct sigaction *before = &process.before;
    bool was_sent = info->si_code <= 0;
    bool once = (before->sa_flags & (int)SA_RESETHAND) != 0;

    if (before->sa_handler == SIG_IGN && was_sent)
        return;
    if (before->sa_handler == SIG_IGN || before->sa_handler == SIG_DFL ||
        (once && weft__swap_acqrel(&process.spent, true))) /* pairs with itself */
        die_as_usual(number, was_sent);
    else if ((before->sa_flags & SA_SIGINFO) != 0)
        before->sa_sigaction(number, info, context);
    else
        before->sa_handler(number);
}

static void handle_fault(int number, siginfo_t *info, void *context)
{
    struct weft__worker *worker = weft__self_worker();
    int saved = weft__sys_errno_get();

    if (worker != NULL && info->si_code > 0) {
        const struct weft__task *task = culprit(worker, (uintptr_t)info->si_addr,
                                                stack_pointer_of(context));
        if (task != NULL)
            tell(&worker->runtime->overflow, task);
    }
    weft__sys_errno_set(saved);
    go_on(number, info, context);
}

/* ---- the teller ---- */

static void say(struct weft__runtime *runtime)
{
    const struct weft__overflow *overflow = &runtime->overflow;
    char site[128];
    bool largest = overflow->size_class == WEFT__STACK_CLASSES - 1;

    weft__site_describe(overflow->site, site, sizeof(site));
    weft__runtime_report(runtime,
                         "weft: task %s (%#llx, spawned at %s) has run over the end of its stack "
                         "of %zu bytes: %s",
                         overflow->name, (unsigned long long)overflow->task, site,
                         weft__stack_class_bytes((enum weft__stack_class)overflow->size_class),
                         largest
                             ? "that is the largest; keep large arrays elsewhere, and recursion "
                               "bounded"
                             : "spawn it with a larger stack_bytes in weft_spawn_options, or "
                               "start the runtime with a larger one in weft_runtime_options, "
                               "for all tasks");
}

static void *teller_main(void *argument)
{
    struct weft__runtime *runtime = argument;
    struct weft__overflow *overflow = &runtime->overflow;

    for (;;) {
        uint32_t state = weft__load_acquire(&overflow->state); /* OVERFLOW T1 */
        if (state == WEFT__OVERFLOW_OFF)
            return NULL;
        if (state != WEFT__OVERFLOW_FULL) {
            (void)weft__sys_futex_wait(&overflow->state, state, INT64_MAX);
            continue;
        }
        say(runtime);
        memset(overflow->name, 0, sizeof(overflow->name));
        weft__store_release(&overflow->state, WEFT__OVERFLOW_IDLE); /* OVERFLOW T3 */
        (void)weft__sys_futex_wake(&overflow->state, INT32_MAX);
    }
}

/* ---- start and stop ---- */

static void install_locked(void)
{
    struct sigaction action = { .sa_sigaction = handle_fault };

    if (process.installed || sigaction(SIGSEGV, NULL, &process.before) < 0)
        return;
    weft__store_relaxed(&process.spent, false);
    action.sa_mask = process.before.sa_mask;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK |
                      (process.before.sa_flags & (int)(SA_NODEFER | SA_RESTART));
    process.installed = sigaction(SIGSEGV, &action, NULL) == 0;
}

static void give_back_locked(void)
{
    struct sigaction now;

    if (process.installed && sigaction(SIGSEGV, NULL, &now) == 0 &&
        (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == handle_fault)
        process.installed = sigaction(SIGSEGV, &process.before, NULL) < 0;
}

int weft__overflow_start(struct weft__runtime *runtime)
{
    struct weft__overflow *overflow = &runtime->overflow;

    if (runtime->options.report == NULL || runtime->options.overflow_off)
        return 0;
    weft__store_relaxed(&overflow->state, WEFT__OVERFLOW_IDLE);
    int rc = weft__launch_thread(&overflow->thread, teller_main, runtime, "weft-overflow");
    if (rc < 0) {
        weft__store_relaxed(&overflow->state, WEFT__OVERFLOW_OFF);
        return rc;
    }
    overflow->started = true;
    overflow->wanted = true;
    weft__lock_acquire(&process.lock); /* pairs with weft__lock_release */
    if (process.users++ == 0)
        install_locked();
    weft__lock_release(&process.lock); /* pairs with weft__lock_acquire */
    return 0;
}

void weft__overflow_stop(struct weft__runtime *runtime)
{
    struct weft__overflow *overflow = &runtime->overflow;

    if (!overflow->started)
        return;
    for (;;) { /* a notice that is under way is given first */
        uint32_t seen = WEFT__OVERFLOW_IDLE;
        if (weft__cas_acqrel(&overflow->state, &seen, WEFT__OVERFLOW_OFF)) /* OVERFLOW, as H1 */
            break;
        (void)weft__sys_futex_wait(&overflow->state, seen, INT64_MAX);
    }
    (void)weft__sys_futex_wake(&overflow->state, INT32_MAX);
    weft__native_join(&overflow->thread);
    overflow->started = false;
}

void weft__overflow_give_back(struct weft__runtime *runtime)
{
    if (!runtime->overflow.wanted)
        return;
    runtime->overflow.wanted = false;
    weft__lock_acquire(&process.lock); /* pairs with weft__lock_release */
    if (--process.users == 0)
        give_back_locked();
    weft__lock_release(&process.lock); /* pairs with weft__lock_acquire */
}

/* The thread keeps one that it has got from elsewhere: of a sanitizer, of who wraps threads. */
void weft__overflow_enter(const struct weft__worker *worker, struct weft__overflow_stack *stack)
{
    *stack = (struct weft__overflow_stack){ .mapping = NULL };
    if (!worker->runtime->overflow.wanted || sigaltstack(NULL, &stack->before) < 0 ||
        (stack->before.ss_flags & SS_DISABLE) == 0)
        return;
    size_t registers = (getauxval(AT_MINSIGSTKSZ) + page_bytes - 1) & ~(size_t)(page_bytes - 1);
    stack->bytes = page_bytes + handler_bytes + registers;
    stack->mapping = weft__sys_map(stack->bytes);
    if (stack->mapping == NULL)
        return; /* an overflow kills, unsaid */
    (void)weft__sys_mprotect(stack->mapping, page_bytes, PROT_NONE);
    stack_t own = { .ss_sp = (char *)stack->mapping + page_bytes,
                    .ss_size = stack->bytes - page_bytes };
    (void)sigaltstack(&own, NULL);
}

void weft__overflow_leave(const struct weft__overflow_stack *stack)
{
    if (stack->mapping == NULL)
        return;
    (void)sigaltstack(&stack->before, NULL);
    (void)weft__sys_unmap(stack->mapping, stack->bytes);
}
