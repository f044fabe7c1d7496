/* The calls of <weft/fork.h>, for the other files of this folder. */
#ifndef WEFT_PAR_FORK_H
#define WEFT_PAR_FORK_H

#include "runtime/par/strand.h"

/* A new strand becomes that of its task, which runs. */
void weft__fork_adopt(struct weft__strand *strand);

#endif
