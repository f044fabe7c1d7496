#include "runtime/sched/handle.h"

#include "runtime/base/lock.h"
#include "runtime/sched/error.h"

struct handle {
    struct weft__record record;
    _Atomic(struct weft__runtime *) runtime; /* written under the lock */
};

static struct handle *handle_of(struct weft__record *record)
{
    return WEFT__CONTAINER(record, struct handle, record);
}

weft_runtime weft__handle_make(struct weft__runtime *runtime)
{
    weft__record_define(WEFT__KIND_RUNTIME, sizeof(struct handle));
    struct weft__record *record = weft__record_new(WEFT__KIND_RUNTIME, NULL);

    if (record == NULL)
        return -ENOMEM;
    weft__store_relaxed(&handle_of(record)->runtime, runtime);
    weft__record_unlock(record);
    return weft__record_handle(record);
}

struct weft__runtime *weft__handle_pin(weft_runtime handle, int *out_error)
{
    struct weft__record *record = weft__record_lock(handle, WEFT__KIND_RUNTIME, out_error);
    struct weft__runtime *runtime = NULL;

    if (record == NULL)
        return NULL;
    if (weft__record_has(record, WEFT__LIFE_RELEASED)) {
        *out_error = -ESRCH;
    } else {
        weft__record_pin_locked(record);
        runtime = weft__load_relaxed(&handle_of(record)->runtime);
    }
    weft__record_unlock(record);
    return runtime;
}

void weft__handle_unpin(weft_runtime handle)
{
    int rc = 0;
    struct weft__record *record = weft__record_lock(handle, WEFT__KIND_RUNTIME, &rc);

    if (record == NULL)
        return;
    weft__record_unlock(record);
    weft__record_unpin(record);
}

const struct weft__runtime *weft__handle_glance(struct weft__record *record)
{
    uint64_t life = weft__load_acquire(&record->life); /* LIFE B2 */
    const struct weft__runtime *runtime = weft__load_relaxed(&handle_of(record)->runtime);

    return (life & WEFT__LIFE_FREE) == 0 ? runtime : NULL;
}

static struct weft__record *record_of(const struct weft__runtime *runtime)
{
    uint64_t generation = 0;
    return weft__record_find(runtime->handle, WEFT__KIND_RUNTIME, &generation);
}

void weft__handle_keep(struct weft__runtime *runtime)
{
    struct weft__record *record = record_of(runtime);

    weft__record_lock_own(record);
    weft__record_pin_locked(record);
    weft__record_unlock(record);
}

void weft__handle_let_go(struct weft__runtime *runtime)
{
    weft__record_unpin(record_of(runtime));
}

struct weft__runtime *weft__handle_retire(weft_runtime handle, int *out_error)
{
    struct weft__record *record = weft__record_lock(handle, WEFT__KIND_RUNTIME, out_error);
    struct weft__runtime *runtime = NULL;

    if (record == NULL)
        return NULL;
    if (weft__record_has(record, WEFT__LIFE_RELEASED)) {
        *out_error = -ESRCH;
    } else {
        weft__record_set_locked(record, WEFT__LIFE_RELEASED);
        runtime = weft__load_relaxed(&handle_of(record)->runtime);
    }
    weft__record_unlock(record);
    return runtime;
}

void weft__handle_free(weft_runtime handle)
{
    int rc = 0;

    for (uint32_t looks = 0;; weft__lock_backoff(looks++)) { /* those inside weft_call leave soon */
        struct weft__record *record = weft__record_lock(handle, WEFT__KIND_RUNTIME, &rc);
        if (record == NULL)
            return;
        if (WEFT__LIFE_PINS(weft__load_relaxed(&record->life)) == 0) {
            weft__record_free_locked(record, NULL);
            return;
        }
        weft__record_unlock(record);
    }
}

struct weft__runtime *weft__runtime_find(weft_runtime handle, int *out_error)
{
    struct weft__worker *worker = weft__self_worker();

    if (worker != NULL && (handle == 0 || handle == worker->runtime->handle))
        return worker->runtime;
    if (handle == 0) {
        *out_error = weft__error_outside();
        return NULL;
    }
    return weft__handle_pin(handle, out_error);
}

void weft__runtime_found(struct weft__runtime *runtime)
{
    struct weft__worker *worker = weft__self_worker();

    if (worker == NULL || worker->runtime != runtime)
        weft__handle_let_go(runtime);
}
