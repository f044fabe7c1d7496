/* Tasks that call a function at points in time. */
#include <weft/timer.h>

#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "runtime/sync/timer.h"

struct calls {
    weft_deadline next;
    int64_t interval_ns;
    weft_task_fn fn;
    void *argument;
};

/* The first tick after now, counted from the last one. */
static weft_deadline next_tick(weft_deadline last, int64_t interval_ns)
{
    int64_t now = weft__clock_now();
    int64_t behind = now > last.ns ? (now - last.ns) / interval_ns : 0;
    int64_t next = 0;

    if (__builtin_add_overflow(last.ns, (behind > 0 ? behind : 1) * interval_ns, &next))
        return WEFT_NEVER;
    return (weft_deadline){ next };
}

static int call_again(void *argument)
{
    struct calls *calls = argument;

    for (;;) {
        int rc = weft_sleep(calls->next);
        if (rc == 0 && weft_canceled())
            rc = -ECANCELED;
        if (rc == 0)
            rc = calls->fn(calls->argument);
        if (rc != 0 || calls->interval_ns == 0)
            return rc < 0 ? rc : 0;
        calls->next = next_tick(calls->next, calls->interval_ns);
    }
}

weft_task weft_timer_go(weft_scope scope, weft_deadline first, int64_t interval_ns, weft_task_fn fn,
                        void *argument)
{
    struct calls calls = { weft__timer_first(first), interval_ns, fn, argument };

    WEFT_NEED(fn);
    if (interval_ns < 0 || first.ns == INT64_MAX)
        return weft__timer_refusal();
    return weft_go_copy(scope, call_again, &calls, sizeof(calls));
}
