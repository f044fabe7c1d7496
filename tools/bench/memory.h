/* What the kernel says of this process's memory. Peers in C and C++ include this file. */
#ifndef WEFT_TOOLS_BENCH_MEMORY_H
#define WEFT_TOOLS_BENCH_MEMORY_H

#include <stdint.h>
#include <stdio.h>

/* VmRSS + VmPTE of /proc/self/status: resident pages and the tables that map them, in bytes. */
static inline uint64_t weft__memory_resident_bytes(void)
{
    FILE *status = fopen("/proc/self/status", "re");
    unsigned long long kilobytes = 0;
    char line[256];

    while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
        unsigned long long part;
        if (sscanf(line, "VmRSS: %llu", &part) == 1 || sscanf(line, "VmPTE: %llu", &part) == 1)
            kilobytes += part;
    }
    if (status != NULL)
        (void)fclose(status);
    return (uint64_t)kilobytes * 1024;
}

#endif
