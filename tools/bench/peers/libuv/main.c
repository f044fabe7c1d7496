/* The libuv peer: a hundred thousand timers of one loop. Callbacks, no tasks. */
#include <uv.h>

#include "tools/bench/checksum.h"
#include "tools/bench/peers/peer.h"

struct sleeper {
    uv_timer_t timer;
    uint64_t sleep_ms;
    int64_t due_ns;
    int64_t late_ns;
};

static void note_end(uv_timer_t *timer)
{
    struct sleeper *sleeper = timer->data;

    sleeper->late_ns = peer_clock_ns() - sleeper->due_ns;
}

static void start_sleep(uv_loop_t *loop, struct sleeper *sleeper)
{
    sleeper->late_ns = -1;
    sleeper->timer.data = sleeper;
    sleeper->due_ns = peer_clock_ns() + (int64_t)sleeper->sleep_ms * 1000000;
    uv_update_time(loop); /* the loop's clock stands still while this program fills it */
    if (uv_timer_init(loop, &sleeper->timer) < 0 ||
        uv_timer_start(&sleeper->timer, note_end, sleeper->sleep_ms, 0) < 0)
        peer_fail("uv_timer_start");
}

static int compare_late(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

/*
 * libuv counts whole milliseconds from a clock it has cut to whole ones, so a timer may fire up to
 * one of them early; that counts as slept here, and as not late.
 */
static double late_p99_ms(const struct sleeper *sleepers, int64_t *late_ns, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        late_ns[i] = sleepers[i].late_ns;
    qsort(late_ns, count, sizeof(*late_ns), compare_late);
    return (double)late_ns[count * 99 / 100] / 1e6;
}

int main(int argc, char **argv)
{
    struct peer_request request = peer_parse(argc, argv);
    int wants_cpu = peer_is(&request, "sleep_100k_cpu");

    if (!wants_cpu && !peer_is(&request, "sleep_100k_late_p99"))
        return peer_unknown(&request);
    struct sleeper *sleepers = calloc(request.count, sizeof(*sleepers));
    int64_t *late_ns = calloc(request.count, sizeof(*late_ns));
    if (sleepers == NULL || late_ns == NULL)
        peer_fail("calloc");
    uint64_t state = WEFT__CHECKSUM_SEED;
    for (uint64_t i = 0; i < request.count; i++)
        sleepers[i].sleep_ms = weft__checksum_sleep(&state);

    double used = peer_cpu_seconds();
    uv_loop_t *loop = uv_default_loop();
    for (uint64_t i = 0; i < request.count; i++)
        start_sleep(loop, &sleepers[i]);
    if (uv_run(loop, UV_RUN_DEFAULT) != 0)
        peer_fail("uv_run");
    used = peer_cpu_seconds() - used;

    uint64_t sum = 0;
    for (uint64_t i = 0; i < request.count; i++)
        if (sleepers[i].late_ns > -1000000)
            sum += sleepers[i].sleep_ms;
    return peer_print(&request, wants_cpu ? used : late_p99_ms(sleepers, late_ns, request.count),
                      sum);
}
