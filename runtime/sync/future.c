/*
 * Futures. Invariant: tasks stand in the line only until it is set, and the value does not change
 * after that. Whoever sets it copies the value to those whose wait it has claimed, so none of them
 * needs the future again, which may be released before they run.
 */
#include "runtime/sync/future.h"

#include <limits.h>
#include <string.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/sync/wait.h"

enum { bytes_max = 64 * 1024 };

static struct weft__future *future_of(struct weft__record *record)
{
    return WEFT__CONTAINER(record, struct weft__future, record);
}

static struct weft__record_cache *own_cache(void)
{
    struct weft__worker *worker = weft__self_worker();
    return worker != NULL ? &worker->records : NULL;
}

struct weft__future *weft__future_lock(weft_future handle, int *out_error)
{
    struct weft__record *record = weft__record_lock(handle, WEFT__KIND_FUTURE, out_error);
    return record != NULL ? future_of(record) : NULL;
}

int weft__future_read_locked(const struct weft__future *future, void *out_value)
{
    int outcome = weft__load_relaxed(&future->outcome);

    if (outcome == 0 && out_value != NULL && future->bytes > 0)
        memcpy(out_value, future->value, future->bytes);
    return outcome;
}

weft_future weft_future_create(size_t bytes)
{
    if (weft__wait_is_left())
        return -EOWNERDEAD;
    if (bytes > bytes_max)
        return -EINVAL;
    weft__record_define(WEFT__KIND_FUTURE, sizeof(struct weft__future));
    struct weft__record *record = weft__record_new(WEFT__KIND_FUTURE, own_cache());
    if (record == NULL)
        return weft__record_refusal();
    struct weft__future *future = future_of(record);
    future->bytes = (uint32_t)bytes;
    weft__store_relaxed(&future->outcome, WEFT__FUTURE_UNSET);
    future->value = future->inline_value;
    weft__line_init(&future->line);
    if (bytes > WEFT__FUTURE_INLINE)
        future->value = weft__memory_alloc(WEFT__NODE_LOCAL, bytes);
    if (future->value == NULL) {
        weft__record_free_locked(record, own_cache());
        return -ENOMEM;
    }
    weft__record_unlock(record);
    return weft__record_handle(record);
}

/* It is set now, and locked: serves all who wait, unlocks. Returns how many. */
static int serve(struct weft__future *future)
{
    struct weft__waiter *claimed = weft__line_claim_many(&future->line, INT_MAX,
                                                         weft__load_relaxed(&future->outcome));

    for (struct weft__waiter *waiter = claimed; waiter != NULL; waiter = waiter->next)
        (void)weft__future_read_locked(future, waiter->message);
    weft__record_unlock(&future->record);
    return (int)weft__line_wake_many(weft__self_worker(), claimed);
}

/* The locked future that is still to be set, or NULL with *out_error. */
static struct weft__future *lock_unset(weft_future handle, int *out_error)
{
    struct weft__future *future = weft__future_lock(handle, out_error);

    if (future == NULL || weft__load_relaxed(&future->outcome) == WEFT__FUTURE_UNSET)
        return future;
    weft__record_unlock(&future->record);
    *out_error = -EALREADY;
    return NULL;
}

int weft_future_set(weft_future future, const void *value)
{
    int rc = 0;
    struct weft__future *found = lock_unset(future, &rc);

    if (found == NULL)
        return rc;
    WEFT_NEED_BYTES(value, found->bytes);
    if (found->bytes > 0)
        memcpy(found->value, value, found->bytes);
    weft__store_relaxed(&found->outcome, 0);
    return serve(found);
}

int weft_future_fail(weft_future future, int error)
{
    int rc = 0;
    struct weft__future *found = lock_unset(future, &rc);

    if (found == NULL)
        return rc;
    if (error >= 0) {
        weft__record_unlock(&found->record);
        return -EINVAL;
    }
    weft__store_relaxed(&found->outcome, error);
    return serve(found);
}

/* Waits for @future, which is locked; unlocks it. */
static int wait_locked(struct weft__future *future, void *out_value, struct weft__task *task,
                       weft_deadline until)
{
    struct weft__waiter waiter = { .message = out_value };
    uint64_t life = weft__load_relaxed(&future->record.life);

    waiter.ticket = weft__park_begin(task, WEFT__REASON_FUTURE);
    weft__line_append(&future->line, &waiter);
    weft__record_unlock(&future->record);
    return weft__wait_on_record(weft__self_worker(), &future->record, life, &waiter, until);
}

int weft_future_fetch(weft_future future, void *out_value, weft_deadline until)
{
    int rc = 0;
    struct weft__task *task = weft__wait_self(weft__self_worker(), &rc);

    if (task == NULL)
        return future < 0 ? weft__record_error(future) : rc;
    struct weft__future *found = weft__future_lock(future, &rc);
    if (found == NULL)
        return rc;
    if (weft__load_relaxed(&found->outcome) == WEFT__FUTURE_UNSET && until.ns > 0)
        return wait_locked(found, out_value, task, until);
    rc = weft__future_read_locked(found, out_value);
    weft__record_unlock(&found->record);
    return rc == WEFT__FUTURE_UNSET ? -ETIMEDOUT : rc;
}

int weft_future_is_set(weft_future future)
{
    int rc = 0;
    struct weft__future *found = weft__future_lock(future, &rc);

    if (found == NULL)
        return rc;
    bool set = weft__load_relaxed(&found->outcome) != WEFT__FUTURE_UNSET;
    weft__record_unlock(&found->record);
    return set;
}

int weft_future_release(weft_future future)
{
    int rc = 0;
    struct weft__future *found = weft__future_lock(future, &rc);

    if (found == NULL)
        return rc;
    struct weft__waiter *claimed = weft__line_claim_many(&found->line, INT_MAX, -EPIPE);
    if (found->value != found->inline_value)
        weft__memory_free(found->value, found->bytes);
    weft__record_free_locked(&found->record, own_cache());
    (void)weft__line_wake_many(weft__self_worker(), claimed);
    return 0;
}
