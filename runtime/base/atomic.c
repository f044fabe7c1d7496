/* The word behind weft__fence_store_load in ThreadSanitizer builds. */
#include "runtime/base/atomic.h"

extern _Atomic uint32_t weft__fence_word;
_Atomic uint32_t weft__fence_word;
