/* What all tasks of the process do at this moment, as text; for a program that hangs. */
#ifndef WEFT_DUMP_H
#define WEFT_DUMP_H

#include <weft/base.h>

WEFT_BEGIN

/*
 * weft_dump - writes what every task does, and where
 * A line for each worker of each runtime: which task it runs, or that it sleeps. A line for each
 * task that has not ended: name, state, what it waits for and for about how long, its worker, where
 * it was spawned, the number of its stack. Then each different stack once, with how many tasks
 * stand there, and the executable mappings of the process. An address is followed by its file and
 * the offset in there, for addr2line. The text is for people: it changes between versions.
 *
 * It takes no lock, asks no task for anything but its stack, and allocates nothing with malloc: it
 * works when all workers are stuck, in a signal handler, and while runtimes start and stop. What it
 * tells is a moment's view, each task at another moment: one that switches just then may be shown
 * as it was a microsecond before. The time of a wait is counted from the worker's last look at the
 * clock: too long by up to the time for which the worker ran tasks since then. A stack is found
 * along frame pointers (-fno-omit-frame-pointer) and ends early, with a word, at code without them.
 * @descriptor: a file, pipe or terminal that is open for writing
 * Returns:    how many tasks it has shown
 * Errors:     -EBADF, -EBUSY while another dump is being written, -ENOMEM for its tables, or what
 *             write(2) says; -EAGAIN when the file has not taken a byte for a second
 * Ownership:  the descriptor stays the caller's
 * Context:    any task, any thread, signal handler    Suspends: never; it blocks the thread while
 *             the file takes no bytes
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       a few microseconds for each task, and 3 MB of address space    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API int weft_dump(int descriptor);

WEFT_END

#endif
