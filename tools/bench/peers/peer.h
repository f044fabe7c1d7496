/* What peers in C and C++ share: clock, pinning, and the line that states a figure. */
#ifndef WEFT_TOOLS_BENCH_PEERS_PEER_H
#define WEFT_TOOLS_BENCH_PEERS_PEER_H

#include <inttypes.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* What the program was asked for: PROGRAM METRIC COUNT. */
struct peer_request {
    const char *metric;
    uint64_t count;
};

static inline struct peer_request peer_parse(int argc, char **argv)
{
    struct peer_request request = { NULL, 0 };

    if (argc == 3) {
        request.metric = argv[1];
        request.count = strtoumax(argv[2], NULL, 10);
    }
    if (request.count == 0) {
        (void)fprintf(stderr, "usage: %s METRIC COUNT\n", argv[0]);
        exit(2);
    }
    return request;
}

static inline int peer_is(const struct peer_request *request, const char *metric)
{
    return strcmp(request->metric, metric) == 0;
}

/* How many connections an echo_64B_<n>c_... has; 0 for another metric. */
static inline uint32_t peer_connections(const struct peer_request *request)
{
    uint32_t count = 0;

    return sscanf(request->metric, "echo_64B_%" SCNu32 "c_", &count) == 1 ? count : 0;
}

static inline int peer_print(const struct peer_request *request, double value, uint64_t checksum)
{
    return printf("%s %.9g %" PRIu64 "\n", request->metric, value, checksum) > 0 ? 0 : 1;
}

static inline int peer_unknown(const struct peer_request *request)
{
    (void)fprintf(stderr, "no metric %s here\n", request->metric);
    return 2;
}

static inline __attribute__((noreturn)) void peer_fail(const char *what)
{
    perror(what);
    exit(1);
}

static inline int64_t peer_clock_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline double peer_cpu_seconds(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) < 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Binds the calling thread to the @index-th of the CPUs that the process was given. */
static inline void peer_pin(int index)
{
    cpu_set_t given;
    cpu_set_t one;
    size_t cpu = 0;

    if (sched_getaffinity(0, sizeof(given), &given) < 0 || index >= CPU_COUNT(&given))
        peer_fail("CPUs");
    for (; !CPU_ISSET(cpu, &given) || index > 0; cpu++)
        index -= CPU_ISSET(cpu, &given) ? 1 : 0;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof(one), &one) < 0)
        peer_fail("pinning");
}

#endif
