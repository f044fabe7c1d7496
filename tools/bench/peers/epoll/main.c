/*
 * The plain epoll echo server: what a program has where io_uring is refused. One thread, sockets
 * that don't wait, readiness by level, as many events a look as come; each message is one recv and
 * one send.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/bench/peers/peer.h"

enum { connections = 64, events_most = 256, piece_bytes = 512, backlog = 4096 };

static int epoll;
static int listener;
static unsigned left = connections; /* connections that have not ended */

static void watch(int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        peer_fail("epoll_ctl");
}

/* Prints the port. */
static void listen_somewhere(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof(at);

    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (listener < 0 ||
        setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)) < 0 ||
        bind(listener, (struct sockaddr *)&at, bytes) < 0 || listen(listener, backlog) < 0 ||
        getsockname(listener, (struct sockaddr *)&at, &bytes) < 0)
        peer_fail("listen");
    (void)printf("%u\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    watch(listener);
}

static void accept_all(void)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
        watch(fd);
    if (errno != EAGAIN)
        peer_fail("accept");
}

static void echo(int fd)
{
    char piece[piece_bytes];
    ssize_t count = recv(fd, piece, sizeof(piece), 0);

    if (count > 0) {
        if (send(fd, piece, (size_t)count, MSG_NOSIGNAL) != count)
            peer_fail("send");
    } else if (count == 0 || errno != EAGAIN) {
        (void)close(fd);
        left--;
    }
}

int main(int argc, char **argv)
{
    struct peer_request request = peer_parse(argc, argv);
    static struct epoll_event events[events_most];

    if (!peer_is(&request, "echo_compat_cpu"))
        return peer_unknown(&request);
    epoll = epoll_create1(0);
    if (epoll < 0)
        peer_fail("epoll_create1");
    listen_somewhere();
    while (left > 0) {
        int count = epoll_wait(epoll, events, events_most, -1);
        if (count < 0 && errno != EINTR)
            peer_fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_all();
            else
                echo(events[i].data.fd);
        }
    }
    return 0;
}
