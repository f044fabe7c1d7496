// The oneTBB peer: stackless tasks in a task_group, and loops, in an arena of one or two threads.
#include <tbb/blocked_range.h>
#include <tbb/blocked_range2d.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_sort.h>
#include <tbb/partitioner.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#include <array>
#include <utility>
#include <vector>

extern "C" {
#include "tools/bench/checksum.h"
#include "tools/bench/divide.h"
#include "tools/bench/peers/beside.h"
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

int mixed_echo(const peer_request &request)
{
    return peer_beside_run(&request, fib);
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

double seconds_since(int64_t start_ns)
{
    return static_cast<double>(peer_clock_ns() - start_ns) / 1e9;
}

int sort_keys(const peer_request &request)
{
    std::vector<uint32_t> keys(request.count);
    const uint64_t sum = weft__divide_fill(keys.data(), request.count);

    const int64_t start_ns = peer_clock_ns();
    tbb::parallel_sort(keys.begin(), keys.end());
    const double seconds = seconds_since(start_ns);
    return peer_print(&request, seconds, weft__divide_in_order(keys.data(), request.count, sum));
}

using range = tbb::blocked_range<std::size_t>;

int triad(const peer_request &request)
{
    const std::size_t count = request.count;
    auto *a = static_cast<double *>(malloc(count * sizeof(double)));
    auto *b = static_cast<double *>(malloc(count * sizeof(double)));
    auto *c = static_cast<double *>(malloc(count * sizeof(double)));

    if (a == nullptr || b == nullptr || c == nullptr)
        peer_fail("memory");
    const auto fill = [=](const range &part) {
        for (std::size_t i = part.begin(); i < part.end(); i++) {
            a[i] = 0;
            b[i] = 1;
            c[i] = 2;
        }
    };
    const auto add_scaled = [=](const range &part) {
        double *__restrict to = a;
        for (std::size_t i = part.begin(); i < part.end(); i++)
            to[i] = b[i] + 3.0 * c[i];
    };
    tbb::parallel_for(range(0, count), fill, tbb::static_partitioner());
    const int64_t start_ns = peer_clock_ns();
    for (int pass = 0; pass < weft__divide_passes; pass++)
        tbb::parallel_for(range(0, count), add_scaled, tbb::static_partitioner());
    const double seconds = seconds_since(start_ns);
    double sum = 0;
    for (std::size_t i = 0; i < count; i++)
        sum += a[i] / 7;
    const double bytes = 3.0 * sizeof(double) * static_cast<double>(count) * weft__divide_passes;
    return peer_print(&request, bytes / 1e9 / seconds, static_cast<uint64_t>(sum));
}

void place_queens(weft__divide_board &board)
{
    weft__divide_board next[weft__divide_queens];

    if (board.row == board.size) {
        board.solutions = 1;
        return;
    }
    const uint32_t count = weft__divide_place(&board, next);
    tbb::task_group group;
    for (uint32_t i = 0; i < count; i++)
        group.run([&one = next[i]] { place_queens(one); });
    group.wait();
    for (uint32_t i = 0; i < count; i++)
        board.solutions += next[i].solutions;
}

int nqueens(const peer_request &request)
{
    weft__divide_board board = {};
    board.size = static_cast<uint32_t>(request.count);

    const int64_t start_ns = peer_clock_ns();
    place_queens(board);
    return peer_print(&request, seconds_since(start_ns), board.solutions);
}

void count_nodes(weft__divide_node &node)
{
    weft__divide_node children[weft__divide_children];
    const uint32_t count = weft__divide_grow(&node, children);

    tbb::task_group group;
    for (uint32_t i = 0; i < count; i++)
        group.run([&one = children[i]] { count_nodes(one); });
    group.wait();
    node.nodes = 1;
    for (uint32_t i = 0; i < count; i++)
        node.nodes += children[i].nodes;
}

int uts(const peer_request &request)
{
    weft__divide_node root = { 1, request.count, 0 };

    const int64_t start_ns = peer_clock_ns();
    count_nodes(root);
    return peer_print(&request, seconds_since(start_ns), root.nodes);
}

int matrix(const peer_request &request)
{
    const weft__divide_matrices all = weft__divide_matrices_make(request.count);
    const std::size_t tile = weft__divide_tile;
    const std::size_t tiles = all.side / tile;

    if (!weft__divide_matrices_fill(&all))
        peer_fail("memory");
    const int64_t start_ns = peer_clock_ns();
    tbb::parallel_for(tbb::blocked_range2d<std::size_t>(0, tiles, 1, 0, tiles, 1),
                      [&](const tbb::blocked_range2d<std::size_t> &part) {
                          for (std::size_t i = part.rows().begin(); i < part.rows().end(); i++)
                              for (std::size_t j = part.cols().begin(); j < part.cols().end(); j++)
                                  weft__divide_multiply(&all, i * tile, j * tile);
                      });
    const double seconds = seconds_since(start_ns);
    return peer_print(&request, seconds, weft__divide_weigh(&all));
}

int stencil(const peer_request &request)
{
    const std::size_t side = weft__divide_side;
    auto *from = static_cast<double *>(malloc(side * side * sizeof(double)));
    auto *to = static_cast<double *>(malloc(side * side * sizeof(double)));

    if (from == nullptr || to == nullptr)
        peer_fail("memory");
    tbb::parallel_for(
        range(0, side),
        [=](const range &part) {
            for (std::size_t row = part.begin(); row < part.end(); row++) {
                weft__divide_fill_row(from, row);
                weft__divide_fill_row(to, row);
            }
        },
        tbb::static_partitioner());
    const int64_t start_ns = peer_clock_ns();
    for (uint64_t sweep = 0; sweep < request.count; sweep++) {
        tbb::parallel_for(
            range(1, side - 1),
            [=](const range &part) {
                for (std::size_t row = part.begin(); row < part.end(); row++)
                    weft__divide_smooth(from, to, row);
            },
            tbb::static_partitioner());
        std::swap(from, to);
    }
    const double seconds = seconds_since(start_ns);
    return peer_print(&request, seconds, weft__divide_hash(from));
}

struct row {
    const char *metric;
    int threads;
    int (*run)(const peer_request &request);
};

const std::array<row, 12> rows = { {
    { "task_spawn_join", 1, task_spawn_join },
    { "fork_join_inline", 1, fork_join },
    { "fib32_1w", 1, run_fib },
    { "fib40_2w", 2, run_fib },
    { "loop_empty_2w", 2, loop_empty },
    { "sort_2w", 2, sort_keys },
    { "triad_2w", 2, triad },
    { "nqueens_2w", 2, nqueens },
    { "uts_2w", 2, uts },
    { "mixed_echo", 1, mixed_echo },
    { "matrix_2w", 2, matrix },
    { "stencil_2w", 2, stencil },
} };

} // namespace

int main(int argc, char **argv)
{
    const peer_request request = peer_parse(argc, argv);

    for (const row &one : rows) {
        if (!peer_is(&request, one.metric) &&
            !(one.run == mixed_echo && peer_is_beside(&request)))
            continue;
        if (one.threads == 1)
            peer_pin(0);
        tbb::global_control limit(tbb::global_control::max_allowed_parallelism, one.threads);
        tbb::task_arena arena(one.threads);
        return arena.execute([&] { return one.run(request); });
    }
    return peer_unknown(&request);
}
