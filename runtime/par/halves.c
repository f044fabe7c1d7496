/*
 * Dynamic loops: a range is worked through chunk by chunk, and what is left of it is halved when a
 * worker has nothing to do. So a loop that nobody could help with is a plain loop, and one that
 * others help with is divided as often as they come, not more.
 *
 * A chunk grows until it takes about 10 us: its end is a poll point, and the only place where the
 * range is halved. A half is worth another worker's while when it takes longer than handing it
 * over: 2 us to one that is looking for work, 100 us to one that must be woken for it (a wake costs
 * 25 to 60 us, and 7 to 9 of them the waker's).
 *
 * BOUND recursion: each half is at most half as long as what it was taken from, so at most 64 deep.
 */
#include "runtime/base/clock.h"
#include "runtime/par/loop.h"
#include "runtime/par/poll.h"
#include "runtime/par/share.h"
#include "runtime/sched/yield.h"

enum { chunk_ns = 10000, hand_over_ns = 2000, wake_ns = 100000 };

struct piece {
    struct weft__loop *loop;
    size_t begin;
    size_t end;
    size_t chunk;
};

static size_t next_chunk(const struct piece *piece, size_t done, uint64_t took)
{
    uint64_t wanted = weft__clock_cycles_in(chunk_ns);

    if (piece->loop->grain != 0)
        return piece->loop->grain;
    if (took * 2 <= wanted)
        return done <= SIZE_MAX / 2 ? done * 2 : done;
    if (took <= wanted * 2 || done == 1)
        return done;
    return done / 2;
}

/* Whether half of what is left should go to somebody: @took is what the last @done took. */
static bool is_wanted(const struct weft__worker *worker, const struct piece *piece, size_t done,
                      uint64_t took)
{
    const struct weft__idle *idle = &worker->team->idle;
    size_t left = piece->end - piece->begin;

    if (left < 2 || left <= piece->loop->grain || weft__load_relaxed(&worker->offers.count) > 0 ||
        weft__load_relaxed(&weft__record_forked))
        return false;
    double rest = (double)took / (double)done * (double)left;
    if (weft__load_relaxed(&idle->searching) > 0)
        return rest >= (double)weft__clock_cycles_in(hand_over_ns);
    return weft__load_relaxed(&idle->sleeping) > 0 &&
           rest >= (double)weft__clock_cycles_in(wake_ns);
}

static int run_piece(weft_strand *strand, void *argument);

/* The fork runs its child at once when it has no memory, and may come back on another worker. */
static int halve(weft_strand *strand, struct piece *piece)
{
    struct piece upper = *piece;

    upper.begin += (piece->end - piece->begin) / 2;
    piece->end = upper.begin;
    (weft_fork)(strand, run_piece, &upper);
    (void)weft__share_offer(weft__self_worker(), weft__strand_of(strand));
    (void)run_piece(strand, piece);
    return (weft_fork_join)(strand);
}

/* Works through it until it is done, the loop is over, or it is halved. */
static int run_piece(weft_strand *strand, void *argument)
{
    struct piece *piece = argument;
    uint64_t begun = weft__clock_cycles();

    while (piece->begin < piece->end) {
        size_t left = piece->end - piece->begin;
        size_t done = piece->chunk < left ? piece->chunk : left;
        if (!weft__loop_call(piece->loop, piece->begin, piece->begin + done))
            break;
        piece->begin += done;
        uint64_t now = weft__clock_cycles();
        uint64_t took = now - begun;
        struct weft__worker *worker = weft__self_worker();
        piece->chunk = next_chunk(piece, done, took);
        if (worker != NULL && is_wanted(worker, piece, done, took))
            return halve(strand, piece);
        begun = weft__poll_chunk(weft__strand_of(strand), worker, now);
    }
    return 0;
}

int weft__halves_run(weft_strand *strand, void *argument)
{
    struct weft__loop *loop = argument;
    struct piece all = { loop, loop->begin, loop->end, loop->grain != 0 ? loop->grain : 1 };

    return run_piece(strand, &all);
}
