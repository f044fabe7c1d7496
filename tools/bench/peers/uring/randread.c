/*
 * The best that a program of its own does with a ring: one thread, the file and the buffers
 * registered, as many reads under way as asked for, and one system call that submits and waits.
 */
#include "tools/bench/peers/uring/randread.h"

#include <fcntl.h>
#include <liburing.h>

#include "tools/bench/checksum.h"

enum { entries = 256 };

static _Alignas(weft__randread_bytes) char buffers[weft__randread_depth][weft__randread_bytes];

struct reader {
    struct io_uring ring;
    uint64_t blocks;
    uint64_t state;
    uint64_t left;
    uint64_t sum;
    unsigned free[weft__randread_depth]; /* buffers that no read has */
    unsigned free_count;
};

static void open_ring(struct io_uring *ring, int file)
{
    struct iovec room = { buffers, sizeof(buffers) };
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    };

    if (io_uring_queue_init_params(entries, ring, &parameters) < 0 ||
        io_uring_register_ring_fd(ring) < 0 || io_uring_register_files(ring, &file, 1) < 0 ||
        io_uring_register_buffers(ring, &room, 1) < 0)
        peer_fail("io_uring");
}

/* All of what is going to be read is in memory afterwards. */
static void warm(int file, uint64_t blocks)
{
    for (uint64_t i = 0; i < blocks; i += weft__randread_depth)
        if (pread(file, buffers, sizeof(buffers), (off_t)i * weft__randread_bytes) !=
            (ssize_t)sizeof(buffers))
            peer_fail("pread");
}

static void submit_more(struct reader *reader)
{
    while (reader->left > 0 && reader->free_count > 0) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&reader->ring);
        if (sqe == NULL)
            peer_fail("io_uring_get_sqe");
        unsigned buffer = reader->free[--reader->free_count];
        uint64_t block = weft__randread_next(&reader->state, reader->blocks);
        io_uring_prep_read_fixed(sqe, 0, buffers[buffer], weft__randread_bytes,
                                 block * weft__randread_bytes, 0);
        sqe->flags |= IOSQE_FIXED_FILE;
        sqe->user_data = buffer;
        reader->left--;
    }
    if (io_uring_submit_and_wait(&reader->ring, 1) < 0)
        peer_fail("io_uring_enter");
}

static void reap(struct reader *reader)
{
    struct io_uring_cqe *cqe;
    unsigned head;
    unsigned seen = 0;

    io_uring_for_each_cqe(&reader->ring, head, cqe)
    {
        uint64_t number;
        unsigned buffer = (unsigned)cqe->user_data;
        if (cqe->res != weft__randread_bytes)
            peer_fail("read");
        memcpy(&number, buffers[buffer], sizeof(number));
        reader->sum += number;
        reader->free[reader->free_count++] = buffer;
        seen++;
    }
    io_uring_cq_advance(&reader->ring, seen);
}

int randread(const struct peer_request *request)
{
    static struct reader reader;
    struct weft__randread how = weft__randread_parse(request->metric);
    const char *path = getenv(WEFT__RANDREAD_FILE);
    int file = path != NULL ? open(path, O_RDONLY | (how.direct ? O_DIRECT : 0)) : -1;

    if (file < 0)
        peer_fail(WEFT__RANDREAD_FILE);
    peer_pin(0);
    open_ring(&reader.ring, file);
    reader.blocks = weft__randread_blocks(how.direct, request->count);
    reader.state = WEFT__CHECKSUM_SEED;
    reader.left = request->count;
    for (unsigned i = 0; i < how.depth; i++)
        reader.free[reader.free_count++] = i;
    if (!how.direct)
        warm(file, reader.blocks);

    double cpu_before = peer_cpu_seconds();
    int64_t start_ns = peer_clock_ns();
    while (reader.left > 0 || reader.free_count < how.depth) {
        submit_more(&reader);
        reap(&reader);
    }
    int64_t elapsed_ns = peer_clock_ns() - start_ns;
    double used_s = peer_cpu_seconds() - cpu_before;

    double count = (double)request->count;
    return peer_print(request, how.cpu ? used_s * 1e6 / count : count * 1e6 / (double)elapsed_ns,
                      reader.sum);
}
