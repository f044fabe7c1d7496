/*
 * The runtime is an object: any thread may start one, call into it and stop it, and several may
 * live in one process. Programs that are nothing but weft use weft_main.
 */
#ifndef WEFT_RUNTIME_H
#define WEFT_RUNTIME_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/policy.h>
#include <weft/task.h>
#include <weft/time.h>

/*
 * Gets one notice as a text without newline, up to 511 bytes, which begins with "weft: ". A notice
 * says what weft does without (each fallback once in a process), or what is wrong, what it costs
 * and what to change. Called from any thread, by each runtime one call at a time, and not after its
 * weft_stop has returned; must not call weft.
 */
typedef void (*weft_report_fn)(void *context, const char *text);

typedef struct weft_runtime_options {
    size_t size;           /* sizeof(weft_runtime_options) */
    uint32_t workers;      /* 0: one per allowed CPU, within the cgroup quota; up to 1,024 */
    int smt_off;           /* 1: one worker per physical core */
    size_t stack_bytes;    /* default of tasks; 0: 64 KiB; up to 1 MiB */
    uint32_t spin_us;      /* 1 to 1,000: how long an idle worker looks for work before it sleeps;
                              * 0: adaptive, at most 50 us; WEFT_SPIN_NONE: it sleeps at once */
    int migratable;        /* 1: all tasks may move after a wait; see weft-scheduling(7) */
    const char *topology;  /* synthetic topology, see numa/README.md; NULL: this machine */
    uint32_t sq_entries;   /* submission queue, power of two up to 32,768; 0: 256 */
    uint32_t cq_entries;   /* completion queue, power of two up to 32,768; 0: 4,096 */
    uint32_t watchdog_ms;  /* 1 to 3,600,000: name a task that has run so long without a wait while
                            * others of its worker wait, with its stack, at most once a second for
                            * each place where tasks are spawned; 0: 20; WEFT_WATCHDOG_OFF: never */
    weft_report_fn report; /* gets notices; NULL: they are dropped (weft_main: standard error) */
    void *report_context;  /* handed to report */
    int overflow_off;      /* 1: leaves SIGSEGV alone, and does not name a task that overflows its
                            * stack; see weft-debugging(7) */
    uint32_t helpers;      /* threads at most for blocking calls, 1 to 1,024; 0: 16; they start
                            * when needed and end after 5 s without work */
    const weft_policy *policy; /* which task runs where and when; copied at the start; NULL:
                                * weft's own; see weft-policies(7) */
    uint32_t interactive; /* workers beside those, up to 1,024, for tasks that answer soon: those
                            * spawned with weft_place_interactive; they share the CPUs of the others
                            * and have the highest numbers; 0: none; not beside a policy */
} weft_runtime_options;

#define WEFT_SPIN_NONE UINT32_MAX
#define WEFT_WATCHDOG_OFF UINT32_MAX
#define WEFT_RUNTIME_OPTIONS_INIT \
    { sizeof(weft_runtime_options), 0, 0, 0, 0, 0, NULL, 0, 0, 0, NULL, NULL, 0, 0, NULL, 0 }
#ifndef __cplusplus
#define WEFT_RUNTIME_OPTIONS(...) \
    ((weft_runtime_options){ .size = sizeof(weft_runtime_options), __VA_ARGS__ })
#endif

/* What weft_main hands to the program's first task. */
typedef struct weft_arguments {
    int count;
    char **values;
} weft_arguments;

WEFT_BEGIN

/*
 * weft_main - runs a program as a weft task, from main
 * Starts a runtime, runs app as its first task, named "main", and stops the runtime. Notices go to
 * standard error. Interrupt (Ctrl-C) cancels everything; a second one has its usual action.
 * Environment: WEFT_WORKERS, WEFT_SMT=off, WEFT_TOPOLOGY, WEFT_SPIN_US, WEFT_WATCHDOG_MS (0: off),
 * WEFT_HELPERS, WEFT_INTERACTIVE, WEFT_ENGINE (kernel, compat or sim, see weft_start), WEFT_DUMP
 * (see weft_dump_on), WEFT_POLICY (see weft_policy_named), WEFT_FAULT and WEFT_SEED (faults for
 * tests, see weft-faults(7)), WEFT_CHAOS (see weft(7)), WEFT_SIM and WEFT_TRACE (of a simulation,
 * see weft-sim(7)).
 * @argc:      main's
 * @argv:      main's
 * @app:       the first task; its argument is a const weft_arguments *
 * @options:   NULL for defaults; the environment overrides workers, smt_off, topology, spin_us,
 *             watchdog_ms, helpers, interactive and policy; a wrong size is a start that failed
 * Returns:    what main shall return: app's result when >= 0 (at most 125), 1 when app failed, 2
 *             when the runtime could not start, 130 after an interrupt. Failures are said on
 *             standard error
 * Errors:     none
 * Ownership:  argc and argv stay the caller's
 * Context:    the main thread, outside any task    Suspends: blocks the thread until app has ended,
 *             and up to 10 s for tasks that it has left behind
 * Cancel:     an interrupt cancels the root scope
 * Ordering:   none
 * Cost:       a thread and a ring for each worker    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_main(int argc, char **argv, weft_task_fn app,
                       const weft_runtime_options *options);

/*
 * weft_start - starts a runtime
 * Where io_uring is refused, by a container's seccomp profile, a sysctl or a sandbox, epoll and
 * helper threads do its work, with the same results and at a higher cost in CPU time, and a notice
 * says why; WEFT_ENGINE=compat asks for that, WEFT_ENGINE=kernel for io_uring or a failed start.
 * Under a seccomp filter io_uring is first tried in a child process, for some filters kill.
 * WEFT_ENGINE=sim makes the process a simulation on the calling thread; see weft-sim(7).
 * With a report, and unless overflow_off is set, SIGSEGV is taken until the last such runtime
 * stops, to name a task that overflows its stack; each fault is passed on; see weft-debugging(7).
 * @options:   NULL for defaults; the environment counts as in weft_main
 * @out_error: gets code and a sentence that says what to change when the start fails, made with
 *             WEFT_ERROR_INIT; NULL: not wanted
 * Returns:    the runtime; end it with weft_stop
 * Errors:     -EINVAL for options or environment out of range, -ENOMEM, -EAGAIN for threads,
 *             -EMFILE, and for WEFT_ENGINE=kernel -ENOSYS, -EPERM, -EACCES, -EINVAL or -EOPNOTSUPP
 *             where io_uring is refused (out_error says which knob),
 *             -EOPNOTSUPP for a hardware shadow stack, and for a simulation in a build with a
 *             sanitizer, -EBUSY when another thread has begun the simulation
 * Ownership:  the caller owns the runtime; options are copied
 * Context:    any thread, also a task of another runtime    Suspends: blocks the thread for the
 *             start
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       a thread and a ring for each worker, about 1 ms; when there is a report, a thread for
 *             the watchdog and one that tells of stack overflows, which use no CPU time while all
 *             workers sleep    Node: workers' own
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE weft_runtime weft_start(const weft_runtime_options *options,
                                               weft_error *out_error);

/*
 * weft_call - runs a function as a task of a runtime, and waits for it
 * @runtime:   the runtime
 * @fn:        the body; its scope is the runtime's root
 * @argument:  handed to fn as it is
 * Returns:    what fn returned
 * Errors:     -ESRCH, -ESHUTDOWN while it stops, -ENOMEM, -EOWNERDEAD after fork, -EDEADLK from a
 *             task of the same runtime (spawn instead), or fn's own
 * Ownership:  argument stays the caller's
 * Context:    any thread but a worker of runtime    Suspends: blocks the thread until fn has ended
 * Cancel:     weft_stop cancels the task
 * Ordering:   everything fn did happens-before this return
 * Cost:       two wake-ups of threads    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_call(weft_runtime runtime, weft_task_fn fn, void *argument);

/*
 * weft_stop - stops a runtime
 * Cancels its root scope, waits until all tasks have ended, ends the workers. Past the deadline
 * what refuses to end is left behind on purpose: its stack and ring stay mapped, because the kernel
 * may still write there. A notice counts these tasks and names four of them, with where they were
 * spawned and what they do or wait for, an operation with its descriptor: first those that do not
 * just wait for others.
 * @runtime:   the runtime; its handle is stale afterwards, and so are those of all its tasks
 * @until:     how long to wait for tasks
 * Returns:    0, or how many tasks were left behind, in all scopes
 * Errors:     -ESRCH when it was stopped already, -EDEADLK from one of its own tasks or from a
 *             blocking call of one on a helper thread, -EOWNERDEAD after fork
 * Ownership:  the runtime is given back
 * Context:    any thread but a worker or helper of runtime    Suspends: blocks the thread
 * Cancel:     no effect
 * Ordering:   everything its tasks did happens-before this return
 * Cost:       joins all worker threads    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_stop(weft_runtime runtime, weft_deadline until);

/*
 * weft_runtime_self - the runtime that the caller runs in
 * Returns:    its handle
 * Errors:     -EPERM on a thread that is no worker
 * Ownership:  lent
 * Context:    anywhere    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       two loads    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API weft_runtime weft_runtime_self(void);

/*
 * weft_worker_count - how many workers a runtime has, interactive ones included
 * @runtime:   the runtime; 0: the one that the caller runs in
 * Returns:    the count
 * Errors:     -ESRCH, -EPERM for runtime 0 outside a runtime
 * Ownership:  none
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       a few loads    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_worker_count(weft_runtime runtime);

/*
 * weft_interactive_count - how many of a runtime's workers are interactive
 * They have the highest numbers: from weft_worker_count less this count on.
 * @runtime:   the runtime; 0: the one that the caller runs in
 * Returns:    the count
 * Errors:     -ESRCH, -EPERM for runtime 0 outside a runtime
 * Ownership:  none
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       a few loads    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_interactive_count(weft_runtime runtime);

/*
 * weft_worker_self - the worker on which the caller runs
 * Constant in a task once it has started, unless it is migratable.
 * Returns:    0 to workers - 1
 * Errors:     -EPERM on a thread that is no worker
 * Ownership:  none
 * Context:    anywhere    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       two loads    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_worker_self(void);

/*
 * weft_runtime_about - one line that says what runs and why: workers, topology, engine, allocator
 * @runtime:   the runtime; 0: the one that the caller runs in
 * @out_text:  room for the line; always ended with NUL when text_bytes > 0
 * @text_bytes: size of the room
 * Returns:    the length of the whole line, as snprintf does
 * Errors:     -ESRCH, -EPERM for runtime 0 outside a runtime
 * Ownership:  copied out
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       formats a line    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_runtime_about(weft_runtime runtime, char *out_text, size_t text_bytes);

WEFT_END

#endif
