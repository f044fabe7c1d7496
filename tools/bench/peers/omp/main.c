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

static int run_batches(const struct peer_request *request)
{
    uint64_t sum = 0;

    run_batch();
    int64_t start_ns = peer_clock_ns();
    for (uint64_t done = 0; done < request->count; done += weft__checksum_batch)
        run_batch();
    int64_t elapsed_ns = peer_clock_ns() - start_ns;
    for (uint64_t i = 0; i < weft__checksum_batch; i++)
        sum += (visits[i] - 1) * (i + 1);
    return peer_print(request, (double)elapsed_ns / (double)request->count, sum);
}

static int fork_join(const struct peer_request *request)
{
    int64_t start_ns = peer_clock_ns();

    for (uint64_t i = 0; i < request->count; i++) {
#pragma omp task
        visits[0]++;
#pragma omp taskwait
    }
    return peer_print(request, (double)(peer_clock_ns() - start_ns) / (double)request->count,
                      visits[0]);
}

static uint64_t fib(uint64_t n)
{
    uint64_t left = 0;

    if (n < 2)
        return n;
#pragma omp task shared(left) firstprivate(n)
    left = fib(n - 1);
    uint64_t right = fib(n - 2);
#pragma omp taskwait
    return left + right;
}

static int run_fib(const struct peer_request *request)
{
    int64_t start_ns = peer_clock_ns();
    uint64_t value = fib(request->count);

    return peer_print(request, (double)(peer_clock_ns() - start_ns) / 1e9, value);
}

/* Outside of a parallel region: the loop makes its own, of two threads. */
static int loop_empty(const struct peer_request *request)
{
    enum { apart = 64 / sizeof(uint64_t) };
    int64_t start_ns = peer_clock_ns();

    for (uint64_t i = 0; i < request->count; i++) {
#pragma omp parallel for num_threads(2) schedule(static)
        for (size_t j = 0; j < 2; j++)
            visits[j * apart]++;
    }
    return peer_print(request, (double)(peer_clock_ns() - start_ns) / (double)request->count,
                      visits[0] + visits[apart]);
}

static const struct {
    const char *metric;
    int (*run)(const struct peer_request *request);
} rows[] = {
    { "task_spawn_join", run_batches },
    { "fork_join_inline", fork_join },
    { "fib32_1w", run_fib },
};

int main(int argc, char **argv)
{
    struct peer_request request = peer_parse(argc, argv);

    if (peer_is(&request, "loop_empty_2w"))
        return loop_empty(&request);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status = 1;
        if (!peer_is(&request, rows[i].metric))
            continue;
#pragma omp parallel
#pragma omp single
        status = rows[i].run(&request);
        return status;
    }
    return peer_unknown(&request);
}
