/* Where the peers' programs are, and why one is not. */
#ifndef WEFT_TOOLS_BENCH_PEERS_H
#define WEFT_TOOLS_BENCH_PEERS_H

#include <stddef.h>

/* The folder with the programs: beside this program, where make peers puts it; NULL: none. */
const char *weft__peers_folder(void);

/*
 * The program of one peer, good until the next call; NULL when there is none.
 * @out_reason: gets the reason then, good until the next call
 */
const char *weft__peers_program(const char *folder, const char *name, const char **out_reason);

#endif
