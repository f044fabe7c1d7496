/* The file that some metrics read. */
#ifndef WEFT_TOOLS_BENCH_DATA_H
#define WEFT_TOOLS_BENCH_DATA_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Makes a file without a name, of @blocks blocks that begin with their numbers, in TMPDIR or
 * /var/tmp, and tells the children in the environment how to open it. It is kept for later calls,
 * grows when they want more, and goes with the process. Returns 0, or a negative errno with
 * *out_folder, where it did not work.
 */
int weft__data_make(uint64_t blocks, const char **out_folder);

#endif
