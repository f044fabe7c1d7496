/*
 * Task locals: values that belong to the running task, each found by a key that all tasks share.
 * A thread-local variable does not do for a task: others of its worker see it, and a migratable
 * task leaves it behind. Threads that are no workers have values of their own, too.
 */
#ifndef WEFT_LOCAL_H
#define WEFT_LOCAL_H

#include <weft/base.h>

/*
 * @destroy: called with each value that is not NULL when the task has ended its body, or the thread
 *           ends; NULL: nothing is called
 * @inherit: called with a value of whoever spawns a task, before that task can run; what it returns
 *           is the new task's value, NULL: none. It may not wait (-EPERM) nor look at locals, and
 *           neither may a destroy for a task that gets no further. NULL: new tasks begin without a
 *           value
 */
typedef struct weft_local_options {
    size_t size; /* sizeof(weft_local_options) */
    void (*destroy)(void *value);
    void *(*inherit)(void *value);
} weft_local_options;

#define WEFT_LOCAL_OPTIONS_INIT { sizeof(weft_local_options), NULL, NULL }
#ifndef __cplusplus
#define WEFT_LOCAL_OPTIONS(...) \
    ((weft_local_options){ .size = sizeof(weft_local_options), __VA_ARGS__ })
#endif

WEFT_BEGIN

/*
 * weft_local_create - makes a key, under which every task has a value, NULL at first
 * @options:   made with WEFT_LOCAL_OPTIONS or WEFT_LOCAL_OPTIONS_INIT; NULL for values that nobody
 *             destroys or inherits
 * Returns:    the key
 * Errors:     -EINVAL for a wrong size, -ENOMEM
 * Ownership:  the caller owns the key until weft_local_release
 * Context:    any task, any thread, also before a runtime is started    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       a record; once a key is inherited, each spawn looks for values    Node: local
 * Since:      0.1    Source: pthread_key_create(3)
 */
WEFT_API WEFT_MUST_USE weft_local weft_local_create(const weft_local_options *options);

/*
 * weft_local_release - ends a key
 * Values under it are forgotten, and not destroyed: by then the program has none, or knows where
 * they are.
 * @key:       a key; stale afterwards
 * Returns:    0
 * Errors:     -ESRCH
 * Ownership:  the key is given back; the values are the caller's
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none; a destroy that has begun may still run
 * Cost:       one lock    Node: none
 * Since:      0.1    Source: pthread_key_delete(3)
 */
WEFT_API int weft_local_release(weft_local key);

/*
 * weft_local_set - gives the running task a value
 * Nothing is called for the value that it had. A value of NULL is none. When the body has returned
 * and what it deferred (weft_defer) has run, the values are destroyed on the task's stack: the one
 * whose key was set first is the last one, each is NULL by then for those who look. What a destroy
 * sets is destroyed, too, in up to 4 rounds (starting value), then forgotten. A destroy may wait,
 * shielded as deferred functions are. Values of the thread that ends the process are not destroyed.
 * @key:       a key
 * @value:     the value
 * Returns:    0
 * Errors:     -ESRCH, -ENOMEM (the task's first value, or its 5th, 9th, 17th ... key), -EPERM in a
 *             callback of the runtime
 * Ownership:  the value is the task's, until another is set or its destroy is called
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   a destroy happens-before the return of a wait for the task
 * Cost:       one or two allocations for a first value    Node: local
 * Since:      0.1    Source: pthread_setspecific(3)
 */
WEFT_API WEFT_MUST_USE int weft_local_set(weft_local key, void *value);

/*
 * weft_local_get - the value of the running task
 * @key:       a key
 * Returns:    the value, NULL when there is none
 * Errors:     NULL for a stale key, and in a callback of the runtime
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       about 7 ns, and 1 for each key that the task has set before this one    Node: none
 * Since:      0.1    Source: pthread_getspecific(3)
 */
WEFT_API void *weft_local_get(weft_local key);

WEFT_END

#endif
