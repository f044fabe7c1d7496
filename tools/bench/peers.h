/* Where the peers' programs are, and why one is not. */
#ifndef WEFT_TOOLS_BENCH_PEERS_H
#define WEFT_TOOLS_BENCH_PEERS_H

#include <stdbool.h>

/* The folder with the programs: beside this program, where make peers puts it; NULL: none. */
const char *weft__peers_folder(void);

/*
 * Runs make peers when this program lies in the folder in which it was built, and says so on
 * standard error. Returns false when it does not, or when a peer that has all it needs did not
 * compile; the others are there all the same.
 */
bool weft__peers_build(void);

/*
 * The program of one peer, good until the next call; NULL when there is none.
 * @out_reason: gets the reason then, good until the next call
 */
const char *weft__peers_program(const char *folder, const char *name, const char **out_reason);

#endif
