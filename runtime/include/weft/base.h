/* Attributes, version, and the rules on handles, options and fork that all headers share. */
#ifndef WEFT_BASE_H
#define WEFT_BASE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WEFT_VERSION_MAJOR 0
#define WEFT_VERSION_MINOR 1
#define WEFT_VERSION_PATCH 0

#define WEFT_API __attribute__((visibility("default")))
#define WEFT_MUST_USE __attribute__((warn_unused_result))
#define WEFT_PRINTF(format_index, first_index) \
    __attribute__((format(printf, format_index, first_index)))

#ifdef __cplusplus
#define WEFT_BEGIN extern "C" {
#define WEFT_END }
#else
#define WEFT_BEGIN
#define WEFT_END
#endif

/*
 * Handles. A task, scope, channel, timer, future, notifier, task local, file, folder or runtime is
 * named by a 64-bit handle. A handle is positive; a negative one is an errno that the making call
 * met, and every call that is given it returns it unchanged. A handle knows its kind and its
 * generation: one that is stale, truncated or of another kind is an error (-ESRCH, for files and
 * folders -EBADF), never somebody else's object.
 */
typedef int64_t weft_task;
typedef int64_t weft_scope;
typedef int64_t weft_chan;
typedef int64_t weft_timer;
typedef int64_t weft_future;
typedef int64_t weft_fd;
typedef int64_t weft_dir;
typedef int64_t weft_runtime;
typedef int64_t weft_local;
typedef int64_t weft_notifier;

/*
 * Options. A call with options takes a struct that begins with its size; NULL means defaults. In C
 * and in C++ a variable is made with the defaults, and then changed:
 *     weft_spawn_options options = WEFT_SPAWN_OPTIONS_INIT;
 *     options.name = "reader";
 * In C there is an expression as well: WEFT_SPAWN_OPTIONS(.name = "reader").
 */

/*
 * Fork. When a process that has started a runtime or made a handle forks, every call in the child
 * answers -EOWNERDEAD, whatever its arguments and its list of errors; a child calls exec, or _exit.
 * Exempt are the calls that need nothing of the parent's: weft_version, weft_clock, weft_after,
 * weft_error_name, weft_fail (its code), weft_canceled (0), weft_local_get and weft_random_self
 * (NULL), weft_policy_named, weft_main (2, and a sentence on standard error), and those on the
 * caller's own storage that return nothing or a number: weft_mutex_init and its sisters,
 * weft_random_next and its, weft_content_release; and weft_fork with its joins, in a body that
 * forked before: but a child that was offered to another worker answers so at its join. A child
 * that returns from the body of a task is ended by SIGABRT, with a sentence. A process that has
 * only printed, or used the exempt calls, may fork and go on.
 */

WEFT_BEGIN

/*
 * weft_version - the version of the library that runs, "0.1.0"
 * Compare with WEFT_VERSION_MAJOR and its sisters, which tell what a program was compiled against.
 * Returns:    a string that lives as long as the program
 * Errors:     none
 * Ownership:  lent
 * Context:    any thread, any task, signal handler    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       none    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API const char *weft_version(void);

WEFT_END

#endif
