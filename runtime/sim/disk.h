/*
 * The disk of a simulation: real files, of which a loss of power takes what was not synced, and
 * which have no more room than they are given. WEFT_SIM=crash=N, crash-at=N and disk=BYTES ask for
 * it; else files are as they are, and nothing of this runs.
 *
 * Vocabulary: a *change* is one operation that changes what regular files hold, their length or
 * their names, or syncs them, whether it succeeds or not. A *loss* is what a loss of power does to
 * the changes that were not synced.
 *
 * What is durable when:
 *   - content and length of a file: when an fsync or fdatasync of it has ended well, by whichever
 *     descriptor; of a file that is written with O_SYNC or O_DSYNC: when the write has.
 *   - a name (made, removed, renamed): when an fsync of its folder has ended well. Not when its
 *     file is synced.
 *   - nothing else, but it may be: a close, the time, the end of the program guarantee nothing; nor
 *     does a sync that fails, after which another one may succeed, as it may not on Linux.
 * What is there after a loss is said in sector.h (content) and entry.h (names), how much of it is
 * lost in loss.h. Content and names are lost independently: a file may have its new name and none
 * of its content.
 *
 * The loss comes at a change: that one is under way, so it is one of those that may be lost, and
 * nobody hears of its end; a sync under way makes nothing durable. Then the files are put to what
 * is left of them, the seed and the change are told, and the process ends with the status 75 at
 * once: no function of atexit(3) runs, and of stdio only what was printed on standard output is
 * written. The same program started again finds what a machine that lost its power would find.
 *
 * Room is counted in bytes of length, holes too. Of a write that needs more than there is left a
 * part is written; when there is no room at all it ends with ENOSPC, as does what makes a file
 * longer in other ways. What is cut off, or loses its last name, gives its room back.
 *
 * Not of the disk: standard input, output and error, whatever they are; what the program does
 * through a mapping, or without weft, whose writes are durable at once and whose syncs are none;
 * mode, owner and times; and what other programs do meanwhile.
 *
 * REJECTED a disk in memory: the program that recovers is another process, and the files are to be
 *   looked at with what the user has.
 * REJECTED a log of writes that is replayed on a copy, as others do below the file system: it
 *   needs a block device, and shows what one file system makes of it, which is more than it
 *   promises.
 */
#ifndef WEFT_SIM_DISK_H
#define WEFT_SIM_DISK_H

#include "runtime/base/sim.h"
#include "runtime/sim/wish.h"

enum { WEFT__DISK_LOST = 75 }; /* EX_TEMPFAIL of sysexits.h: to be tried again */

/* NULL when nothing is wished of it. */
const struct weft__sim_disk *weft__disk_begin(const struct weft__wish *wish);

#endif
