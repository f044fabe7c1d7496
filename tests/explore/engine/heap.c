/* Memory with a node: each block is given once in an execution, so that who uses one too late is
 * found. */
#include <string.h>

#include "numa/memory.h"
#include "tests/explore/engine/engine.h"

enum { HEAP_BYTES = 64 * 1024, LINE = 64 };

static _Alignas(LINE) char heap[HEAP_BYTES];
static size_t taken; /* from the bottom */
static size_t lent;
static int poor;

void heap_reset(void)
{
    memset(heap, 0, taken);
    taken = lent = 0;
    poor = -1;
}

void *weft__memory_alloc(int node_index, size_t bytes)
{
    (void)node_index;
    if (current != 0 && explore_self() == poor)
        return NULL;
    EXPLORE_NEED(bytes <= HEAP_BYTES - taken, "the explorer: an execution allocates too much");
    void *block = heap + taken;
    taken += (bytes + LINE - 1) / LINE * LINE;
    lent += bytes;
    return block;
}

void weft__memory_free(void *block, size_t bytes)
{
    if (block == NULL)
        return;
    lent -= bytes;
    explore_free(block, bytes);
}

size_t explore_lent(void)
{
    return lent;
}

void explore_impoverish(int thread)
{
    poor = thread;
}
