#include "runtime/io/cached.h"

#include <sys/uio.h>

#include "runtime/base/fallback.h"
#include "runtime/base/sys_io.h"
#include "uring/faults.h"

enum { misses_most = 6 };

/* Whether a read of @fd should look into the cache first. */
static bool is_worth_it(struct weft__fd *fd, const struct weft__worker *worker, weft_deadline until)
{
    const struct weft__task *task = weft__worker_task(worker);

    if (weft__load_relaxed(&fd->nature) != WEFT__FD_CACHED || task == NULL ||
        !weft__step_is_alone(worker) || weft__task_canceled(task) || until.ns <= 0 ||
        weft__load_relaxed(&weft__faults_armed)) /* a plan is for operations */
        return false;
    uint8_t cold = weft__load_relaxed(&fd->cold);
    if (WEFT__LIKELY(cold == 0))
        return true;
    weft__store_relaxed(&fd->cold, (uint8_t)(cold - 1));
    return false;
}

static void note_miss(struct weft__fd *fd)
{
    uint8_t misses = weft__load_relaxed(&fd->misses);

    if (misses < misses_most)
        weft__store_relaxed(&fd->misses, ++misses);
    weft__store_relaxed(&fd->cold, (uint8_t)((1u << misses) - 1));
}

ssize_t weft__cached_read(struct weft__fd *fd, const struct iovec *parts, size_t part_count,
                          int64_t offset, weft_deadline until)
{
    struct weft__worker *worker = weft__self_worker();

    if (!is_worth_it(fd, worker, until))
        return -EAGAIN;
    weft__bump(&worker->counters.system_calls);
    ssize_t count = weft__sys_io_readv(fd->number, parts, (int)part_count, offset, RWF_NOWAIT);
    if (WEFT__UNLIKELY(count < 0)) {
        WEFT__FALLBACK(CACHED_READ_MISSED);
        note_miss(fd);
        return -EAGAIN;
    }
    if (WEFT__UNLIKELY(weft__load_relaxed(&fd->misses) != 0))
        weft__store_relaxed(&fd->misses, 0);
    return count;
}
