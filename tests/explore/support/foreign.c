#include "tests/explore/support/foreign.h"

#include <string.h>

#include "runtime/sync/chan.h"

enum { CHANNELS = 2, GENERATION = 5 };

static struct weft__task tasks[EXPLORE_THREADS];
static struct weft__chan channels[CHANNELS];
static uint32_t channel_count;

struct weft__task *__wrap_weft__thread_self(void);

static void make_record(struct weft__record *record, enum weft__kind kind, uint32_t index,
                        uint64_t flags)
{
    record->index = index;
    record->kind = (uint32_t)kind;
    weft__store_relaxed(&record->life, (uint64_t)GENERATION << WEFT__LIFE_GENERATION_SHIFT | flags);
}

static void make_chunk(uint32_t number, void *base, size_t stride)
{
    weft__record_chunks[number].stride = stride;
    weft__store_relaxed(&weft__record_chunks[number].base, base);
}

void foreign_spare(uint32_t number, void *base, size_t stride, uint32_t count, enum weft__kind kind)
{
    make_chunk(number, base, stride);
    memset(base, 0, count * stride);
    for (uint32_t i = 0; i < count; i++)
        make_record((struct weft__record *)(void *)((char *)base + i * stride), kind,
                    number * WEFT__RECORD_CHUNK + i, WEFT__LIFE_FREE);
}

void foreign_setup(void)
{
    memset(tasks, 0, sizeof(tasks));
    make_chunk(0, tasks, sizeof(tasks[0]));
    make_chunk(1, channels, sizeof(channels[0]));
    for (uint32_t i = 0; i < EXPLORE_THREADS; i++) {
        make_record(&tasks[i].record, WEFT__KIND_TASK, i, WEFT__LIFE_RELEASED);
        tasks[i].flags = WEFT__TASK_FOREIGN;
        weft__list_init(&tasks[i].scopes);
    }
    channel_count = 0;
}

struct weft__task *foreign_task(int thread)
{
    return &tasks[thread];
}

struct weft__task *__wrap_weft__thread_self(void)
{
    return &tasks[explore_self()];
}

weft_chan foreign_chan(uint32_t depth)
{
    struct weft__chan *chan = &channels[channel_count];

    memset(chan, 0, sizeof(*chan));
    make_record(&chan->record, WEFT__KIND_CHAN, WEFT__RECORD_CHUNK + channel_count++, 0);
    chan->message_bytes = sizeof(uint32_t);
    weft__store_relaxed(&chan->depth, depth);
    chan->buffer = chan->inline_buffer;
    weft__line_init(&chan->putters);
    weft__line_init(&chan->takers);
    weft__line_init(&chan->lookers);
    return weft__record_handle(&chan->record);
}

uint32_t foreign_chan_count(weft_chan handle)
{
    const struct weft__chan *chan = &channels[(uint32_t)handle % WEFT__RECORD_CHUNK];

    EXPLORE_NEED(weft__line_first(&chan->putters) == NULL &&
                     weft__line_first(&chan->takers) == NULL &&
                     weft__line_first(&chan->lookers) == NULL,
                 "somebody still stands in a line of a channel");
    return weft__load_relaxed(&chan->count);
}
