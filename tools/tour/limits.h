/* What all ways keep to. */
#ifndef WEFT_TOOLS_TOUR_LIMITS_H
#define WEFT_TOOLS_TOUR_LIMITS_H

#include <stddef.h>
#include <stdint.h>
#include <weft.h>

enum { WEFT__LIMITS_BLOCK_BYTES = 64 * 1024 }; /* read at a time */

/* A file that gives nothing for so long is none to count: some of /proc wait for an event. */
#define WEFT__LIMITS_PATIENCE (10 * WEFT_SECOND)

/*
 * Files that the kernel makes up while they are read may have no end that anybody reaches: pagemap
 * of /proc is hundreds of gigabytes long and says that it is empty. One that has given so much,
 * although it states less or lies in /proc, is given up; all ways keep to that, so they still find
 * the same.
 */
#define WEFT__LIMITS_ENDLESS_BYTES (UINT64_C(16) << 20)

/*
 * Asked after each read of a file.
 * @before, @after:  bytes of it that had been and have been read
 * Returns:          0, or -EFBIG when the file is to be given up
 */
int weft__limits_check(const char *path, uint64_t before, uint64_t after);

/* How many files or folders to have open at once: at most hundreds, and what the system allows. */
size_t weft__limits_open_files(void);

#endif
