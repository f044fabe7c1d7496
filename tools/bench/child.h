/* One run of a measured program, in a process of its own. */
#ifndef WEFT_TOOLS_BENCH_CHILD_H
#define WEFT_TOOLS_BENCH_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { weft__child_notes_bytes = 512 };

struct weft__child_answer {
    double value;
    uint64_t checksum;
    unsigned workers;                    /* as it says; 0 when it does not */
    double parks_per_wake;               /* as it says; 0 when it does not */
    char notes[weft__child_notes_bytes]; /* what it wrote to standard error */
};

/* How many CPUs this process may run on. */
unsigned weft__child_cpus(void);

/*
 * Runs `PROGRAM ARGUMENT... METRIC COUNT` and reads its answer, a line `METRIC VALUE CHECKSUM
 * [workers=N] [parks_per_wake=N]`. The program gets the first @workers CPUs of this process, and no
 * setting from the environment.
 * @argv:    program and arguments, NULL at the end
 * @metric:  the first word that the line must have
 * @workers: 0 for all CPUs
 * @limit_s: a run that takes longer is killed and has failed
 * Returns whether there is an answer; if not, out->notes says why not.
 */
bool weft__child_run(const char *const *argv, const char *metric, uint32_t workers,
                     unsigned limit_s, struct weft__child_answer *out);

#endif
