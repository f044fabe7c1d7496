/*
 * What the bodies and the peers that read random blocks of a file agree on. The runner makes the
 * file (data.c) and says in the environment where it is: each block begins with its own number,
 * which goes into the checksum.
 */
#ifndef WEFT_TOOLS_BENCH_RANDREAD_H
#define WEFT_TOOLS_BENCH_RANDREAD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WEFT__RANDREAD_FILE "WEFT_BENCH_FILE"

enum {
    weft__randread_bytes = 4096, /* of a block */
    weft__randread_depth = 128,  /* reads under way at most */
    weft__randread_tiny = 1000   /* so few reads show that all works, and need no large file */
};

struct weft__randread {
    bool direct;    /* O_DIRECT: from the disk; else what the page cache holds */
    bool cpu;       /* the figure is CPU time */
    unsigned depth; /* reads under way at a time */
};

/* From a name like randread_4k_direct_qd32_cpu. Depth 0: it is none of these. */
static inline struct weft__randread weft__randread_parse(const char *metric)
{
    struct weft__randread parsed = { 0 };
    const char *depth = strstr(metric, "_qd");

    if (strncmp(metric, "randread_", strlen("randread_")) != 0 || depth == NULL)
        return parsed;
    parsed.direct = strstr(metric, "_direct_") != NULL;
    parsed.cpu = strstr(depth, "_cpu") != NULL;
    if (sscanf(depth, "_qd%u", &parsed.depth) != 1 || parsed.depth > weft__randread_depth)
        parsed.depth = 0;
    return parsed;
}

/* Blocks of the file that @count reads choose from: 1 GiB on the disk, 256 MiB in memory. */
static inline uint64_t weft__randread_blocks(bool direct, uint64_t count)
{
    if (count <= weft__randread_tiny)
        return 1024;
    return direct ? 1 << 18 : 1 << 16;
}

/* The next block to read (xorshift64; Marsaglia, "Xorshift RNGs", 2003). */
static inline uint64_t weft__randread_next(uint64_t *state, uint64_t blocks)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x % blocks;
}

#endif
