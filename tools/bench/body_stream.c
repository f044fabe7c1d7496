/*
 * Producers and consumers around one channel of depth 128. The figure is messages a second; the
 * workers that took part are those that took a hundredth of the messages or more.
 */
#include "tools/bench/body.h"

#include <errno.h>
#include <weft.h>

enum { depth = 128, most_sides = 4, most_workers = 64 };

struct stream {
    weft_chan chan;
    uint64_t count;
    uint64_t producers;
};

struct producer {
    struct stream *stream;
    uint64_t first; /* it puts this one and every producers-th after it */
};

struct consumer {
    struct stream *stream;
    uint64_t sum;
    uint64_t taken[most_workers];
};

static int produce(void *argument)
{
    const struct producer *producer = argument;
    const struct stream *stream = producer->stream;
    int rc = 0;

    for (uint64_t i = producer->first; rc == 0 && i < stream->count; i += stream->producers)
        rc = weft_chan_put(stream->chan, &i, WEFT_NEVER);
    return rc;
}

static int consume(void *argument)
{
    struct consumer *consumer = argument;
    uint64_t message;
    uint64_t taken = 0;
    uint64_t sum = 0;
    int rc;

    while ((rc = weft_chan_take(consumer->stream->chan, &message, WEFT_NEVER)) == 0) {
        sum += message;
        taken++;
    }
    consumer->taken[weft_worker_self() % most_workers] = taken; /* it never moves once started */
    consumer->sum = sum;
    return rc == -EPIPE ? 0 : rc;
}

static uint32_t count_workers(const struct consumer *consumers, int sides, uint64_t messages)
{
    uint32_t workers = 0;

    for (int worker = 0; worker < most_workers; worker++) {
        uint64_t taken = 0;
        for (int i = 0; i < sides; i++)
            taken += consumers[i].taken[worker];
        workers += taken >= messages / 100 && taken > 0;
    }
    return workers;
}

static int flow(struct weft__body_run *run, int sides)
{
    struct stream stream = { weft_chan_create(sizeof(uint64_t), depth), run->count,
                             (uint64_t)sides };
    struct producer producers[most_sides];
    static struct consumer consumers[most_sides];

    int64_t start_ns = weft_clock();
    weft_scope takers = weft_scope_open(NULL);
    weft_scope putters = weft_scope_open(NULL);
    for (int i = 0; i < sides; i++) {
        producers[i] = (struct producer){ &stream, (uint64_t)i };
        consumers[i] = (struct consumer){ .stream = &stream };
        (void)weft_go(takers, consume, &consumers[i]);
        (void)weft_go(putters, produce, &producers[i]);
    }
    int rc = weft_scope_close(putters);
    (void)weft_chan_close(stream.chan, 0);
    int taken_rc = weft_scope_close(takers);
    int64_t elapsed_ns = weft_clock() - start_ns;

    (void)weft_chan_release(stream.chan);
    for (int i = 0; i < sides; i++)
        run->checksum += consumers[i].sum;
    run->value = (double)run->count * 1e3 / (double)elapsed_ns;
    run->workers = count_workers(consumers, sides, run->count);
    return rc < 0 ? rc : taken_rc;
}

int weft__body_stream_run_pair(void *argument)
{
    return flow(argument, 1);
}

int weft__body_stream_run_many(void *argument)
{
    return flow(argument, most_sides);
}
