/*
 * Threads of the library's own, and what they wait with where a futex is not enough. They are the
 * operating system's, or coroutines of the simulation; nobody but this file can tell.
 */
#ifndef WEFT_BASE_NATIVE_H
#define WEFT_BASE_NATIVE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/sim.h"

struct weft__native {
    pthread_t thread;
    struct weft__coroutine *coroutine; /* in place of the thread; NULL: none */
};

/* Starts a thread; its signals are blocked as the caller's are. @name: up to 15 bytes. 0 or a
 * negative errno. */
int weft__native_start(struct weft__native *out_native, void *(*body)(void *argument),
                       void *argument, const char *name);
void weft__native_join(struct weft__native *native);
bool weft__native_is_self(const struct weft__native *native);

/* ---- one pointer of each thread ---- */

/* @destroy is called with the pointer at the end of a thread that has one. Once per process; 0 or a
 * negative errno. */
int weft__native_own_define(void (*destroy)(void *pointer));
void *weft__native_own(void);
void weft__native_end_own(void *pointer); /* at the end of a coroutine that has one */
int weft__native_set_own(void *pointer);  /* 0 or a negative errno */

/* ---- a mutex with a condition ---- */

struct weft__native_room {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    _Atomic uint32_t calls; /* how often somebody was called in; what coroutines sleep on */
};

int weft__native_room_init(struct weft__native_room *room); /* 0 or a negative errno */
void weft__native_room_fini(struct weft__native_room *room);
void weft__native_room_lock(struct weft__native_room *room);
void weft__native_room_unlock(struct weft__native_room *room);

/* Lets the lock go, sleeps until it is called or @until_ns, locks. 0 or -ETIMEDOUT; may wake for
 * nothing. */
int weft__native_room_wait(struct weft__native_room *room, int64_t until_ns);
void weft__native_room_call(struct weft__native_room *room, bool all); /* with the lock held */

#endif
