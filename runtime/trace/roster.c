#include "runtime/trace/roster.h"

#include "runtime/sched/handle.h"

struct taking {
    struct weft__roster *roster;
    struct weft__peek *peek;
};

static void take_worker(struct taking *taking, weft_runtime runtime, struct weft__worker *worker)
{
    struct weft__roster *roster = taking->roster;
    struct weft__post post = { .worker = worker, .runtime = runtime };

    if (roster->count < WEFT__ROSTER && worker != NULL &&
        WEFT__PEEK_FIELD(taking->peek, worker, current, &post.runs) &&
        WEFT__PEEK_FIELD(taking->peek, worker, index, &post.index) &&
        WEFT__PEEK_FIELD(taking->peek, worker, state, &post.state) &&
        WEFT__PEEK_FIELD(taking->peek, worker, thread_id, &post.thread))
        roster->posts[roster->count++] = post;
}

static bool take_runtime(void *context, struct weft__record *record)
{
    struct taking *taking = context;
    const struct weft__runtime *runtime = weft__handle_glance(record);
    struct weft__worker **workers = NULL;
    struct weft__worker *worker = NULL;
    uint32_t count = 0;

    if (runtime == NULL || !WEFT__PEEK_FIELD(taking->peek, runtime, worker_count, &count) ||
        !WEFT__PEEK_FIELD(taking->peek, runtime, workers, &workers) || count > WEFT__ROSTER)
        return true;
    taking->roster->runtimes++;
    for (uint32_t i = 0; i < count; i++)
        if (weft__peek_copy(taking->peek, (const void *)((uintptr_t)workers + i * sizeof(worker)),
                            &worker, sizeof(worker)))
            take_worker(taking, weft__record_handle(record), worker);
    return true;
}

void weft__roster_take(struct weft__roster *roster, struct weft__peek *peek)
{
    struct taking taking = { .roster = roster, .peek = peek };

    roster->count = 0;
    roster->runtimes = 0;
    roster->last = 0;
    (void)weft__record_each(WEFT__KIND_RUNTIME, take_runtime, &taking);
}

const struct weft__post *weft__roster_find(struct weft__roster *roster,
                                           const struct weft__worker *worker)
{
    for (uint32_t i = 0; i < roster->count; i++) {
        uint32_t at = (roster->last + i) % roster->count;
        if (roster->posts[at].worker != worker)
            continue;
        roster->last = at;
        return &roster->posts[at];
    }
    return NULL;
}
