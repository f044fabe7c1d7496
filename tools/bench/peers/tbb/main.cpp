// The oneTBB peer: stackless tasks in a task_group, and loops, in an arena of one or two threads.
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#include <array>

extern "C" {
#include "tools/bench/checksum.h"
#include "tools/bench/peers/peer.h"
}

namespace {

using visit_counts = std::array<uint64_t, weft__checksum_batch>;

void run_batch(visit_counts &visits)
{
    tbb::task_group group;

    for (uint64_t &visit : visits)
        group.run([&visit] { visit++; });
    group.wait();
}

int task_spawn_join(const peer_request &request)
{
    visit_counts visits{};
    run_batch(visits);

    const int64_t start_ns = peer_clock_ns();
    for (uint64_t done = 0; done < request.count; done += visits.size())
        run_batch(visits);
    const int64_t elapsed_ns = peer_clock_ns() - start_ns;

    uint64_t sum = 0;
    for (std::size_t i = 0; i < visits.size(); i++)
        sum += (visits[i] - 1) * (i + 1);
    return peer_print(&request, static_cast<double>(elapsed_ns) / static_cast<double>(request.count),
                      sum);
}

int fork_join(const peer_request &request)
{
    uint64_t visits = 0;
    tbb::task_group group;

    const int64_t start_ns = peer_clock_ns();
    for (uint64_t i = 0; i < request.count; i++) {
        group.run([&visits] { visits++; });
        group.wait();
    }
    const int64_t elapsed_ns = peer_clock_ns() - start_ns;
    return peer_print(&request, static_cast<double>(elapsed_ns) / static_cast<double>(request.count),
                      visits);
}

uint64_t fib(uint64_t n)
{
    if (n < 2)
        return n;
    uint64_t left = 0;
    tbb::task_group group;
    group.run([&left, n] { left = fib(n - 1); });
    const uint64_t right = fib(n - 2);
    group.wait();
    return left + right;
}

int run_fib(const peer_request &request)
{
    const int64_t start_ns = peer_clock_ns();
    const uint64_t value = fib(request.count);

    return peer_print(&request, static_cast<double>(peer_clock_ns() - start_ns) / 1e9, value);
}

struct alignas(64) visit_count {
    uint64_t visits = 0;
};

int loop_empty(const peer_request &request)
{
    std::array<visit_count, 2> counts;

    const int64_t start_ns = peer_clock_ns();
    for (uint64_t i = 0; i < request.count; i++)
        tbb::parallel_for(
            tbb::blocked_range<std::size_t>(0, counts.size(), 1),
            [&counts](const tbb::blocked_range<std::size_t> &range) {
                for (std::size_t j = range.begin(); j < range.end(); j++)
                    counts[j].visits++;
            },
            tbb::simple_partitioner());
    const int64_t elapsed_ns = peer_clock_ns() - start_ns;
    return peer_print(&request, static_cast<double>(elapsed_ns) / static_cast<double>(request.count),
                      counts[0].visits + counts[1].visits);
}

struct row {
    const char *metric;
    int threads;
    int (*run)(const peer_request &request);
};

const std::array<row, 5> rows = { {
    { "task_spawn_join", 1, task_spawn_join },
    { "fork_join_inline", 1, fork_join },
    { "fib32_1w", 1, run_fib },
    { "fib40_2w", 2, run_fib },
    { "loop_empty_2w", 2, loop_empty },
} };

} // namespace

int main(int argc, char **argv)
{
    const peer_request request = peer_parse(argc, argv);

    for (const row &one : rows) {
        if (!peer_is(&request, one.metric))
            continue;
        if (one.threads == 1)
            peer_pin(0);
        tbb::global_control limit(tbb::global_control::max_allowed_parallelism, one.threads);
        tbb::task_arena arena(one.threads);
        return arena.execute([&] { return one.run(request); });
    }
    return peer_unknown(&request);
}
