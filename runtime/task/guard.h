/*
 * What keeps a task from running over the low end of its stack. Three ways, best first:
 *   guard markers (MADV_GUARD_INSTALL, Linux 6.13): no mapping is split, 0.7 us each;
 *   mprotect: two mappings more for each stack, so only within a budget of vm.max_map_count;
 *   a canary in the lowest words, checked when the task ends.
 * Without the budget a mmap fails at stack 32,753 of a default system (measured).
 */
#ifndef WEFT_TASK_GUARD_H
#define WEFT_TASK_GUARD_H

#include <stdbool.h>
#include <stddef.h>

enum { WEFT__GUARD_BYTES = 16 * 1024 };

enum weft__guard {
    WEFT__GUARD_NONE, /* a canary must do */
    WEFT__GUARD_MARKED,
    WEFT__GUARD_PROTECTED /* out of the budget, until weft__guard_give_back */
};

/* Installs a guard at [@low, @low + WEFT__GUARD_BYTES). */
enum weft__guard weft__guard_install(void *low);

/* So many protected guards have been unmapped. */
void weft__guard_give_back(long count);

/*
 * The same for @count guards, at @low and then every @stride bytes, with one call where the kernel
 * has it (process_madvise on itself, 6.14: 0.5 us each). False: none was installed, do it one by
 * one.
 */
bool weft__guard_install_row(char *low, size_t stride, unsigned count);

/* What the process uses: "guard markers", "mprotect" or "canaries", for reports. */
const char *weft__guard_method(void);

/* Whether the kernel has guard markers; tries one when that is not known yet. */
bool weft__guard_has_markers(void);

/* Whether a stack of the process has had to do with a canary. */
bool weft__guard_has_canaries(void);

/* For reports. */
struct weft__guard_facts {
    long map_limit;   /* vm.max_map_count */
    long maps_kept;   /* of these, kept for the program and its libraries */
    long guards_most; /* mprotect guards that the rest suffices for */
};

void weft__guard_look(struct weft__guard_facts *out_facts);

/* Hides guard markers, as on a kernel before 6.13, and sets the mprotect budget; for tests. */
void weft__guard_pretend(bool no_markers, long budget);

#endif
