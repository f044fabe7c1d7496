/*
 * The four ways are what a user would write: a plain loop; halves that are forked and joined; a
 * parallel loop whose parts add to one total under a mutex; a reduction. A word that is cut by the
 * end of a piece is counted once: where pieces are joined in order, by weft__count_join; where they
 * come in any order, by a look at what is before the piece.
 */
#include "tools/tour/threads.h"

#include <stdlib.h>
#include <string.h>
#include <weft.h>

#include "tools/tour/hold.h"

enum { PIECE_BYTES = 64 * 1024 };

const struct weft__threads_way weft__threads_ways[WEFT__THREADS_WAYS] = {
    { "one_task", "one task", "from the beginning to the end" },
    { "fork_and_join", "fork and join",
      "each half forks its second half, down to 64 KiB, and joins it" },
    { "loop_and_mutex", "loop and mutex",
      "weft_for hands out parts, which add to one total under a mutex" },
    { "reduce", "reduce", "weft_reduce counts parts, and combines them in order" },
};

struct text {
    const unsigned char *bytes;
    size_t size;
    int worker; /* that began */
    weft_mutex guard;
    struct weft__threads_share total; /* guarded by it while a loop runs */
};

static void count_piece(struct weft__threads_share *share, const struct text *text, size_t begin,
                        size_t end)
{
    weft__count_add(&share->count, text->bytes + begin, end - begin);
    share->pieces++;
    share->elsewhere += weft_worker_self() != text->worker ? 1 : 0;
}

/* Joins what follows in the text. */
static void join(void *into, const void *from)
{
    struct weft__threads_share *share = into;
    const struct weft__threads_share *next = from;

    weft__count_join(&share->count, &next->count);
    share->pieces += next->pieces;
    share->elsewhere += next->elsewhere;
}

/* ---- one task ---- */

static int count_alone(struct text *text)
{
    int rc = 0;

    for (size_t begin = 0; begin < text->size && rc == 0; begin += PIECE_BYTES) {
        size_t left = text->size - begin;
        count_piece(&text->total, text, begin, begin + (left < PIECE_BYTES ? left : PIECE_BYTES));
        rc = weft_poll();
    }
    return rc;
}

/* ---- fork and join ---- */

struct half {
    const struct text *text;
    size_t begin;
    size_t end;
    struct weft__threads_share share;
};

static int count_half(weft_strand *strand, void *argument)
{
    struct half *all = argument;

    if (all->end - all->begin <= PIECE_BYTES) {
        count_piece(&all->share, all->text, all->begin, all->end);
        return 0;
    }
    size_t middle = all->begin + (all->end - all->begin) / 2;
    struct half first = { .text = all->text, .begin = all->begin, .end = middle };
    struct half second = { .text = all->text, .begin = middle, .end = all->end };
    weft_fork(strand, count_half, &second);
    int rc = count_half(strand, &first);
    int joined = weft_fork_join(strand);
    all->share = first.share;
    join(&all->share, &second.share);
    return rc < 0 ? rc : joined;
}

static int count_by_forks(struct text *text)
{
    struct half all = { .text = text, .begin = 0, .end = text->size };
    int rc = weft_fork_run(count_half, &all);

    text->total = all.share;
    return rc;
}

/* ---- loop and mutex ---- */

/* Whether the text before @end ends within a word. */
static bool word_is_open(const struct text *text, size_t end)
{
    struct weft__count byte = { .bytes = 0 };

    while (end > 0 && !byte.decided) {
        byte = (struct weft__count){ .bytes = 0 };
        weft__count_add(&byte, &text->bytes[--end], 1);
    }
    return byte.tail_in_word;
}

static int add_part(size_t begin, size_t end, void *argument)
{
    struct text *text = argument;
    struct weft__threads_share share = { .pieces = 0 };

    count_piece(&share, text, begin, end);
    if (share.count.decided && share.count.head_in_word && word_is_open(text, begin))
        share.count.words--;
    int rc = weft_mutex_lock(&text->guard, WEFT_NEVER);
    if (rc < 0)
        return rc;
    text->total.count.lines += share.count.lines;
    text->total.count.words += share.count.words;
    text->total.count.bytes += share.count.bytes;
    text->total.pieces += share.pieces;
    text->total.elsewhere += share.elsewhere;
    weft_mutex_unlock(&text->guard);
    return 0;
}

static int count_by_loop(struct text *text)
{
    return weft_for(0, text->size, add_part, text, NULL);
}

/* ---- reduce ---- */

static int count_part(size_t begin, size_t end, const void *input, void *partial)
{
    count_piece(partial, input, begin, end);
    return 0;
}

static int count_by_reduction(struct text *text)
{
    return weft_reduce(0, text->size, count_part, text, &text->total, sizeof(text->total), join,
                       NULL);
}

/* ---- rounds ---- */

static int (*const run_way[WEFT__THREADS_WAYS])(struct text *text) = {
    count_alone,
    count_by_forks,
    count_by_loop,
    count_by_reduction,
};

static bool is_same(const struct weft__count *a, const struct weft__count *b)
{
    return a->lines == b->lines && a->words == b->words && a->bytes == b->bytes;
}

static int compare_times(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static int run_rounds(struct weft__threads_result *result, int way, const struct weft__hold *hold)
{
    struct weft__threads_pass *pass = &result->pass[way];
    int64_t times[WEFT__THREADS_ROUNDS];

    for (int round = 0; round < WEFT__THREADS_ROUNDS; round++) {
        struct text text = { .bytes = hold->bytes, .size = hold->size, .guard = WEFT_MUTEX_INIT };
        text.worker = weft_worker_self();
        int64_t start_ns = weft_clock();
        int rc = run_way[way](&text);
        times[round] = weft_clock() - start_ns;
        weft_mutex_fini(&text.guard);
        if (rc == 0)
            rc = weft_poll(); /* forks know of no cancel by themselves */
        if (rc < 0)
            return rc;
        pass->share = text.total;
        result->wrong |= !is_same(&text.total.count, &result->pass[0].share.count) ||
                         text.total.count.bytes != hold->size;
    }
    qsort(times, WEFT__THREADS_ROUNDS, sizeof(times[0]), compare_times);
    pass->ns = times[WEFT__THREADS_ROUNDS / 2];
    return 0;
}

int weft__threads_run(struct weft__threads_result *result, const struct weft__paths *files,
                      struct weft__progress *progress)
{
    struct weft__hold hold;

    memset(result, 0, sizeof(*result));
    result->begun = true;
    int rc = weft__hold_load(&hold, files, progress);
    result->files = hold.files;
    result->bytes = hold.size;
    result->whole = hold.whole;
    for (int way = 0; way < WEFT__THREADS_WAYS && rc == 0; way++) {
        rc = run_rounds(result, way, &hold);
        result->ways_done = way + (rc == 0 ? 1 : 0);
    }
    weft__hold_release(&hold);
    result->error = rc;
    return rc;
}

bool weft__threads_agree(const struct weft__threads_result *result)
{
    return result->error == 0 && result->ways_done == WEFT__THREADS_WAYS && !result->wrong;
}

double weft__threads_speed_up(const struct weft__threads_result *result, int way)
{
    int64_t ns = result->pass[way].ns;

    return ns == 0 ? 0 : (double)result->pass[0].ns / (double)ns;
}

double weft__threads_mb_per_s(const struct weft__threads_result *result, int way)
{
    int64_t ns = result->pass[way].ns;

    return ns == 0 ? 0 : (double)result->bytes / 1e6 / ((double)ns / (double)WEFT_SECOND);
}
