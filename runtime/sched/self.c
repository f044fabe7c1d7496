/*
 * The one accessor that ties a worker to an OS thread, and the one thread-local of the runtime.
 * gcc 12 at -O2 keeps the address of a thread-local across a call that moves the task to another
 * thread (measured for errno and for __thread); so the variable stays behind a call that the
 * compiler may neither inline nor merge.
 */
#include "runtime/sched/worker.h"

extern _Thread_local struct weft__worker *weft__self_slot;
_Thread_local struct weft__worker *weft__self_slot __attribute__((tls_model("initial-exec")));

WEFT__NOIPA struct weft__worker *weft__self_worker(void)
{
    __asm__ volatile("" ::: "memory");
    return weft__self_slot;
}

WEFT__NOIPA void weft__self_set(struct weft__worker *worker)
{
    weft__self_slot = worker;
}
