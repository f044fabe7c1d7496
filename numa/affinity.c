#include <errno.h>

#include "numa/memory.h"
#include "numa/plan.h"
#include "runtime/base/sys.h"

enum {
    first_bits = 1024,
    word_bits = 8 * (int)sizeof(unsigned long),
};

/* Asks with a mask of @bits bits. -EINVAL when the kernel has more CPUs than that. */
static int get_with(uint32_t bits, struct weft__cpuset *out_set)
{
    struct weft__cpuset set = { .word_count = bits / (uint32_t)word_bits };

    set.words = weft__memory_alloc(WEFT__NODE_LOCAL, bits / 8);
    if (set.words == NULL)
        return -ENOMEM;
    int rc = weft__sys_get_affinity(0, bits / 8, set.words);
    if (rc < 0) {
        weft__cpuset_fini(&set);
        return rc;
    }
    weft__cpuset_fini(out_set);
    *out_set = set;
    return 0;
}

int weft__affinity_get(struct weft__cpuset *out_set)
{
    int rc = -EINVAL;

    for (uint32_t bits = first_bits; rc == -EINVAL && bits <= WEFT__CPUSET_MAX; bits *= 2)
        rc = get_with(bits, out_set);
    return rc;
}

int weft__affinity_pin(uint32_t cpu)
{
    struct weft__cpuset set = { .words = NULL };
    int rc = weft__cpuset_add(&set, cpu);

    if (rc == 0)
        rc = weft__sys_set_affinity(0, set.word_count * sizeof(*set.words), set.words);
    weft__cpuset_fini(&set);
    return rc == -ERANGE ? -EINVAL : rc;
}
