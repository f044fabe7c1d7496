/*
 * mixed_echo_*: an echo server of plain threads, one for each connection, beside what the program
 * computes. The kernel divides the CPU among them.
 */
#ifndef WEFT_TOOLS_BENCH_PEERS_BESIDE_H
#define WEFT_TOOLS_BENCH_PEERS_BESIDE_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/bench/checksum.h"
#include "tools/bench/peers/peer.h"

enum { peer_beside_connections = 16, peer_beside_bytes = 512 };

struct peer_beside {
    int listener;
    int ended; /* all connections have */
    pthread_t thread;
};

static inline int peer_is_beside(const struct peer_request *request)
{
    return strncmp(request->metric, "mixed_echo_", strlen("mixed_echo_")) == 0;
}

static inline void *peer_beside_echo(void *argument)
{
    int fd = *(const int *)argument;
    char piece[peer_beside_bytes];
    ssize_t count;

    while ((count = recv(fd, piece, sizeof(piece), 0)) > 0)
        if (send(fd, piece, (size_t)count, MSG_NOSIGNAL) != count)
            peer_fail("send");
    (void)close(fd);
    return NULL;
}

static inline void *peer_beside_serve(void *argument)
{
    struct peer_beside *beside = (struct peer_beside *)argument;
    pthread_t threads[peer_beside_connections];
    int fds[peer_beside_connections];

    for (int i = 0; i < peer_beside_connections; i++) {
        fds[i] = accept(beside->listener, NULL, NULL);
        if (fds[i] < 0 || pthread_create(&threads[i], NULL, peer_beside_echo, &fds[i]) != 0)
            peer_fail("accept");
    }
    for (int i = 0; i < peer_beside_connections; i++)
        (void)pthread_join(threads[i], NULL);
    __atomic_store_n(&beside->ended, 1, __ATOMIC_RELAXED);
    return NULL;
}

/* Prints the port; from then on the threads serve, for as long as peer_beside_goes_on says so. */
static inline void peer_beside_start(struct peer_beside *beside)
{
    struct sockaddr_in at;
    socklen_t bytes = sizeof(at);
    int on = 1;

    memset(&at, 0, sizeof(at));
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    beside->ended = 0;
    beside->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (beside->listener < 0 ||
        setsockopt(beside->listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
        bind(beside->listener, (struct sockaddr *)&at, bytes) < 0 ||
        listen(beside->listener, peer_beside_connections) < 0 ||
        getsockname(beside->listener, (struct sockaddr *)&at, &bytes) < 0 ||
        pthread_create(&beside->thread, NULL, peer_beside_serve, beside) != 0)
        peer_fail("listen");
    (void)printf("%u\n", ntohs(at.sin_port));
    (void)fflush(stdout);
}

static inline int peer_beside_goes_on(const struct peer_beside *beside)
{
    return !__atomic_load_n(&beside->ended, __ATOMIC_RELAXED);
}

/* Computes the number by @fib until the server has ended, and prints how many a second. */
static inline int peer_beside_run(const struct peer_request *request, uint64_t (*fib)(uint64_t n))
{
    struct peer_beside beside;
    uint64_t numbers = 0;

    int64_t start_ns = peer_clock_ns();
    peer_beside_start(&beside);
    for (; peer_beside_goes_on(&beside); numbers++)
        if (fib(weft__checksum_mixed) != 75025)
            peer_fail("a wrong Fibonacci number");
    double seconds = (double)(peer_clock_ns() - start_ns) / 1e9;
    (void)pthread_join(beside.thread, NULL);
    return peer_print(request, (double)numbers / seconds, numbers);
}

#endif
