/*
 * Time and deadlines.
 * A deadline is an absolute point of CLOCK_MONOTONIC in a struct of its own, so that a bare
 * duration does not compile where a deadline is meant. It is the last argument of every call that
 * waits.
 */
#ifndef WEFT_TIME_H
#define WEFT_TIME_H

#include <weft/base.h>

#define WEFT_NANOSECOND INT64_C(1)
#define WEFT_MICROSECOND INT64_C(1000)
#define WEFT_MILLISECOND INT64_C(1000000)
#define WEFT_SECOND INT64_C(1000000000)

typedef struct weft_deadline {
    int64_t ns; /* absolute CLOCK_MONOTONIC time; INT64_MAX: never, 0 or less: now. In options 0 is
                 * one that was not set */
} weft_deadline;

#ifdef __cplusplus
#define WEFT_NEVER (weft_deadline{ INT64_MAX })
#define WEFT_NOW (weft_deadline{ -1 })
#else
#define WEFT_NEVER ((weft_deadline){ INT64_MAX }) /* wait without limit */
#define WEFT_NOW ((weft_deadline){ -1 })          /* do not wait: -ETIMEDOUT instead */
#endif

WEFT_BEGIN

/*
 * weft_clock - the current time of the clock that deadlines use
 * Returns:    CLOCK_MONOTONIC in nanoseconds
 * Errors:     none
 * Ownership:  none
 * Context:    any thread, any task    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one vDSO call, about 25 ns    Node: none
 * Since:      0.1    Source: clock_gettime(2)
 */
WEFT_API int64_t weft_clock(void);

/*
 * weft_after - the deadline that lies a duration from now
 * @ns:        nanoseconds; negative counts as 0; a sum past the end of time is WEFT_NEVER
 * Returns:    the deadline
 * Errors:     none
 * Ownership:  none
 * Context:    any thread, any task    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one weft_clock    Node: none
 * Since:      0.1    Source: libdill, whose deadlines are absolute too
 */
WEFT_API weft_deadline weft_after(int64_t ns);

WEFT_END

#endif
