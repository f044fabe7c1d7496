/*
 * The raw io_uring echo server, with all that was found to make it fast: one multishot accept into
 * registered files, one multishot receive per connection into a ring of provided buffers, replies
 * sent from those buffers, one enter per turn that submits all replies and waits.
 */
#include "tools/bench/peers/uring/echo.h"

#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum {
    sq_entries = 2048,
    cq_entries = 8192,
    buffers = 4096,
    buffer_bytes = 512,
    files = 4096,
    backlog = 4096
};

enum what { ACCEPT = 1, RECEIVE, SEND, CLOSE };

static struct io_uring ring;
static struct io_uring_buf_ring *free_buffers;
static char *memory;
static uint32_t left; /* connections that have not ended */

/* What an entry was: its kind, the connection, the buffer that it sends. */
static uint64_t mark(enum what what, unsigned file, unsigned buffer)
{
    return (uint64_t)what << 56 | (uint64_t)file << 24 | buffer;
}

static struct io_uring_sqe *entry(uint64_t user_data)
{
    struct io_uring_sqe *sqe;

    while ((sqe = io_uring_get_sqe(&ring)) == NULL)
        if (io_uring_submit(&ring) < 0)
            peer_fail("io_uring_enter");
    io_uring_prep_nop(sqe);
    sqe->user_data = user_data;
    return sqe;
}

static void give_back(unsigned buffer)
{
    io_uring_buf_ring_add(free_buffers, memory + (size_t)buffer * buffer_bytes, buffer_bytes,
                          (unsigned short)buffer, buffers - 1, 0);
    io_uring_buf_ring_advance(free_buffers, 1);
}

static void stage_accept(int listener)
{
    struct io_uring_sqe *sqe = entry(0);

    io_uring_prep_multishot_accept_direct(sqe, listener, NULL, NULL, 0);
    sqe->user_data = mark(ACCEPT, (unsigned)listener, 0);
}

static void stage_receive(unsigned file)
{
    struct io_uring_sqe *sqe = entry(0);

    io_uring_prep_recv_multishot(sqe, (int)file, NULL, 0, 0);
    sqe->flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
    sqe->user_data = mark(RECEIVE, file, 0);
}

static void stage_send(unsigned file, unsigned buffer, size_t bytes)
{
    struct io_uring_sqe *sqe = entry(0);

    io_uring_prep_send(sqe, (int)file, memory + (size_t)buffer * buffer_bytes, bytes,
                       MSG_WAITALL | MSG_NOSIGNAL);
    sqe->flags |= IOSQE_FIXED_FILE;
    sqe->user_data = mark(SEND, file, buffer);
}

static void stage_close(unsigned file)
{
    struct io_uring_sqe *sqe = entry(0);

    io_uring_prep_close_direct(sqe, file);
    sqe->user_data = mark(CLOSE, file, 0);
}

static void received(const struct io_uring_cqe *cqe, unsigned file)
{
    unsigned buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;

    if (cqe->res > 0) {
        stage_send(file, buffer, (size_t)cqe->res);
        if ((cqe->flags & IORING_CQE_F_MORE) == 0)
            stage_receive(file);
    } else if (cqe->res == -ENOBUFS) {
        stage_receive(file);
    } else {
        stage_close(file);
    }
}

static void handle(const struct io_uring_cqe *cqe)
{
    unsigned file = (unsigned)(cqe->user_data >> 24) & 0xFFFFFFFFu;
    enum what what = (enum what)(cqe->user_data >> 56);

    switch (what) {
    case ACCEPT:
        if (cqe->res >= 0)
            stage_receive((unsigned)cqe->res);
        if ((cqe->flags & IORING_CQE_F_MORE) == 0)
            stage_accept((int)file);
        break;
    case RECEIVE: received(cqe, file); break;
    case SEND:
        if (cqe->res < 0)
            peer_fail("send");
        give_back((unsigned)cqe->user_data & 0xFFFFFF);
        break;
    case CLOSE: left--; break;
    }
}

static void open_ring(void)
{
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
        .cq_entries = cq_entries,
    };
    struct io_uring_buf_reg group = { .ring_entries = buffers };

    free_buffers = mmap(NULL, buffers * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memory = mmap(NULL, (size_t)buffers * buffer_bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    group.ring_addr = (uint64_t)(uintptr_t)free_buffers;
    if (io_uring_queue_init_params(sq_entries, &ring, &parameters) < 0 ||
        io_uring_register_ring_fd(&ring) < 0 || io_uring_register_files_sparse(&ring, files) < 0 ||
        io_uring_register_buf_ring(&ring, &group, 0) < 0)
        peer_fail("io_uring");
    io_uring_buf_ring_init(free_buffers);
    for (unsigned i = 0; i < buffers; i++)
        give_back(i);
}

/* Prints the port. */
static int listen_somewhere(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)) < 0 ||
        bind(fd, (struct sockaddr *)&at, bytes) < 0 || listen(fd, backlog) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &bytes) < 0)
        peer_fail("listen");
    (void)printf("%u\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    return fd;
}

void peer_echo(const struct peer_request *request)
{
    bool spins = strstr(request->metric, "_spin") != NULL;

    left = peer_connections(request);
    open_ring();
    stage_accept(listen_somewhere());
    while (left > 0) {
        struct io_uring_cqe *cqe;
        unsigned head;
        unsigned seen = 0;
        int rc = spins ? io_uring_submit_and_get_events(&ring) : io_uring_submit_and_wait(&ring, 1);
        if (rc < 0 && rc != -EINTR)
            peer_fail("io_uring_enter");
        io_uring_for_each_cqe(&ring, head, cqe)
        {
            handle(cqe);
            seen++;
        }
        io_uring_cq_advance(&ring, seen);
    }
}
