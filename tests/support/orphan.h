/* Processes that a test starts never outlive it, however it ends. */
#ifndef WEFT_TESTS_SUPPORT_ORPHAN_H
#define WEFT_TESTS_SUPPORT_ORPHAN_H

#include <sys/types.h>

/* The calling process, a child of @parent, is killed when the thread ends that has made it; at once
 * when that was before. Holds across exec. */
void orphan_ends(pid_t parent);

#endif
