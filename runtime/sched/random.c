/*
 * Generators that can be split. That of a task is a value of a task local which is inherited: so
 * spawns of programs that want no random numbers pay nothing.
 *
 * The state runs through all numbers in steps of an odd constant, and is mixed on its way out; the
 * lineage does the same for splits, apart from the state, so that neither disturbs the other.
 *
 * REJECTED a seed in each task's record: it has no room left, and every spawn would pay.
 */
#include <pthread.h>
#include <weft/local.h>
#include <weft/random.h>

#include "numa/memory.h"
#include "runtime/base/atomic.h"
#include "runtime/base/check.h"
#include "runtime/base/clock.h"
#include "runtime/task/record.h"

static const uint64_t golden = UINT64_C(0x9E3779B97F4A7C15); /* 2^64 over the golden ratio */
static const uint64_t splits = UINT64_C(0xD1B54A32D192ED03); /* another odd one */

/* Stafford's variant 13 of the finaliser of MurmurHash3, as in SplitMix64. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

void weft_random_seed(weft_random *random, uint64_t seed)
{
    WEFT_NEED(random);
    random->state = mix(seed + golden);
    random->lineage = mix(seed + splits);
}

uint64_t weft_random_next(weft_random *random)
{
    WEFT_NEED(random);
    random->state += golden;
    return mix(random->state);
}

void weft_random_split(weft_random *random, weft_random *out_child)
{
    WEFT_NEED(random);
    WEFT_NEED(out_child);
    random->lineage += splits;
    out_child->state = mix(random->lineage);
    out_child->lineage = mix(out_child->state ^ splits);
}

/* ---- those of tasks ---- */

static weft_local key = -ENOMEM;

static void *inherit(void *value)
{
    weft_random *child = weft__memory_alloc(WEFT__NODE_LOCAL, sizeof(*child));

    if (child != NULL)
        weft_random_split(value, child);
    return child;
}

static void destroy(void *value)
{
    weft__memory_free(value, sizeof(weft_random));
}

static void make_key(void)
{
    const weft_local_options options = { sizeof(options), destroy, inherit };
    key = weft_local_create(&options);
}

/* Another one each time, also for two that ask at the same moment. */
static uint64_t unknown_seed(const weft_random *own)
{
    static _Atomic uint64_t asked;
    uint64_t number = weft__add_relaxed(&asked, 1);
    uint64_t place = mix((uint64_t)(uintptr_t)own);

    return weft__sim_random(mix((uint64_t)weft__clock_now() + number * golden) ^ place);
}

weft_random *weft_random_self(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (weft__load_relaxed(&weft__record_forked))
        return NULL;
    (void)pthread_once(&once, make_key);
    weft_random *own = weft_local_get(key);
    if (own != NULL)
        return own;
    own = weft__memory_alloc(WEFT__NODE_LOCAL, sizeof(*own));
    if (own == NULL)
        return NULL;
    weft_random_seed(own, unknown_seed(own));
    if (weft_local_set(key, own) == 0)
        return own;
    weft__memory_free(own, sizeof(*own));
    return NULL;
}
