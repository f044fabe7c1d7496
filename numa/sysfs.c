/* The topology from a sysfs tree. Missing files have defaults, malformed ones are refused. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "numa/draft.h"
#include "numa/memory.h"
#include "numa/text.h"
#include "numa/topology.h"
#include "runtime/base/compiler.h"

enum {
    path_bytes = 1024,
    cache_index_max = 32, /* BOUND caches of a CPU: x86-64 has at most 5, POWER 8 */
    last_cache_level = 3,
    distance_max = 255, /* a byte in the firmware's table */
    kilobyte = 1024,
};

/* What a group number means; equal numbers of different kinds are different groups. */
enum group_kind { GROUP_OF_CPU, GROUP_OF_CORE_ID, GROUP_OF_PACKAGE, GROUP_OF_NODE };

struct reader {
    const char *root;
    struct weft__topology_error *error;
    struct weft__draft draft;
    struct weft__cpuset online;
    struct weft__cpuset list; /* of the file read last */
    struct weft__text text;   /* that file */
    char path[path_bytes];    /* its name */
};

static int refuse(const struct reader *reader, size_t at, const char *why)
{
    return weft__topology_refuse(reader->error, reader->path, at, why);
}

/* 1 when the file is there, 0 when not (or not for us), negative when reading must end. */
WEFT__PRINTF(2, 3) static int load(struct reader *reader, const char *format, ...)
{
    va_list arguments;
    int root_length = snprintf(reader->path, path_bytes, "%s/devices/system/", reader->root);

    if (root_length < 0 || root_length >= path_bytes)
        return -ENAMETOOLONG;
    va_start(arguments, format);
    int rest = vsnprintf(reader->path + root_length, (size_t)(path_bytes - root_length), format,
                         arguments);
    va_end(arguments);
    if (rest < 0 || rest >= path_bytes - root_length)
        return -ENAMETOOLONG;
    int rc = weft__text_load(&reader->text, reader->path);
    if (rc == -E2BIG)
        return refuse(reader, WEFT__TEXT_MAX, "the file is too long");
    return rc == -ENOMEM ? rc : rc == 0;
}

/* The file just loaded, as a list of numbers into reader->list. 1 or negative. */
static int parse_list(struct reader *reader)
{
    size_t at = 0;
    int rc = weft__cpuset_parse_list(&reader->list, reader->text.data, &at);

    if (rc == -ERANGE)
        return refuse(reader, at, "the number is too large");
    if (rc == -EINVAL)
        return refuse(reader, at, "not a list of numbers like 0-3,8");
    return rc < 0 ? rc : 1;
}

/* The file just loaded, as one number. 1, 0 for the kernel's "-1" (not known), or negative. */
static int parse_number(const struct reader *reader, uint32_t *out_number)
{
    uint64_t number = 0;
    size_t at = 0;

    if (weft__text_skip(reader->text.data, &at, "-1") && weft__text_at_end(reader->text.data, at))
        return 0;
    at = 0;
    int rc = weft__text_number(reader->text.data, &at, UINT32_MAX, &number);
    if (rc == -ERANGE)
        return refuse(reader, at, "the number is too large");
    if (rc < 0 || !weft__text_at_end(reader->text.data, at))
        return refuse(reader, at, "not a number");
    *out_number = (uint32_t)number;
    return 1;
}

static int read_number(struct reader *reader, uint32_t cpu, const char *name, uint32_t *out_number)
{
    int rc = load(reader, "cpu/cpu%u/%s", cpu, name);
    return rc <= 0 ? rc : parse_number(reader, out_number);
}

/* The group that reader->list says: its first CPU; @cpu alone when it is not in its own list. */
static struct weft__draft_group listed_group(const struct reader *reader, uint32_t cpu)
{
    struct weft__draft_group group = { .kind = GROUP_OF_CPU, .low = cpu };

    if (weft__cpuset_has(&reader->list, cpu))
        group.low = (uint32_t)weft__cpuset_next(&reader->list, 0);
    return group;
}

/* Kernels before 5.10 and some boards name no siblings: then package and core number decide. */
static int read_core_by_id(struct reader *reader, uint32_t cpu, struct weft__draft_group *core)
{
    uint32_t package = 0;
    uint32_t number = 0;

    *core = (struct weft__draft_group){ .kind = GROUP_OF_CPU, .low = cpu };
    int rc = read_number(reader, cpu, "topology/core_id", &number);
    if (rc <= 0)
        return rc;
    rc = read_number(reader, cpu, "topology/physical_package_id", &package);
    if (rc > 0)
        *core = (struct weft__draft_group){ GROUP_OF_CORE_ID, package, number };
    return rc < 0 ? rc : 0;
}

static int read_core(struct reader *reader, uint32_t cpu, struct weft__draft_group *core)
{
    int rc = load(reader, "cpu/cpu%u/topology/core_cpus_list", cpu);

    if (rc == 0)
        rc = load(reader, "cpu/cpu%u/topology/thread_siblings_list", cpu);
    if (rc == 0)
        return read_core_by_id(reader, cpu, core);
    if (rc > 0)
        rc = parse_list(reader);
    if (rc < 0)
        return rc;
    *core = listed_group(reader, cpu);
    return 0;
}

/* 1 when reader->list holds the CPUs of a level 3 cache, 0 when there is none. */
static int read_l3_list(struct reader *reader, uint32_t cpu)
{
    for (unsigned index = 0; index < cache_index_max; index++) {
        uint32_t level = 0;
        int rc = load(reader, "cpu/cpu%u/cache/index%u/level", cpu, index);
        if (rc > 0)
            rc = parse_number(reader, &level);
        if (rc <= 0)
            return rc;
        if (level != last_cache_level)
            continue;
        rc = load(reader, "cpu/cpu%u/cache/index%u/shared_cpu_list", cpu, index);
        if (rc != 0)
            return rc < 0 ? rc : parse_list(reader);
    }
    return 0;
}

static int read_l3(struct reader *reader, uint32_t cpu, struct weft__draft_group *l3)
{
    uint32_t package = 0;
    int rc = read_l3_list(reader, cpu);

    if (rc > 0)
        *l3 = listed_group(reader, cpu);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = read_number(reader, cpu, "topology/physical_package_id", &package);
    *l3 = (struct weft__draft_group){ .kind = rc > 0 ? GROUP_OF_PACKAGE : GROUP_OF_NODE,
                                      .low = package };
    return rc < 0 ? rc : 0;
}

static int read_cpus(struct reader *reader)
{
    int rc = load(reader, "cpu/online");

    if (rc == 0)
        rc = load(reader, "cpu/present");
    if (rc > 0)
        rc = parse_list(reader);
    if (rc > 0)
        rc = weft__cpuset_copy(&reader->online, &reader->list);
    for (int64_t id = weft__cpuset_next(&reader->online, 0); rc == 0 && id >= 0;
         id = weft__cpuset_next(&reader->online, (uint32_t)id + 1)) {
        struct weft__draft_cpu cpu = { .id = (uint32_t)id, .node_index = WEFT__DRAFT_NO_NODE };
        rc = read_core(reader, cpu.id, &cpu.core);
        if (rc == 0)
            rc = read_l3(reader, cpu.id, &cpu.l3);
        if (rc == 0)
            rc = weft__draft_add_cpu(&reader->draft, &cpu);
    }
    return rc;
}

/* The online CPUs of reader->list belong to @node_index, unless an earlier node has them. */
static void place_listed(struct reader *reader, uint32_t node_index)
{
    for (uint32_t i = 0; i < reader->draft.cpu_count; i++) {
        struct weft__draft_cpu *cpu = &reader->draft.cpus[i];
        if (cpu->node_index == WEFT__DRAFT_NO_NODE && weft__cpuset_has(&reader->list, cpu->id))
            cpu->node_index = node_index;
    }
}

/* "Node 0 MemTotal:   5859532 kB" among other lines. */
static int parse_memory(const struct reader *reader, uint64_t *out_bytes)
{
    static const char name[] = "MemTotal:";
    const char *text = reader->text.data;
    const char *found = strstr(text, name);
    uint64_t kilobytes = 0;

    if (found == NULL)
        return refuse(reader, strlen(text), "MemTotal is missing");
    size_t at = (size_t)(found - text) + sizeof(name) - 1;
    while (text[at] == ' ')
        at++;
    int rc = weft__text_number(text, &at, UINT64_MAX / kilobyte, &kilobytes);
    if (rc < 0)
        return refuse(reader, at, rc == -ERANGE ? "the number is too large" : "not a number");
    if (!weft__text_skip(text, &at, " kB"))
        return refuse(reader, at, "kB is missing");
    *out_bytes = kilobytes * kilobyte;
    return 0;
}

static int read_node(struct reader *reader, uint32_t id)
{
    uint64_t memory_bytes = 0;
    int rc = load(reader, "node/node%u/cpulist", id);

    if (rc > 0)
        rc = parse_list(reader);
    if (rc > 0)
        place_listed(reader, reader->draft.node_count);
    if (rc >= 0)
        rc = load(reader, "node/node%u/meminfo", id);
    if (rc > 0)
        rc = parse_memory(reader, &memory_bytes);
    return rc < 0 ? rc : weft__draft_add_node(&reader->draft, id, memory_bytes);
}

/* One row: a number per node, between spaces. */
static int parse_distances(const struct reader *reader, uint32_t *row)
{
    const char *text = reader->text.data;
    size_t at = 0;

    for (uint32_t i = 0; i < reader->draft.node_count; i++) {
        uint64_t distance = 0;
        while (text[at] == ' ')
            at++;
        size_t start = at;
        int rc = weft__text_number(text, &at, distance_max, &distance);
        if (rc == -EINVAL)
            return refuse(reader, at, "a distance per node is needed");
        if (rc < 0 || distance == 0)
            return refuse(reader, start, "a distance is 1 to 255");
        row[i] = (uint32_t)distance;
    }
    while (text[at] == ' ')
        at++;
    return weft__text_at_end(text, at) ? 0 : refuse(reader, at, "one distance per node is enough");
}

static int read_distances(struct reader *reader)
{
    struct weft__draft *draft = &reader->draft;
    int rc = weft__draft_add_distances(draft);

    for (uint32_t i = 0; rc == 0 && i < draft->node_count; i++) {
        rc = load(reader, "node/node%u/distance", draft->nodes[i].id);
        if (rc > 0)
            rc = parse_distances(reader, draft->distances + (size_t)i * draft->node_count);
    }
    return rc;
}

/* The kernel's lists ascend, so a number that is too high stands last. */
static int refuse_last(const struct reader *reader, const char *why)
{
    size_t at = 0;

    for (size_t i = 0; reader->text.data[i] != '\0'; i++) {
        if (reader->text.data[i] == ',' || reader->text.data[i] == '-')
            at = i + 1;
    }
    return refuse(reader, at, why);
}

/* 0 and no node added when the tree tells of none. */
static int read_listed_nodes(struct reader *reader)
{
    struct weft__cpuset nodes = { .words = NULL };
    int rc = load(reader, "node/online");

    if (rc > 0)
        rc = parse_list(reader);
    if (rc > 0 && weft__cpuset_next(&reader->list, WEFT__TOPOLOGY_NODES_MAX) >= 0)
        rc = refuse_last(reader, "node numbers go up to 1023");
    if (rc > 0)
        rc = weft__cpuset_copy(&nodes, &reader->list);
    for (int64_t id = weft__cpuset_next(&nodes, 0); rc == 0 && id >= 0;
         id = weft__cpuset_next(&nodes, (uint32_t)id + 1))
        rc = read_node(reader, (uint32_t)id);
    weft__cpuset_fini(&nodes);
    return rc;
}

static int read_nodes(struct reader *reader)
{
    int rc = read_listed_nodes(reader);

    if (rc == 0 && reader->draft.node_count == 0)
        return weft__draft_add_node(&reader->draft, 0, 0);
    return rc == 0 ? read_distances(reader) : rc;
}

static int read_tree(struct reader *reader, struct weft__topology **out_topology)
{
    int rc = read_cpus(reader);

    if (rc == 0 && reader->draft.cpu_count == 0)
        rc = -ENOENT;
    if (rc == 0)
        rc = read_nodes(reader);
    return rc == 0 ? weft__draft_finish(&reader->draft, out_topology) : rc;
}

/* A refusal of a text has written its sentence already; the others have no character to name. */
static void explain(const struct reader *reader, int rc)
{
    if (reader->error == NULL || rc == 0 || rc == -EINVAL)
        return;
    const char *why = rc == -ENOENT         ? "no CPU found below"
                      : rc == -ENAMETOOLONG ? "too long a name:"
                                            : "no memory to read";
    reader->error->at = 0;
    (void)snprintf(reader->error->text, sizeof(reader->error->text), "%s %.100s", why,
                   reader->root);
}

int weft__topology_read(const char *sysfs_root, struct weft__topology **out_topology,
                        struct weft__topology_error *error)
{
    struct reader *reader = weft__memory_alloc(WEFT__NODE_LOCAL, sizeof(*reader));

    if (reader == NULL) {
        explain(&(const struct reader){ .root = sysfs_root, .error = error }, -ENOMEM);
        return -ENOMEM;
    }
    reader->root = sysfs_root;
    reader->error = error;
    int rc = read_tree(reader, out_topology);
    explain(reader, rc);
    weft__draft_fini(&reader->draft);
    weft__cpuset_fini(&reader->online);
    weft__cpuset_fini(&reader->list);
    weft__text_fini(&reader->text);
    weft__memory_free(reader, sizeof(*reader));
    return rc;
}
