#include "tests/support/engine_log.h"

#include "runtime/base/clock.h"

void weft__upcall_completed(void *owner, void *waiter, int32_t result, uint32_t flags)
{
    struct engine_log *log = owner;

    if (log == NULL)
        return;
    if (log->count < ENGINE_LOG_MAX) {
        log->entries[log->count].waiter = waiter;
        log->entries[log->count].result = result;
        log->entries[log->count].flags = flags;
    }
    log->count++;
}

void weft__upcall_room(void *owner)
{
    struct engine_log *log = owner;

    if (log != NULL)
        log->rooms++;
}

bool engine_log_wait(struct weft__engine *engine, const struct engine_log *log, uint32_t count)
{
    int64_t until_ns = weft__clock_now() + 5 * WEFT__NS_PER_S;

    while (log->count < count && weft__clock_now() < until_ns) {
        if (weft__engine_wait(engine, until_ns) < 0)
            return false;
    }
    return log->count >= count;
}

uint32_t engine_log_of(const struct engine_log *log, const void *waiter)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < log->count && i < ENGINE_LOG_MAX; i++)
        found += log->entries[i].waiter == waiter;
    return found;
}
