/*
 * Rows of delays, and retries along them; looks at even intervals.
 *
 * REJECTED to answer -ETIMEDOUT when the deadline leaves no room for another try: the caller knows
 * the time, but not what went wrong, and that would be lost.
 */
#include <weft/retry.h>

#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "runtime/base/random.h"
#include "runtime/sched/error.h"
#include "runtime/sched/thread.h"

enum { usual_count = 4 };

static const int64_t usual_first_ns = 50 * WEFT_MILLISECOND;
static const int64_t usual_max_ns = 10 * WEFT_SECOND;
static const double usual_factor = 5.0;
static const double usual_jitter = 0.1;

/* Comparisons that a NaN fails, too. */
static bool is_valid(const weft_delay_options *options)
{
    bool factor = options->factor >= 1.0 || (options->factor >= 0.0 && options->factor <= 0.0);
    bool jitter = options->jitter >= 0.0
                      ? options->jitter <= 1.0
                      : options->jitter >= WEFT_JITTER_NONE && options->jitter <= WEFT_JITTER_NONE;

    return options->size == sizeof(*options) && options->first_ns >= 0 && options->max_ns >= 0 &&
           factor && jitter;
}

static double jitter_of(const weft_delay_options *options)
{
    if (options->jitter < 0.0)
        return 0.0;
    return options->jitter > 0.0 ? options->jitter : usual_jitter;
}

static uint64_t random_of(uint64_t seed, const weft_delays *delays)
{
    struct weft__random random;

    if (seed == 0) /* two rows begun at once are told apart by where they are */
        seed = weft__sim_random(weft__clock_cycles() ^ (uint64_t)(uintptr_t)delays);
    weft__random_init(&random, seed);
    return random.state;
}

int weft_delays_init(weft_delays *delays, const weft_delay_options *options)
{
    const weft_delay_options usual = WEFT_DELAY_OPTIONS_INIT;

    WEFT_NEED(delays);
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    if (options == NULL)
        options = &usual;
    if (!is_valid(options))
        return -EINVAL;
    int64_t first_ns = options->first_ns != 0 ? options->first_ns : usual_first_ns;
    delays->max_ns = options->max_ns != 0 ? options->max_ns : usual_max_ns;
    delays->left = options->count != 0 ? options->count : usual_count;
    delays->next_ns = first_ns < delays->max_ns ? first_ns : delays->max_ns;
    delays->factor = options->factor >= 1.0 ? options->factor : usual_factor;
    delays->jitter = jitter_of(options);
    delays->random = random_of(options->seed, delays);
    return 0;
}

/* A random number from 0 up to, but without, 1. */
static double fraction(uint64_t *state)
{
    struct weft__random random = { .state = *state };
    double found = (double)(weft__random_next(&random) >> 11) * 0x1p-53;

    *state = random.state;
    return found;
}

int64_t weft_delays_next(weft_delays *delays)
{
    WEFT_NEED(delays);
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    if (delays->left == 0)
        return -ENODATA;
    delays->left--;
    int64_t delay_ns = delays->next_ns;
    double spread = 1.0 - delays->jitter + 2.0 * delays->jitter * fraction(&delays->random);
    double next_ns = (double)delay_ns * delays->factor * spread;
    delays->next_ns = next_ns < (double)delays->max_ns ? (int64_t)next_ns : delays->max_ns;
    return delay_ns;
}

/* Whether a failure may be followed by another try. */
static bool is_final(const weft_retry_options *options, int failure, uint32_t tries)
{
    if (failure == -ECANCELED)
        return true;
    return options->should_retry != NULL &&
           options->should_retry(options->context, failure, tries) == 0;
}

/* Waits before the next try. 0, -ECANCELED, or -ETIMEDOUT: there is none. */
static int wait_for_next(weft_delays *delays, weft_deadline until)
{
    int64_t delay_ns = weft_delays_next(delays);

    if (delay_ns < 0)
        return -ETIMEDOUT;
    weft_deadline next = weft_after(delay_ns);
    if (next.ns > until.ns || next.ns == INT64_MAX)
        return -ETIMEDOUT;
    return weft_sleep(next);
}

int weft_retry(weft_task_fn fn, void *argument, const weft_retry_options *options,
               weft_deadline until)
{
    const weft_retry_options usual = WEFT_RETRY_OPTIONS_INIT;
    weft_delays delays;

    WEFT_NEED(fn);
    if (weft__thread_or_task(weft__self_worker()) == NULL)
        return weft__error_outside();
    if (options == NULL)
        options = &usual;
    int rc = options->size == sizeof(*options) ? weft_delays_init(&delays, options->delays)
                                               : -EINVAL;
    if (rc < 0)
        return rc;
    for (uint32_t tries = 1;; tries++) {
        int failure = fn(argument);
        if (failure >= 0 || is_final(options, failure, tries))
            return failure;
        rc = wait_for_next(&delays, until);
        if (rc < 0)
            return rc == -ETIMEDOUT ? failure : rc;
    }
}

int weft_wait_until(weft_predicate_fn holds, void *context, int64_t poll_ns, weft_deadline until)
{
    const struct weft__task *task = weft__thread_or_task(weft__self_worker());

    WEFT_NEED(holds);
    if (task == NULL)
        return weft__error_outside();
    if (poll_ns < WEFT_MILLISECOND)
        return -EINVAL;
    if (weft__task_canceled(task))
        return -ECANCELED;
    for (;;) {
        bool last = until.ns <= weft__clock_now();
        int rc = holds(context);
        if (rc != 0)
            return rc;
        if (last)
            return -ETIMEDOUT;
        weft_deadline next = weft_after(poll_ns);
        rc = weft_sleep(next.ns < until.ns ? next : until);
        if (rc < 0)
            return rc;
    }
}
