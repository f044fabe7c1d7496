/* The machine that figures come from: reports of unlike ones can't be compared. */
#ifndef WEFT_TOOLS_BENCH_MACHINE_H
#define WEFT_TOOLS_BENCH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { weft__machine_word_bytes = 128 };

struct weft__machine {
    unsigned cpus;                           /* that this process may use */
    char cpu[weft__machine_word_bytes];      /* model */
    char kernel[weft__machine_word_bytes];   /* "Linux 6.1.0 x86_64" */
    char engine[weft__machine_word_bytes];   /* that a runtime takes; "none" when none starts */
    char policy[weft__machine_word_bytes];   /* of the scheduler; "default" */
    char governor[weft__machine_word_bytes]; /* of the first CPU; "none" when nobody scales it */
    char quota[weft__machine_word_bytes];    /* CPUs that the cgroup allows; "none" */
};

/* The commit that weft was built from, with "-changed" when the tree was not as committed;
 * "release" for a tarball. Written by the build. */
extern const char weft__machine_commit[];

/* Looks once; later calls give the same. Starts a runtime for a moment. */
const struct weft__machine *weft__machine_look(void);

/* Three lines for people. */
void weft__machine_print_text(FILE *out, const struct weft__machine *machine);

/* One JSON object. */
void weft__machine_print_json(FILE *out, const struct weft__machine *machine);

/* For tests: the value of the first line "KEY : VALUE" of /proc/cpuinfo's text; false: none. */
bool weft__machine_find_line(const char *text, const char *key, char *out_value, size_t bytes);

/* For tests: the word behind @mark in what a runtime says of itself, up to a semicolon or space. */
bool weft__machine_find_word(const char *about, const char *mark, char *out_word, size_t bytes);

#endif
