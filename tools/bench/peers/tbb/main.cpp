// The oneTBB peer: stackless tasks in a task_group of an arena with one thread.
#include <tbb/global_control.h>
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

} // namespace

int main(int argc, char **argv)
{
    const peer_request request = peer_parse(argc, argv);

    if (!peer_is(&request, "task_spawn_join"))
        return peer_unknown(&request);
    peer_pin(0);
    tbb::global_control limit(tbb::global_control::max_allowed_parallelism, 1);
    tbb::task_arena arena(1);
    return arena.execute([&] { return task_spawn_join(request); });
}
