/*
 * The trace of a simulation: a line for each choice and each operation, without an address. And
 * what is said when a simulated program fails: the seed, and the command that runs it again.
 */
#ifndef WEFT_SIM_TRACE_H
#define WEFT_SIM_TRACE_H

#include <stdint.h>

/* @path NULL or "": nothing is written. 0 or a negative errno. */
int weft__trace_open(const char *path, uint64_t seed);

/* When, who, what and two numbers. */
struct weft__trace_line {
    uint64_t step;
    int64_t now_ns;
    const char *who;
    const char *what;
    const char *text;
    int64_t first, second;
};
void weft__trace_write(const struct weft__trace_line *line);

void weft__trace_flush(void);

/* Says on standard error which seed it was, once. Async-signal-safe. */
void weft__trace_tell_seed(const char *why);

#endif
