/* Names tasks that hold up their worker; when and how it looks is in watchdog.c. */
#ifndef WEFT_SCHED_WATCHDOG_H
#define WEFT_SCHED_WATCHDOG_H

#include "runtime/sched/runtime.h"

/* Starts the thread, unless the options say off or there is nobody to tell. The workers run. */
int weft__watchdog_start(struct weft__runtime *runtime);

/* Ends it. Accepts one that was never started; any number of calls. */
void weft__watchdog_stop(struct weft__runtime *runtime);

/* A worker will run tasks while the watchdog sleeps. */
void weft__watchdog_wake(struct weft__runtime *runtime);

/* Before the loop runs tasks: once a step, one load of a line that hardly ever changes. */
static inline void weft__watchdog_note(struct weft__runtime *runtime)
{
    if (WEFT__UNLIKELY(weft__load_relaxed(&runtime->watch.state) == WEFT__WATCH_ASLEEP)) /* WATCH */
        weft__watchdog_wake(runtime);
}

/*
 * What one look at a worker amounts to, which runs @task (NULL: none that holds anybody up) and has
 * switched @switches times, @elapsed_ns after the look before. How long it has gone without a
 * switch, when that is worth saying: from @limit_ns on, and again each time that it has doubled;
 * else 0.
 */
int64_t weft__watchdog_judge(struct weft__watch_slot *slot, const struct weft__task *task,
                             uint64_t switches, int64_t elapsed_ns, int64_t limit_ns);

/*
 * Whether a worker is excused for now whose task has used @used_ns of CPU time since it was seen
 * first; @call: as weft__capture_call says. It would compute, but gets no CPU: then the machine is
 * to blame.
 */
bool weft__watchdog_excuses(int64_t limit_ns, int64_t used_ns, int call);

/* Whether a task of @site may be named at @now_ns; notes that it is. */
bool weft__watchdog_may_say(struct weft__watch *watch, const void *site, int64_t now_ns);

#endif
