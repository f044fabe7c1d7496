/*
 * The raw io_uring peer: two threads, each with a ring as weft's workers have one, wake each other
 * with MSG_RING and sleep in the ring.
 */
#include <liburing.h>
#include <pthread.h>

#include "tools/bench/peers/peer.h"
#include "tools/bench/peers/uring/echo.h"
#include "tools/bench/peers/uring/randread.h"

enum { ring_entries = 256 };

struct side {
    struct io_uring ring;
    struct side *other;
    uint64_t rounds;
    uint64_t token;
    pthread_barrier_t *start;
    int cpu;
};

static void open_ring(struct io_uring *ring)
{
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    };

    if (io_uring_queue_init_params(ring_entries, ring, &parameters) < 0 ||
        io_uring_register_ring_fd(ring) < 0)
        peer_fail("io_uring");
}

static void wake_other(struct side *side)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&side->ring);

    if (sqe == NULL)
        peer_fail("io_uring_get_sqe");
    io_uring_prep_msg_ring(sqe, side->other->ring.ring_fd, 0, side->token, 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    if (io_uring_submit(&side->ring) != 1)
        peer_fail("MSG_RING");
}

static void wait_for_other(struct side *side)
{
    struct io_uring_cqe *cqe;

    while (io_uring_peek_cqe(&side->ring, &cqe) != 0)
        if (io_uring_submit_and_wait(&side->ring, 1) < 0)
            peer_fail("io_uring_enter");
    side->token = cqe->user_data + 1;
    io_uring_cqe_seen(&side->ring, cqe);
}

static void *answer(void *argument)
{
    struct side *side = argument;

    peer_pin(side->cpu);
    open_ring(&side->ring);
    (void)pthread_barrier_wait(side->start);
    for (uint64_t i = 0; i < side->rounds; i++) {
        wait_for_other(side);
        wake_other(side);
    }
    (void)pthread_barrier_wait(side->start); /* the caller may still wait for the last message */
    return NULL;
}

int main(int argc, char **argv)
{
    struct peer_request request = peer_parse(argc, argv);
    static struct side sides[2];
    pthread_barrier_t start;
    pthread_t thread;
    cpu_set_t given;

    if (weft__randread_parse(request.metric).depth > 0)
        return randread(&request);
    if (peer_connections(&request) > 0) {
        peer_echo(&request);
        return 0;
    }
    if (!peer_is(&request, "wake_parked_rtt"))
        return peer_unknown(&request);
    if (sched_getaffinity(0, sizeof(given), &given) < 0 ||
        pthread_barrier_init(&start, NULL, 2) != 0)
        peer_fail("set-up");
    for (int i = 0; i < 2; i++)
        sides[i] = (struct side){
            .other = &sides[1 - i], .rounds = request.count, .start = &start, .cpu = i
        };
    if (pthread_create(&thread, NULL, answer, &sides[1]) != 0)
        peer_fail("pthread_create");
    peer_pin(sides[0].cpu);
    open_ring(&sides[0].ring);
    (void)pthread_barrier_wait(&start);

    int64_t start_ns = peer_clock_ns();
    for (uint64_t i = 0; i < request.count; i++) {
        wake_other(&sides[0]);
        wait_for_other(&sides[0]);
    }
    int64_t elapsed_ns = peer_clock_ns() - start_ns;

    (void)pthread_barrier_wait(&start);
    (void)pthread_join(thread, NULL);
    return peer_print(&request, (double)elapsed_ns / 1e3 / (double)request.count, sides[0].token);
}
