/* The kernel's own threads, without a runtime above them. */
#include <pthread.h>
#include <semaphore.h>

#include "tools/bench/checksum.h"
#include "tools/bench/peers/peer.h"
#include "tools/bench/peers/pthread/randread.h"

/* ---- task_spawn_join: a thousand threads ---- */

static void *count_visit(void *argument)
{
    uint64_t *visits = argument;

    (*visits)++;
    return NULL;
}

static void run_batch(uint64_t *visits)
{
    static pthread_t threads[weft__checksum_batch];

    for (size_t i = 0; i < weft__checksum_batch; i++)
        if (pthread_create(&threads[i], NULL, count_visit, &visits[i]) != 0)
            peer_fail("pthread_create");
    for (size_t i = 0; i < weft__checksum_batch; i++)
        (void)pthread_join(threads[i], NULL);
}

static int task_spawn_join(const struct peer_request *request)
{
    static uint64_t visits[weft__checksum_batch];
    uint64_t sum = 0;

    run_batch(visits);
    int64_t start_ns = peer_clock_ns();
    for (uint64_t done = 0; done < request->count; done += weft__checksum_batch)
        run_batch(visits);
    int64_t elapsed_ns = peer_clock_ns() - start_ns;

    for (uint64_t i = 0; i < weft__checksum_batch; i++)
        sum += (visits[i] - 1) * (i + 1);
    return peer_print(request, (double)elapsed_ns / (double)request->count, sum);
}

/* ---- chan_pingpong_1w: a slot with a lock and two conditions ---- */

struct slot {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    pthread_cond_t emptied;
    int full;
    uint64_t message;
};

struct table {
    struct slot there;
    struct slot back;
    uint64_t rounds;
};

static void put(struct slot *slot, uint64_t message)
{
    (void)pthread_mutex_lock(&slot->lock);
    while (slot->full)
        (void)pthread_cond_wait(&slot->emptied, &slot->lock);
    slot->full = 1;
    slot->message = message;
    (void)pthread_cond_signal(&slot->filled);
    (void)pthread_mutex_unlock(&slot->lock);
}

static uint64_t take(struct slot *slot)
{
    (void)pthread_mutex_lock(&slot->lock);
    while (!slot->full)
        (void)pthread_cond_wait(&slot->filled, &slot->lock);
    slot->full = 0;
    uint64_t message = slot->message;
    (void)pthread_cond_signal(&slot->emptied);
    (void)pthread_mutex_unlock(&slot->lock);
    return message;
}

static void *return_serve(void *argument)
{
    struct table *table = argument;

    for (uint64_t i = 0; i < table->rounds; i++)
        put(&table->back, take(&table->there) + 1);
    return NULL;
}

static int chan_pingpong(const struct peer_request *request)
{
    struct table table = {
        .there = { .lock = PTHREAD_MUTEX_INITIALIZER,
                   .filled = PTHREAD_COND_INITIALIZER,
                   .emptied = PTHREAD_COND_INITIALIZER },
        .back = { .lock = PTHREAD_MUTEX_INITIALIZER,
                  .filled = PTHREAD_COND_INITIALIZER,
                  .emptied = PTHREAD_COND_INITIALIZER },
        .rounds = request->count,
    };
    uint64_t token = 0;
    pthread_t partner;

    int64_t start_ns = peer_clock_ns();
    if (pthread_create(&partner, NULL, return_serve, &table) != 0)
        peer_fail("pthread_create");
    for (uint64_t i = 0; i < request->count; i++) {
        put(&table.there, token);
        token = take(&table.back) + 1;
    }
    int64_t elapsed_ns = peer_clock_ns() - start_ns;
    (void)pthread_join(partner, NULL);
    return peer_print(request, (double)elapsed_ns / (double)request->count, token);
}

/* ---- mutex_4t_1w, mutex_4t_2w: four threads ---- */

struct guarded {
    pthread_mutex_t mutex;
    uint64_t sum;
    uint64_t each;
};

static void *add_up(void *argument)
{
    struct guarded *guarded = argument;

    for (uint64_t i = 0; i < guarded->each; i++) {
        (void)pthread_mutex_lock(&guarded->mutex);
        guarded->sum++;
        (void)pthread_mutex_unlock(&guarded->mutex);
    }
    return NULL;
}

static int mutex_4t(const struct peer_request *request)
{
    struct guarded guarded = { .mutex = PTHREAD_MUTEX_INITIALIZER,
                               .each = request->count / weft__checksum_lockers };
    pthread_t threads[weft__checksum_lockers];

    int64_t start_ns = peer_clock_ns();
    for (size_t i = 0; i < weft__checksum_lockers; i++)
        if (pthread_create(&threads[i], NULL, add_up, &guarded) != 0)
            peer_fail("pthread_create");
    for (size_t i = 0; i < weft__checksum_lockers; i++)
        (void)pthread_join(threads[i], NULL);
    int64_t elapsed_ns = peer_clock_ns() - start_ns;
    return peer_print(request, (double)elapsed_ns / (double)request->count, guarded.sum);
}

/* ---- wake_parked_rtt: two semaphores, which are futexes ---- */

struct line {
    sem_t there;
    sem_t back;
    uint64_t rounds;
    uint64_t token; /* belongs to whom the last semaphore woke */
};

static void *answer(void *argument)
{
    struct line *line = argument;

    peer_pin(1);
    for (uint64_t i = 0; i < line->rounds; i++) {
        (void)sem_wait(&line->there);
        line->token++;
        (void)sem_post(&line->back);
    }
    return NULL;
}

static int wake_parked(const struct peer_request *request)
{
    struct line line = { .rounds = request->count };
    pthread_t partner;

    if (sem_init(&line.there, 0, 0) < 0 || sem_init(&line.back, 0, 0) < 0)
        peer_fail("sem_init");
    if (pthread_create(&partner, NULL, answer, &line) != 0)
        peer_fail("pthread_create");
    peer_pin(0); /* not before: the partner inherits the CPUs, and needs the second */
    int64_t start_ns = peer_clock_ns();
    for (uint64_t i = 0; i < request->count; i++) {
        line.token++;
        (void)sem_post(&line.there);
        (void)sem_wait(&line.back);
    }
    int64_t elapsed_ns = peer_clock_ns() - start_ns;
    (void)pthread_join(partner, NULL);
    return peer_print(request, (double)elapsed_ns / 1e3 / (double)request->count, line.token);
}

int main(int argc, char **argv)
{
    struct peer_request request = peer_parse(argc, argv);

    if (peer_is(&request, "task_spawn_join"))
        return task_spawn_join(&request);
    if (peer_is(&request, "chan_pingpong_1w"))
        return chan_pingpong(&request);
    if (peer_is(&request, "mutex_4t_1w") || peer_is(&request, "mutex_4t_2w"))
        return mutex_4t(&request);
    if (peer_is(&request, "wake_parked_rtt"))
        return wake_parked(&request);
    if (weft__randread_parse(request.metric).depth > 0)
        return randread(&request);
    return peer_unknown(&request);
}
