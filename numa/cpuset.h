/* A set of CPU or node numbers of any size (CPU_SETSIZE is not a limit of the kernel). */
#ifndef WEFT_NUMA_CPUSET_H
#define WEFT_NUMA_CPUSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weft__cpuset {
    unsigned long *words; /* NULL while empty */
    size_t word_count;
};

enum { WEFT__CPUSET_MAX = 1 << 20 }; /* highest number + 1 that a text may name */

void weft__cpuset_init(struct weft__cpuset *set);
void weft__cpuset_fini(struct weft__cpuset *set); /* accepts an initialised or zeroed set */
int weft__cpuset_add(struct weft__cpuset *set, uint32_t number); /* 0, -ENOMEM, -ERANGE */
void weft__cpuset_remove(struct weft__cpuset *set, uint32_t number);
bool weft__cpuset_has(const struct weft__cpuset *set, uint32_t number);
uint32_t weft__cpuset_count(const struct weft__cpuset *set);
int weft__cpuset_copy(struct weft__cpuset *to, const struct weft__cpuset *from);
void weft__cpuset_intersect(struct weft__cpuset *set, const struct weft__cpuset *other);

/* The first member >= @from; -1 when there is none. */
int64_t weft__cpuset_next(const struct weft__cpuset *set, uint32_t from);

/*
 * Parses the kernel's list form ("0-3,8,10-14:2/4" strides included, optional newline, empty text
 * is the empty set) into @set, whose old members go. Returns the count, -ENOMEM, or -EINVAL or
 * -ERANGE with *out_at the offset of the character that is wrong; the set is untouched then.
 */
int weft__cpuset_parse_list(struct weft__cpuset *set, const char *text, size_t *out_at);

/*
 * Reads one non-empty list out of a longer text: starts at *@at, adds to @set, leaves *@at at the
 * first character that does not belong to it. On an error *@at is the character that is wrong and
 * @set may hold a part of the list. 0, -EINVAL, -ERANGE, -ENOMEM.
 */
int weft__cpuset_scan_list(struct weft__cpuset *set, const char *text, size_t *at);

/* Writes the list form, cut to fit and ended with a NUL; returns its length as snprintf does. */
size_t weft__cpuset_format(const struct weft__cpuset *set, char *text, size_t text_bytes);

#endif
