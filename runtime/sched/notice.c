/*
 * Lower layers note what they have fallen back on; here it becomes a sentence. A finding is of the
 * process (a kernel without something, a limit) and is said once, by the first runtime that has
 * somebody to tell; the overflow of a completion queue is of the runtime, which chose its size.
 *
 * LOCK report_lock rank leaf: guards muted; held over the callback, which therefore hears one
 * notice at a time; never across suspension
 */
#include "runtime/sched/notice.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "numa/memory.h"
#include "runtime/base/sim.h"
#include "runtime/task/guard.h"
#include "uring/faults.h"

enum finding {
    NO_DEFER_TASKRUN = 1u << 0,
    NO_MSG_RING = 1u << 1,
    NO_GUARD_MARKERS = 1u << 2,
    ONLY_CANARIES = 1u << 3,
    NO_POLICY_CALLS = 1u << 4,
    NO_BINDING = 1u << 5,
    NO_PINNING = 1u << 6,
    NO_RING = 1u << 7,
    FAULTS_PLANNED = 1u << 8
};

static _Atomic uint32_t said; /* of enum finding */

/* "EPERM". */
static const char *name_of(int error)
{
    const char *name = strerrorname_np(-error);
    return name != NULL ? name : "an unknown error";
}

/* Whether the caller shall say it: there is somebody to tell and nobody has said it. */
static bool claims(const struct weft__runtime *runtime, enum finding finding)
{
    if (runtime->options.report == NULL || (weft__load_relaxed(&said) & finding) != 0)
        return false;
    return (weft__or_relaxed(&said, (uint32_t)finding) & finding) == 0;
}

void weft__runtime_report(struct weft__runtime *runtime, const char *format, ...)
{
    char text[512];
    va_list arguments;

    if (runtime->options.report == NULL)
        return;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    weft__lock_acquire(&runtime->report_lock); /* pairs with weft__lock_release */
    if (!runtime->muted)
        runtime->options.report(runtime->options.report_context, text);
    weft__lock_release(&runtime->report_lock); /* pairs with weft__lock_acquire */
}

void weft__notice_mute(struct weft__runtime *runtime)
{
    weft__lock_acquire(&runtime->report_lock); /* pairs with weft__lock_release */
    runtime->muted = true;
    weft__lock_release(&runtime->report_lock); /* pairs with weft__lock_acquire */
}

static void say_engine(struct weft__runtime *runtime)
{
    uint32_t missing = runtime->workers[0]->engine->missing;

    if (runtime->choice.compat && claims(runtime, NO_RING))
        weft__runtime_report(
            runtime,
            "weft: the compat engine is used in place of io_uring, at a higher cost in CPU "
            "time: %s",
            runtime->choice.why);

    if ((missing >> WEFT__FEATURE_DEFER_TASKRUN & 1) != 0 && claims(runtime, NO_DEFER_TASKRUN))
        weft__runtime_report(runtime,
                             "weft: io_uring has no DEFER_TASKRUN here: a completion interrupts "
                             "the task that runs, so that I/O takes more CPU time; use Linux 6.1 "
                             "or newer");
    if ((missing >> WEFT__FEATURE_MSG_RING & 1) != 0 && claims(runtime, NO_MSG_RING))
        weft__runtime_report(runtime,
                             "weft: io_uring can't send messages between rings here (MSG_RING): "
                             "sleeping workers are woken through event descriptors, with one "
                             "system call more for each wake; use Linux 6.1 or newer");
}

static void say_guards(struct weft__runtime *runtime)
{
    struct weft__guard_facts facts;

    if (weft__guard_has_markers() || !claims(runtime, NO_GUARD_MARKERS))
        return;
    weft__guard_look(&facts);
    weft__runtime_report(runtime,
                         "weft: the kernel has no guard markers for stacks (Linux 6.13 has): a "
                         "guard by mprotect takes two mappings of vm.max_map_count, which is %ld, "
                         "so that about %ld tasks at once are guarded and further ones have a "
                         "canary alone; for more, raise vm.max_map_count",
                         facts.map_limit, facts.guards_most);
}

static void say_canaries(struct weft__runtime *runtime)
{
    struct weft__guard_facts facts;

    if (!weft__guard_has_canaries() || !claims(runtime, ONLY_CANARIES))
        return;
    weft__guard_look(&facts);
    weft__runtime_report(runtime,
                         "weft: stacks without a guard: vm.max_map_count is %ld, which is enough "
                         "for %ld guards; a task that runs over such a stack damages memory before "
                         "its canary tells at its end; set vm.max_map_count to %ld and twice the "
                         "number of tasks alive at once, or use Linux 6.13 or newer",
                         facts.map_limit, facts.guards_most, facts.maps_kept);
}

/* One node has nothing to lose by it: most containers refuse these calls, and most have one. The
 * nodes of a simulation have no memory of their own in any case. */
static void say_policy(struct weft__runtime *runtime)
{
    int error = weft__memory_facts()->policy_error;

    if (error != 0 && runtime->topology->node_count > 1 && !weft__sim_is_on() &&
        claims(runtime, NO_POLICY_CALLS))
        weft__runtime_report(runtime,
                             "weft: NUMA calls are refused (get_mempolicy: %s): memory lies "
                             "on the node whose CPU touches it first, wherever it was asked for; "
                             "allow get_mempolicy and mbind, in a container with CAP_SYS_NICE or "
                             "another seccomp profile",
                             name_of(error));
}

static void say_pinning(struct weft__runtime *runtime)
{
    for (uint32_t i = 0; i < runtime->worker_count; i++) {
        const struct weft__worker *worker = runtime->workers[i];
        if (worker->pin_error != 0 && claims(runtime, NO_PINNING))
            weft__runtime_report(runtime,
                                 "weft: worker %u can't be pinned to CPU %u (sched_setaffinity: "
                                 "%s): the kernel may move it away from its caches and its "
                                 "node's memory; allow sched_setaffinity, or leave that CPU out of "
                                 "the affinity that the process is started with",
                                 worker->index, worker->cpu, name_of(worker->pin_error));
    }
}

static void say_faults(struct weft__runtime *runtime)
{
    if (weft__faults_planned() && claims(runtime, FAULTS_PLANNED))
        weft__runtime_report(runtime, "weft: operations and system calls fail on purpose, by the "
                                      "plan in WEFT_FAULT; see weft-faults(7)");
}

void weft__notice_start(struct weft__runtime *runtime)
{
    say_faults(runtime);
    say_engine(runtime);
    say_guards(runtime);
    say_policy(runtime);
    say_pinning(runtime);
}

static void say_binding(struct weft__runtime *runtime)
{
    int error = weft__memory_bind_error();

    if (error != 0 && claims(runtime, NO_BINDING))
        weft__runtime_report(runtime,
                             "weft: memory can't be bound to its node (mbind: %s): it lies "
                             "on the node whose CPU touches it first; allow mbind, and the node in "
                             "the process's cpuset.mems",
                             name_of(error));
}

static void say_overflow(struct weft__runtime *runtime)
{
    for (uint32_t i = 0; i < runtime->worker_count; i++) {
        const struct weft__engine *engine = runtime->workers[i]->engine;
        if (engine == NULL || weft__load_relaxed(&engine->counters.overflowed) == 0 ||
            weft__swap_acqrel(&runtime->overflow_said, true)) /* pairs with itself */
            continue;
        weft__runtime_report(runtime,
                             "weft: the completion queue of worker %u has overflowed: nothing is "
                             "lost, but the kernel keeps what does not fit in memory of its own "
                             "and hands it over later; start the runtime with larger cq_entries",
                             i);
    }
}

void weft__notice_later(struct weft__runtime *runtime)
{
    if (runtime->options.report == NULL)
        return;
    say_canaries(runtime);
    say_binding(runtime);
    say_overflow(runtime);
}
