/*
 * How many workers and on which CPUs: affinity, cpuset and cgroup quota meet the topology here
 * (design 20).
 */
#ifndef WEFT_NUMA_PLAN_H
#define WEFT_NUMA_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "numa/cpuset.h"
#include "numa/topology.h"

/*
 * The calling thread's affinity mask, of whatever size the kernel uses, into @out_set, whose old
 * members go. The kernel has already taken the cpuset's other CPUs and offline ones out of it.
 * 0, -ENOMEM, or the kernel's refusal; the set is untouched then.
 */
int weft__affinity_get(struct weft__cpuset *out_set);

/* Pins the calling thread to one CPU. 0, -EINVAL when kernel or cpuset lack it, -ENOMEM. */
int weft__affinity_pin(uint32_t cpu);

/*
 * CPU quota in hundredths of a CPU, rounded up: the least over the whole visible cgroup path (v1
 * and v2); 0 when there is none. @root prefixes every path read ("" in production; a fixture in
 * tests): ROOT/proc/self/cgroup, ROOT/proc/self/mountinfo and the mounts that it names. What can't
 * be read or understood counts as no quota. 0, -ENOMEM.
 */
int weft__cgroup_quota(const char *root, uint32_t *out_hundredths);

/*
 * A limit that is one number, found in the same way: the least over the whole visible path; 0 when
 * there is none.
 * @controller: as version 1 names it ("memory")
 * @file_v2:    where version 2 has it ("memory.max")
 * @file_v1:    where version 1 has it ("memory.limit_in_bytes")
 */
int weft__cgroup_limit(const char *root, const char *controller, const char *file_v2,
                       const char *file_v1, uint64_t *out_limit);

enum { WEFT__PLAN_WORKERS_MAX = 1 << 16 };

struct weft__plan_options {
    uint32_t workers; /* 0: choose; else exactly so many, whatever the quota says */
    bool smt_off;     /* one worker per core */
    uint32_t quota;   /* hundredths of a CPU; 0: none */
    const struct weft__cpuset *allowed; /* NULL: all of the topology; so for a synthetic one, whose
                                         * CPUs are not the kernel's */
};

struct weft__plan_slot {
    uint32_t cpu; /* the kernel's number */
    uint32_t node_index;
    uint32_t l3;
    uint32_t core;
};

struct weft__plan {
    uint32_t worker_count;
    bool pinned;      /* false when there are more workers than CPUs, when a quota is below the
                       * CPUs (others share them then), or when the topology is synthetic */
    char reason[160]; /* one line: "4 workers: affinity allows 8 CPUs, cgroup quota 3.50" */
    struct weft__plan_slot *slots; /* worker_count */
};

/*
 * One worker per allowed CPU, at most ceil(quota), never below one. When they are fewer than the
 * CPUs, cores go before their second threads and nodes take turns. Slots are ordered by node, then
 * by CPU; more workers than CPUs wrap around. -EINVAL when nothing is allowed or more than
 * WEFT__PLAN_WORKERS_MAX workers are asked for; -ENOMEM.
 */
int weft__plan_make(const struct weft__topology *topology, const struct weft__plan_options *options,
                    struct weft__plan **out_plan);
void weft__plan_destroy(struct weft__plan *plan); /* accepts NULL */

#endif
