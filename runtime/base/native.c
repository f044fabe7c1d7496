#include "runtime/base/native.h"

#include <errno.h>
#include <time.h>

#include "runtime/base/clock.h"
#include "runtime/base/lock.h"

int weft__native_start(struct weft__native *out_native, void *(*body)(void *argument),
                       void *argument, const char *name)
{
    const struct weft__sim_ops *sim = weft__sim_here();

    out_native->coroutine = NULL;
    if (sim != NULL)
        return sim->start(body, argument, name, &out_native->coroutine);
    int rc = -pthread_create(&out_native->thread, NULL, body, argument);
    if (rc == 0)
        (void)pthread_setname_np(out_native->thread, name);
    return rc;
}

void weft__native_join(struct weft__native *native)
{
    const struct weft__sim_ops *sim = weft__sim_here();

    if (native->coroutine == NULL)
        (void)pthread_join(native->thread, NULL);
    else if (sim != NULL)
        sim->join(native->coroutine);
    native->coroutine = NULL;
}

bool weft__native_is_self(const struct weft__native *native)
{
    const struct weft__sim_ops *sim = weft__sim_here();

    if (native->coroutine != NULL)
        return sim != NULL && sim->is_self(native->coroutine);
    return pthread_equal(native->thread, pthread_self()) != 0;
}

/* ---- one pointer of each thread ---- */

static pthread_key_t key;
static void (*destroy_own)(void *pointer); /* (i) once it is defined */

int weft__native_own_define(void (*destroy)(void *pointer))
{
    destroy_own = destroy;
    return -pthread_key_create(&key, destroy);
}

void weft__native_end_own(void *pointer)
{
    destroy_own(pointer);
}

/* Where a coroutine has it; NULL: the caller is a thread. */
static void **own_of_coroutine(void)
{
    const struct weft__sim_ops *sim = weft__sim_here();
    return sim != NULL ? sim->own() : NULL;
}

void *weft__native_own(void)
{
    void **own = own_of_coroutine();
    return own != NULL ? *own : pthread_getspecific(key);
}

int weft__native_set_own(void *pointer)
{
    void **own = own_of_coroutine();

    if (own == NULL)
        return -pthread_setspecific(key, pointer);
    *own = pointer;
    return 0;
}

/* ---- a mutex with a condition ---- */

int weft__native_room_init(struct weft__native_room *room)
{
    pthread_condattr_t attributes;

    if (pthread_mutex_init(&room->mutex, NULL) != 0)
        return -ENOMEM;
    int rc = -pthread_condattr_init(&attributes);
    if (rc == 0) {
        (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        rc = -pthread_cond_init(&room->cond, &attributes);
        (void)pthread_condattr_destroy(&attributes);
    }
    if (rc != 0)
        (void)pthread_mutex_destroy(&room->mutex);
    return rc;
}

void weft__native_room_fini(struct weft__native_room *room)
{
    (void)pthread_cond_destroy(&room->cond);
    (void)pthread_mutex_destroy(&room->mutex);
}

/* A coroutine that held it would never go on if the only thread slept here. */
void weft__native_room_lock(struct weft__native_room *room)
{
    uint32_t looks = 0;

    if (weft__sim_here() == NULL) {
        (void)pthread_mutex_lock(&room->mutex);
        return;
    }
    weft__sim_point(WEFT__SIM_LOCK);
    while (pthread_mutex_trylock(&room->mutex) != 0)
        weft__lock_backoff(looks++);
}

void weft__native_room_unlock(struct weft__native_room *room)
{
    (void)pthread_mutex_unlock(&room->mutex);
}

int weft__native_room_wait(struct weft__native_room *room, int64_t until_ns)
{
    const struct weft__sim_ops *sim = weft__sim_here();
    struct timespec until = { .tv_sec = until_ns / WEFT__NS_PER_S,
                              .tv_nsec = until_ns % WEFT__NS_PER_S };

    if (sim == NULL)
        return -pthread_cond_timedwait(&room->cond, &room->mutex, &until);
    struct weft__sim_wait wait = { .word = &room->calls,
                                   .expected = weft__load_relaxed(&room->calls),
                                   .until_ns = until_ns };
    weft__native_room_unlock(room);
    int rc = sim->wait(&wait);
    weft__native_room_lock(room);
    return rc == -ETIMEDOUT ? rc : 0;
}

void weft__native_room_call(struct weft__native_room *room, bool all)
{
    const struct weft__sim_ops *sim = weft__sim_here();

    weft__bump(&room->calls);
    if (sim != NULL)
        sim->rouse();
    if (all)
        (void)pthread_cond_broadcast(&room->cond);
    else
        (void)pthread_cond_signal(&room->cond);
}
