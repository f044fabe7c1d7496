/*
 * What files held before the changes that were not synced: a journal for each such file, with what
 * was in its sectors before each change, and how long it was. disk.h says which files, and what
 * that is for.
 *
 * After a loss of power a sector holds what it held at some moment between the last sync and the
 * loss; so does the length. Sectors are whole, and each may be of another moment when the loss is
 * a torn one. What is beyond the data that reached the disk is zeros. Cutting a file short is one
 * step: what was cut off comes back as a whole if the cut is lost, and if it is not lost, what was
 * there before it does not come back.
 *
 * BOUND files: 64 that have unsynced changes; the one that began first is taken for synced when
 * another comes. A file that can't be opened again, or whose journal would hold more than 256 MiB,
 * or has no memory, is taken for synced, too.
 */
#ifndef WEFT_SIM_SECTOR_H
#define WEFT_SIM_SECTOR_H

#include <stdint.h>

#include "runtime/sim/loss.h"

/* Before the bytes from @from up to @to are changed, or become part of the file. */
void weft__sector_change(int fd, int64_t from, int64_t to);

/* Before the file gets the length @bytes. */
void weft__sector_resize(int fd, int64_t bytes);

/* All that it holds is on the disk. */
void weft__sector_sync(int fd);

/* Puts all files to what is left of them. */
void weft__sector_lose(enum weft__loss loss);

#endif
