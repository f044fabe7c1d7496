/*
 * Guided loops: as many children as there are workers take shares of one range, each half of what
 * would be a worker's equal share of the rest. For bodies whose cost the beginning of the range
 * does not tell.
 */
#include "runtime/par/loop.h"
#include "runtime/par/poll.h"
#include "runtime/par/share.h"
#include "runtime/sched/runtime.h"

enum { most_takers = 64 };

struct shares {
    struct weft__loop *loop;
    _Atomic uint64_t next; /* the first index that nobody has taken */
    uint32_t takers;
};

/* The next share, [*out_begin, *out_end). False: none is left. */
static bool take(struct shares *shares, size_t *out_begin, size_t *out_end)
{
    const struct weft__loop *loop = shares->loop;
    size_t least = loop->grain != 0 ? loop->grain : 1;
    uint64_t next = weft__load_relaxed(&shares->next);
    size_t count;

    do {
        if (next >= loop->end)
            return false;
        size_t left = loop->end - next;
        count = left / (2 * shares->takers);
        count = count < least ? least : count;
        count = count < left ? count : left;
    } while (!weft__cas_relaxed(&shares->next, &next, next + count));
    *out_begin = next;
    *out_end = next + count;
    return true;
}

static int take_all(weft_strand *strand, void *argument)
{
    struct shares *shares = argument;
    size_t begin = 0;
    size_t end = 0;

    while (take(shares, &begin, &end) && weft__loop_call(shares->loop, begin, end))
        (void)weft__poll_chunk(weft__strand_of(strand), weft__self_worker(), 0);
    return 0;
}

int weft__shares_run(weft_strand *strand, void *argument)
{
    struct weft__worker *worker = weft__self_worker();
    struct shares shares = { .loop = argument, .takers = 1 };

    weft__store_relaxed(&shares.next, shares.loop->begin);
    if (worker != NULL)
        shares.takers = worker->team->count;
    if (shares.takers > most_takers)
        shares.takers = most_takers;
    for (uint32_t i = 1; i < shares.takers; i++)
        (weft_fork)(strand, take_all, &shares);
    if (worker != NULL) /* by now perhaps another one: without memory the first child has run */
        weft__share_offer_all(weft__self_worker(), weft__strand_of(strand));
    (void)take_all(strand, &shares);
    for (uint32_t i = 1; i < shares.takers; i++)
        (void)(weft_fork_join)(strand);
    return 0;
}
