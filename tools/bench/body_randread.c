/*
 * randread_4k_*: random blocks of 4 KiB from one file, by as many tasks of one worker as reads are
 * to be under way. Each task is a plain loop around weft_pread.
 */
#include "tools/bench/body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <weft.h>

#include "tools/bench/checksum.h"
#include "tools/bench/randread.h"

enum { ahead = 64 }; /* blocks of one read while the file is brought into memory */

struct readers {
    weft_fd file;
    uint64_t blocks;
    uint64_t state; /* one worker runs all tasks, so plain numbers will do */
    uint64_t left;
    uint64_t sum;
};

static _Alignas(weft__randread_bytes) char buffers[weft__randread_depth][weft__randread_bytes];

struct reader {
    struct readers *all;
    char *buffer;
};

static int read_blocks(void *argument)
{
    const struct reader *reader = argument;
    struct readers *all = reader->all;

    while (all->left > 0) {
        uint64_t number;
        int64_t block = (int64_t)weft__randread_next(&all->state, all->blocks);
        all->left--;
        ssize_t count = weft_pread(all->file, reader->buffer, weft__randread_bytes,
                                   block * weft__randread_bytes, WEFT_NEVER);
        if (count != weft__randread_bytes)
            return count < 0 ? (int)count : -EIO;
        memcpy(&number, reader->buffer, sizeof(number));
        all->sum += number;
    }
    return 0;
}

static double cpu_seconds(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) < 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* All of what is going to be read is in memory afterwards. */
static int warm(const struct readers *all)
{
    static char room[ahead * weft__randread_bytes];
    int64_t bytes = (int64_t)all->blocks * weft__randread_bytes;
    int rc = 0;

    for (int64_t at = 0; rc == 0 && at < bytes; at += (int64_t)sizeof(room))
        rc = weft_pread_exactly(all->file, room, sizeof(room), at, NULL, WEFT_NEVER);
    return rc;
}

static int run_readers(struct readers *all, unsigned depth)
{
    weft_scope scope = weft_scope_open(NULL);

    for (unsigned i = 0; i < depth; i++) {
        struct reader reader = { all, buffers[i] };
        (void)weft_go_copy(scope, read_blocks, &reader, sizeof(reader));
    }
    return weft_scope_close(scope);
}

static int read_randomly(struct weft__body_run *run, bool direct, bool cpu, unsigned depth)
{
    const char *path = getenv(WEFT__RANDREAD_FILE);
    struct readers all = {
        .blocks = weft__randread_blocks(direct, run->count),
        .state = WEFT__CHECKSUM_SEED,
        .left = run->count,
    };

    if (path == NULL)
        return weft_fail(-ENOENT, NULL, WEFT__RANDREAD_FILE " names no file to read");
    all.file = weft_open(path, O_RDONLY | (direct ? O_DIRECT : 0), 0, WEFT_NEVER);
    int rc = all.file < 0 ? (int)all.file : 0;
    if (rc == 0 && !direct)
        rc = warm(&all);
    double cpu_before = cpu_seconds();
    int64_t start_ns = weft_clock();
    if (rc == 0)
        rc = run_readers(&all, depth);
    int64_t elapsed_ns = weft_clock() - start_ns;
    double used_s = cpu_seconds() - cpu_before;
    if (all.file > 0)
        (void)weft_close(all.file);
    run->value = cpu ? used_s * 1e6 / (double)run->count
                     : (double)run->count * 1e6 / (double)elapsed_ns;
    run->checksum = all.sum;
    return rc;
}

#define BODY(name, direct, cpu, depth)                     \
    int weft__body_randread_run_##name(void *argument)     \
    {                                                      \
        return read_randomly(argument, direct, cpu, depth); \
    }

BODY(direct_1, true, false, 1)
BODY(direct_1_cpu, true, true, 1)
BODY(direct_32, true, false, 32)
BODY(direct_32_cpu, true, true, 32)
BODY(direct_128, true, false, 128)
BODY(direct_128_cpu, true, true, 128)
BODY(cached_1, false, false, 1)
BODY(cached_1_cpu, false, true, 1)
BODY(cached_32, false, false, 32)
BODY(cached_32_cpu, false, true, 32)
