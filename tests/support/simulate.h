/* A test program that runs itself as simulations, each in a process of its own: the seed, the words
 * of WEFT_SIM and the trace are given by the environment, which a process reads once. */
#ifndef WEFT_TESTS_SUPPORT_SIMULATE_H
#define WEFT_TESTS_SUPPORT_SIMULATE_H

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <weft.h>

/* What a process is to do, in the first task of its runtime. */
struct simulate_role {
    const char *name;
    weft_task_fn body;
};

enum { simulate_room = 1 << 14 };

/* What the last simulation said on standard error, ended by a NUL. */
extern char simulate_said[simulate_room];

/*
 * Runs this program as @role with @seed, @trace (NULL: none) and the WEFT_SIM of this process. Its
 * exit status: 0; 1 when the body has failed; 3 when no runtime has started, and the reason is
 * said. Negative: a signal has ended it.
 */
int simulate(const char *role, const char *seed, const char *trace);

/* For main: when this process is a simulation, ends it with its status; else returns. */
void simulate_as_told(int argc, char **argv, const struct simulate_role *roles, size_t count);

/* Reads a trace, or another file; its bytes, ended by a NUL, which the caller frees. */
char *simulate_slurp(const char *path);

/* In a role: says what does not hold, and ends the body. */
#define SIMULATE_MUST(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
            return -EIO; \
        } \
    } while (0)

#endif
