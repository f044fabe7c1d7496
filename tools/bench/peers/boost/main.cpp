// The Boost.Fiber peer: one thread, round robin, stacks from a pool.
#include <boost/fiber/all.hpp>
#include <array>
#include <vector>

extern "C" {
#include "tools/bench/checksum.h"
#include "tools/bench/peers/peer.h"
}

namespace fibers = boost::fibers;

namespace {

constexpr std::size_t stack_bytes = 16384;
constexpr std::size_t batch = weft__checksum_batch;

double ns_each(int64_t start_ns, uint64_t count)
{
    return static_cast<double>(peer_clock_ns() - start_ns) / static_cast<double>(count);
}

int task_switch(const peer_request &request)
{
    uint64_t sum = 0, arrived = 0, named = 0;
    auto take_turns = [&] {
        for (arrived++; arrived < 2;)
            boost::this_fiber::yield();
        const uint64_t name = ++named;
        for (uint64_t i = 0; i < request.count / 2; i++) {
            sum = weft__checksum_turn(sum, name, i);
            boost::this_fiber::yield();
        }
    };

    const int64_t start_ns = peer_clock_ns();
    fibers::fiber first(take_turns), second(take_turns);
    first.join();
    second.join();
    return peer_print(&request, ns_each(start_ns, request.count), sum);
}

struct batches {
    fibers::pooled_fixedsize_stack stacks{stack_bytes, batch};
    std::vector<fibers::fiber> tasks;
    std::array<uint64_t, batch> visits{};

    void run()
    {
        tasks.clear();
        for (uint64_t &visit : visits)
            tasks.emplace_back(std::allocator_arg, stacks, [&visit] { visit++; });
        for (fibers::fiber &task : tasks)
            task.join();
    }
};

int task_spawn_join(const peer_request &request)
{
    batches all;
    all.run(); // the first batch makes the stacks; the figure is that of reuse

    const int64_t start_ns = peer_clock_ns();
    for (uint64_t done = 0; done < request.count; done += batch)
        all.run();
    const double value = ns_each(start_ns, request.count);

    uint64_t sum = 0;
    for (std::size_t i = 0; i < batch; i++)
        sum += (all.visits[i] - 1) * (i + 1);
    return peer_print(&request, value, sum);
}

int chan_pingpong(const peer_request &request)
{
    fibers::unbuffered_channel<uint64_t> there, back;
    uint64_t token = 0;

    const int64_t start_ns = peer_clock_ns();
    fibers::fiber serve([&] {
        for (uint64_t i = 0; i < request.count; i++) {
            there.push(token);
            back.pop(token);
            token++;
        }
    });
    fibers::fiber return_serve([&] {
        uint64_t received = 0;
        for (uint64_t i = 0; i < request.count; i++) {
            there.pop(received);
            back.push(received + 1);
        }
    });
    serve.join();
    return_serve.join();
    return peer_print(&request, ns_each(start_ns, request.count), token);
}

} // namespace

int main(int argc, char **argv)
{
    const peer_request request = peer_parse(argc, argv);

    peer_pin(0);
    if (peer_is(&request, "task_switch"))
        return task_switch(request);
    if (peer_is(&request, "task_spawn_join"))
        return task_spawn_join(request);
    if (peer_is(&request, "chan_pingpong_1w"))
        return chan_pingpong(request);
    return peer_unknown(&request);
}
