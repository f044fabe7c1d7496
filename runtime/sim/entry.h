/*
 * Names that were made, changed or removed and whose folder was not synced: a journal of how to
 * take that back. disk.h says what it is for.
 *
 * Changes of names reach the disk one after the other, as with a file system that has a journal of
 * its own, and each as a whole: a rename is never half. A sync of a folder takes the changes in
 * that folder to the disk, and leaves those in others where they are. A sync of a file is none of
 * its name.
 *
 * BOUND changes: 64; the oldest is on the disk when another comes. A folder that was lost but has
 * synced names in it stays. What is neither file, folder nor symbolic link does not come back, nor
 * does a removed file that can't be read.
 */
#ifndef WEFT_SIM_ENTRY_H
#define WEFT_SIM_ENTRY_H

#include <stdbool.h>

#include "runtime/base/sim.h"
#include "runtime/sim/loss.h"

/* Before and after a change of names; @done: it was one. */
void weft__entry_begin(const struct weft__sim_change *change);
void weft__entry_end(bool done);

/* The names in an open folder are on the disk. */
void weft__entry_sync(int folder);

/* Takes back what is lost; after the content of files was lost. */
void weft__entry_lose(enum weft__loss loss);

#endif
