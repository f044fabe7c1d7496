/* mutex_4t_1w, mutex_4t_2w: four tasks lock a mutex, add one and unlock it, each in a loop. */
#include "tools/bench/body.h"

#include <weft.h>

#include "tools/bench/checksum.h"

struct guarded {
    weft_mutex mutex;
    uint64_t sum;
    uint64_t each; /* additions of each task */
};

static int add_up(void *argument)
{
    struct guarded *guarded = argument;
    int rc = 0;

    for (uint64_t i = 0; i < guarded->each; i++) {
        rc = weft_mutex_lock(&guarded->mutex, WEFT_NEVER);
        if (rc < 0)
            return rc;
        guarded->sum++;
        (void)weft_mutex_unlock(&guarded->mutex);
    }
    return rc;
}

int weft__body_mutex_run(void *argument)
{
    struct weft__body_run *run = argument;
    struct guarded guarded = { WEFT_MUTEX_INIT, 0, run->count / weft__checksum_lockers };
    uint32_t workers = (uint32_t)weft_worker_count(0);

    int64_t start_ns = weft_clock();
    weft_scope scope = weft_scope_open(NULL);
    for (uint32_t i = 0; i < weft__checksum_lockers; i++) {
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(i % workers));
        (void)weft_spawn(scope, add_up, &guarded, &options);
    }
    int rc = weft_scope_close(scope);
    int64_t elapsed_ns = weft_clock() - start_ns;

    weft_mutex_fini(&guarded.mutex);
    run->value = (double)elapsed_ns / (double)run->count;
    run->checksum = guarded.sum;
    return rc;
}
