/*
 * The time-out of a wait as an op, for kernels whose enter takes none. One TIMEOUT op is kept; it
 * is moved when a wait must end sooner and left alone when it would fire too early: the wait then
 * looks at the clock, stages a new one and goes on.
 */
#include "uring/kernel.h"

#include "runtime/base/clock.h"
#include "runtime/base/fallback.h"

bool weft__timeout_stage(struct weft__kernel *kernel, int64_t until_ns)
{
    if (until_ns == INT64_MAX || (kernel->timer_armed && kernel->timer_until_ns <= until_ns))
        return true;
    WEFT__FALLBACK(TIMEOUT_OPERATION);
    struct io_uring_sqe *sqe = weft__kernel_submit_entry(kernel);
    if (sqe == NULL)
        return false;
    /* The kernel copies the time at submission, so changing it here at worst delays an entry that
     * is still staged to the time that we want now. */
    kernel->timer_spec.tv_sec = until_ns / WEFT__NS_PER_S;
    kernel->timer_spec.tv_nsec = until_ns % WEFT__NS_PER_S;
    uint64_t timer = weft__op_user_data(WEFT__TAG_INTERNAL, WEFT__INTERNAL_TIMER, 1);
    if (kernel->timer_armed) {
        io_uring_prep_timeout_update(sqe, &kernel->timer_spec, timer, IORING_TIMEOUT_ABS);
        sqe->user_data = weft__op_user_data(WEFT__TAG_INTERNAL, WEFT__INTERNAL_TIMER_CHANGE, 1);
    } else {
        io_uring_prep_timeout(sqe, &kernel->timer_spec, 0, IORING_TIMEOUT_ABS);
        sqe->user_data = timer;
    }
    kernel->timer_armed = true;
    kernel->timer_until_ns = until_ns;
    return true;
}
