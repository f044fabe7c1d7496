/* What kind of thing a file is, as far as its transfers go. */
#ifndef WEFT_IO_NATURE_H
#define WEFT_IO_NATURE_H

#include "runtime/io/fd.h"

/* Of enum weft__fd_nature; a negative errno when the kernel does not tell. @fd is held. */
int weft__nature_of(struct weft__fd *fd);

#endif
