#include "tests/support/beside.h"

#include <stdlib.h>

#include "tests/support/stress.h"

enum { depth = 11, leaf = 100 };

static int grow(weft_strand *strand, void *argument)
{
    uint32_t below = *(const uint32_t *)argument - 1;

    if (below == 0) {
        (void)stress_compute(leaf);
        return 0;
    }
    weft_fork(strand, grow, &below);
    int rc = grow(strand, &below);
    return weft_fork_join(strand) + rc;
}

/* Tree after tree, as long as the runtime runs. */
static int load(void *argument)
{
    uint32_t height = depth;

    (void)argument;
    while (!weft_canceled()) {
        STRESS_EQUAL(weft_fork_run(grow, &height), 0);
        (void)weft_yield();
    }
    return 0;
}

static int begin(void *argument)
{
    STRESS_CHECK(weft_spawn(WEFT_DETACHED, load, argument, &WEFT_SPAWN_OPTIONS(.name = "forks")) >
                 0);
    return 0;
}

void beside_start(weft_runtime runtime)
{
    const char *wish = getenv("WEFT_STRESS_FORKS");

    if (wish != NULL && wish[0] != '\0')
        STRESS_EQUAL(weft_call(runtime, begin, NULL), 0);
}
