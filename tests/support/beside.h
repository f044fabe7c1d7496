/* Fork-join load beside whatever else a runtime does: all its workers get forked children. */
#ifndef WEFT_TESTS_SUPPORT_BESIDE_H
#define WEFT_TESTS_SUPPORT_BESIDE_H

#include <weft.h>

/* Starts it when WEFT_STRESS_FORKS is set, in a task that ends when the runtime stops. */
void beside_start(weft_runtime runtime);

#endif
