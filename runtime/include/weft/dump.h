/* What all tasks of the process do at this moment, as text; for a program that hangs. */
#ifndef WEFT_DUMP_H
#define WEFT_DUMP_H

#include <weft/base.h>

WEFT_BEGIN

/*
 * weft_dump - writes what every task does, and where
 * A line for each worker of each runtime: whether it runs a task, its loop, or sleeps. A line for
 * each task that has not ended: name, state, what it waits for and for about how long, its worker,
 * where it was spawned, the number of its stack. Then each different stack once, with how many
 * tasks stand there, and the executable mappings of the process. An address is followed by its file
 * and the offset in there, for addr2line. The text is for people: it changes between versions.
 *
 * It takes no lock and allocates nothing with malloc: it works when all workers are stuck, in a
 * signal handler, and while runtimes start and stop. What it tells is a moment's view, each task at
 * another moment. The time of a wait is counted from the worker's last look at the clock: too long
 * by up to the time for which the worker had run tasks since then. A stack is found along frame
 * pointers (-fno-omit-frame-pointer) and ends early, with a word, at code without them.
 *
 * The stack of a task that computes is asked from its thread with SIGURG; the handler is installed
 * at the first dump that needs it, and hands on to the one that the program had before what is not
 * for it. (Caught in the first instructions of a function, its caller is missing.) A task that sits
 * in a system call is not disturbed: the line says which call, and its innermost frames are a
 * guess. One whose thread does not answer within 0.1 s is shown without a stack.
 * @descriptor: a file, pipe or terminal that is open for writing
 * Returns:    how many tasks it has shown
 * Errors:     -EBADF, -EBUSY while another dump is being written, -ENOMEM for its tables, or what
 *             write(2) says, with its SIGPIPE; -EAGAIN when the file has not taken a byte for a
 *             second
 * Ownership:  the descriptor stays the caller's
 * Context:    any task, any thread, signal handler    Suspends: never; it blocks the thread while
 *             the file takes no bytes
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       a few microseconds for each task, and 3 MB of address space    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_dump(int descriptor);

/*
 * weft_dump_on - from now on, a signal makes a dump on standard error
 * The program goes on afterwards. SIGQUIT is the usual one: Ctrl-\ on a terminal, or kill -QUIT. It
 * comes to a thread that does not block it; workers block all such signals, so another thread of
 * the program must take it, as the main thread of weft_main does. The environment variable
 * WEFT_DUMP, with a name such as SIGQUIT or QUIT, does this at each start of a runtime.
 * @signal:    a signal that can be caught; what the program did at it before, it does no more
 * Returns:    0
 * Errors:     -EINVAL for a number that is no signal, or none that can be caught
 * Ownership:  the signal is weft's until the program sets its action anew
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       a system call    Node: none
 * Since:      0.1    Source: the JVM's and Go's use of SIGQUIT
 */
WEFT_API int weft_dump_on(int signal);

WEFT_END

#endif
