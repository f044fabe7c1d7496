/*
 * Prints how the running kernel behaves where the manual pages are silent and kernels differ.
 * Asserts nothing: it is read when a test fails on a kernel that nobody has tried.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "runtime/base/sys.h"
#include "tests/support/engine_log.h"
#include "uring/kernel.h"

static void print_fact(const char *what, long value)
{
    printf("%-66s %ld\n", what, value);
}

static void print_probe(void)
{
    struct weft__probe probe;
    struct weft__setup_error error;
    struct utsname system;

    if (uname(&system) == 0)
        printf("kernel %s\n", system.release);
    if (weft__probe_get(&probe, &error) < 0) {
        printf("no io_uring: %s\n", error.text);
        return;
    }
    for (int i = 0; i < WEFT__FEATURE_COUNT; i++)
        print_fact(weft__probe_feature_name((enum weft__feature)i),
                   weft__probe_has(probe.features, (enum weft__feature)i));
    for (int i = 0; i < WEFT__OP_COUNT; i++)
        print_fact(weft__op_name((enum weft__opcode)i), (long)(probe.ops >> i & 1));
}

static struct weft__engine *open_engine(uint32_t cq)
{
    struct weft__engine_config config = { .cq_entries = cq };
    struct weft__engine *engine = NULL;

    return weft__engine_open_kernel(&config, NULL, &engine, NULL) == 0 ? engine : NULL;
}

static void ring(struct weft__engine *from, struct weft__engine *to, int count)
{
    for (int i = 0; i < count; i++)
        (void)weft__engine_doorbell(from, to);
    (void)weft__engine_flush(from);
}

static void print_visibility(struct weft__engine *from)
{
    struct weft__engine *to = open_engine(0);

    if (to == NULL)
        return;
    struct weft__kernel *target = weft__kernel_of(to);
    ring(from, to, 3);
    print_fact("3 messages sent: completions visible before an enter", weft__kernel_ready(target));
    print_fact("3 messages sent: SQ flags (2: overflow, 4: task run)", weft__kernel_wants(target));
    (void)weft__sys_getcpu(NULL, NULL);
    print_fact("the same after another system call", weft__kernel_ready(target));
    (void)weft__kernel_submit_enter(target, true, 0, IORING_ENTER_GETEVENTS, NULL, 0);
    print_fact("the same after an enter for events", weft__kernel_ready(target));
    (void)weft__engine_poll(to, 64);
    ring(from, to, 60);
    (void)weft__kernel_submit_enter(target, true, 0, IORING_ENTER_GETEVENTS, NULL, 0);
    print_fact("60 messages sent: visible after one enter for events", weft__kernel_ready(target));
    weft__engine_close(to);
}

static void print_overflow(struct weft__engine *from)
{
    struct weft__engine *to = open_engine(8);

    if (to == NULL)
        return;
    ring(from, to, 100);
    int seen = 0, got;
    while ((got = weft__engine_poll(to, 1000)) > 0)
        seen += got;
    print_fact("100 messages to a CQ of 8: reaped", seen);
    print_fact("100 messages to a CQ of 8: overflows met",
               (long)weft__load_relaxed(&to->counters.overflowed));
    print_fact("100 messages to a CQ of 8: refused at the sender",
               (long)weft__load_relaxed(&from->counters.doorbells_failed));
    weft__engine_close(to);
}

static void *open_and_end(void *arg)
{
    *(struct weft__engine **)arg = open_engine(0);
    return NULL;
}

static void print_dead_owner(struct weft__engine *from)
{
    struct weft__engine *to = NULL;
    pthread_t thread;

    if (pthread_create(&thread, NULL, open_and_end, &to) != 0)
        return;
    (void)pthread_join(thread, NULL);
    if (to == NULL)
        return;
    uint64_t before = weft__load_relaxed(&from->counters.doorbells_failed);
    ring(from, to, 1);
    (void)weft__engine_poll(from, 64);
    print_fact("message to a ring whose owner has ended: reported as failed",
               (long)(weft__load_relaxed(&from->counters.doorbells_failed) - before));
    weft__engine_close(to);
}

int main(void)
{
    struct weft__engine *from = open_engine(0);

    print_probe();
    if (from == NULL)
        return 0;
    print_visibility(from);
    print_overflow(from);
    print_dead_owner(from);
    weft__engine_close(from);
    return 0;
}
