/* The OpenMP peer, built with libgomp and with libomp. OMP_NUM_THREADS says how many threads. */
#include "tools/bench/checksum.h"
#include "tools/bench/peers/peer.h"

static uint64_t visits[weft__checksum_batch];

static void run_batch(void)
{
    for (size_t i = 0; i < weft__checksum_batch; i++) {
#pragma omp task firstprivate(i)
        visits[i]++;
    }
#pragma omp taskwait
}

int main(int argc, char **argv)
{
    struct peer_request request = peer_parse(argc, argv);
    int64_t elapsed_ns = 0;
    uint64_t sum = 0;

    if (!peer_is(&request, "task_spawn_join"))
        return peer_unknown(&request);
#pragma omp parallel
#pragma omp single
    {
        run_batch();
        int64_t start_ns = peer_clock_ns();
        for (uint64_t done = 0; done < request.count; done += weft__checksum_batch)
            run_batch();
        elapsed_ns = peer_clock_ns() - start_ns;
    }
    for (uint64_t i = 0; i < weft__checksum_batch; i++)
        sum += (visits[i] - 1) * (i + 1);
    return peer_print(&request, (double)elapsed_ns / (double)request.count, sum);
}
