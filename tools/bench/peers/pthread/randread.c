/* One thread of two that calls pread, whatever depth was asked for: what a program without a queue
 * gets. (With a single thread the kernel counts no references to the file, 4 % less.) */
#include "tools/bench/peers/pthread/randread.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "tools/bench/checksum.h"

static _Alignas(weft__randread_bytes) char buffer[weft__randread_bytes];

static void read_block(int file, uint64_t block)
{
    if (pread(file, buffer, sizeof(buffer), (off_t)block * weft__randread_bytes) !=
        (ssize_t)sizeof(buffer))
        peer_fail("pread");
}

struct reading {
    int file;
    uint64_t blocks;
    uint64_t left;
    uint64_t sum;
};

static void *read_all(void *argument)
{
    struct reading *reading = argument;
    uint64_t state = WEFT__CHECKSUM_SEED;

    peer_pin(0);
    while (reading->left-- > 0) {
        uint64_t number;
        read_block(reading->file, weft__randread_next(&state, reading->blocks));
        memcpy(&number, buffer, sizeof(number));
        reading->sum += number;
    }
    return NULL;
}

int randread(const struct peer_request *request)
{
    struct weft__randread how = weft__randread_parse(request->metric);
    const char *path = getenv(WEFT__RANDREAD_FILE);
    struct reading reading = {
        .file = path != NULL ? open(path, O_RDONLY | (how.direct ? O_DIRECT : 0)) : -1,
        .blocks = weft__randread_blocks(how.direct, request->count),
        .left = request->count,
    };
    pthread_t thread;

    if (reading.file < 0)
        peer_fail(WEFT__RANDREAD_FILE);
    for (uint64_t i = 0; !how.direct && i < reading.blocks; i++)
        read_block(reading.file, i); /* into memory */

    double cpu_before = peer_cpu_seconds();
    int64_t start_ns = peer_clock_ns();
    if (pthread_create(&thread, NULL, read_all, &reading) != 0)
        peer_fail("pthread_create");
    (void)pthread_join(thread, NULL);
    int64_t elapsed_ns = peer_clock_ns() - start_ns;
    double used_s = peer_cpu_seconds() - cpu_before;

    double count = (double)request->count;
    return peer_print(request, how.cpu ? used_s * 1e6 / count : count * 1e6 / (double)elapsed_ns,
                      reading.sum);
}
