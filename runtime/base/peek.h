/*
 * Copies of memory that other threads change, free or unmap meanwhile. A copy may be torn, and is
 * checked by whoever asked for it; but asking never faults, and takes no lock. Usable in a signal
 * handler.
 */
#ifndef WEFT_BASE_PEEK_H
#define WEFT_BASE_PEEK_H

#include <stdbool.h>
#include <stddef.h>

struct weft__peek {
    bool refused; /* process_vm_readv is: copies go through the pipe */
    int ends[2];  /* negative: not made */
};

void weft__peek_open(struct weft__peek *peek);
void weft__peek_close(struct weft__peek *peek);

/* Copies @bytes to @to. False: some of them are not readable; @to is undefined then. */
bool weft__peek_copy(struct weft__peek *peek, const void *from, void *to, size_t bytes);

#endif
