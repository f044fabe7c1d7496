/* The topology from one line of text. The grammar is in README.md. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "numa/draft.h"
#include "numa/text.h"
#include "numa/topology.h"

enum { distance_local = 10, distance_max = 255 };

enum option { OPTION_MEM, OPTION_DIST, OPTION_L3, OPTION_SMT, OPTION_COUNT };

static const char *const option_words[OPTION_COUNT] = { "mem=", "dist=", "l3=", "smt=" };

struct parser {
    const char *text;
    size_t at;
    struct weft__topology_error *error;
    struct weft__draft draft;
    struct weft__cpuset seen; /* CPUs that a node has */
    uint64_t threads;         /* of a core */
    uint64_t l3_cores;        /* that share a cache; 0: those of a node */
    bool shaped;              /* "2x4", not "node=..." */
    bool given[OPTION_COUNT];
};

static int refuse_at(const struct parser *parser, size_t at, const char *why)
{
    return weft__topology_refuse(parser->error, NULL, at, why);
}

static int refuse(const struct parser *parser, const char *why)
{
    return refuse_at(parser, parser->at, why);
}

static char peek(const struct parser *parser)
{
    return parser->text[parser->at];
}

static bool skip(struct parser *parser, const char *word)
{
    return weft__text_skip(parser->text, &parser->at, word);
}

/* Whether the word ends here. */
static bool at_gap(const struct parser *parser)
{
    return peek(parser) == ' ' || peek(parser) == '\0';
}

static void skip_spaces(struct parser *parser)
{
    while (peek(parser) == ' ')
        parser->at++;
}

/* A number of @min to @max; on failure the offset stays at its first character. */
static int parse_number(struct parser *parser, uint64_t min, uint64_t max, uint64_t *out_number)
{
    size_t start = parser->at;
    uint64_t number = 0;
    int rc = weft__text_number(parser->text, &parser->at, max, &number);

    if (rc == -EINVAL)
        return refuse(parser, "a number is needed here");
    if (rc < 0 || number < min) {
        char why[96];

        parser->at = start;
        (void)snprintf(why, sizeof(why), "the number is too %s; it must be %" PRIu64 " to %" PRIu64,
                       rc < 0 ? "large" : "small", min, max);
        return refuse(parser, why);
    }
    *out_number = number;
    return 0;
}

/* Digits and one of K, M, G, T. */
static int parse_size(struct parser *parser, uint64_t *out_bytes)
{
    static const char units[] = "KMGT";
    size_t start = parser->at;
    uint64_t number = 0;
    int rc = parse_number(parser, 0, UINT64_MAX, &number);

    if (rc < 0)
        return rc;
    const char *unit = peek(parser) == '\0' ? NULL : strchr(units, peek(parser));
    unsigned shift = unit == NULL ? 0 : 10 * (unsigned)(unit - units + 1);
    if (number > UINT64_MAX >> shift)
        return refuse_at(parser, start, "the size is too large");
    parser->at += unit != NULL;
    *out_bytes = number << shift;
    return 0;
}

/* A CPU knows for now which of its node's CPUs it is; group_cpus makes cores and caches of that. */
static int add_cpu(struct parser *parser, uint32_t id, uint32_t node_index, uint32_t ordinal)
{
    return weft__draft_add_cpu(
        &parser->draft,
        &(struct weft__draft_cpu){ .id = id, .node_index = node_index, .core.low = ordinal });
}

static int add_shape(struct parser *parser, uint64_t nodes, uint64_t cpus_per_node)
{
    int rc = 0;

    for (uint32_t node = 0; rc == 0 && node < nodes; node++) {
        rc = weft__draft_add_node(&parser->draft, node, 0);
        for (uint32_t i = 0; rc == 0 && i < cpus_per_node; i++)
            rc = add_cpu(parser, (uint32_t)(node * cpus_per_node + i), node, i);
    }
    return rc;
}

/* One factor of the shape; the product of all of them is a count of CPUs. */
static int parse_factor(struct parser *parser, uint64_t *product, uint64_t max,
                        uint64_t *out_factor)
{
    size_t start = parser->at;
    int rc = parse_number(parser, 1, max, out_factor);

    if (rc < 0)
        return rc;
    *product *= *out_factor;
    return *product <= WEFT__CPUSET_MAX ? 0 : refuse_at(parser, start, "too many CPUs");
}

/* NODESxCORES[xTHREADS] */
static int parse_shape(struct parser *parser)
{
    uint64_t nodes = 0;
    uint64_t cores = 0;
    uint64_t product = 1;

    parser->shaped = true;
    int rc = parse_factor(parser, &product, WEFT__TOPOLOGY_NODES_MAX, &nodes);
    if (rc < 0)
        return rc;
    if (!skip(parser, "x"))
        return refuse(parser, "x and the cores of a node are needed here");
    rc = parse_factor(parser, &product, WEFT__CPUSET_MAX, &cores);
    if (rc == 0 && skip(parser, "x"))
        rc = parse_factor(parser, &product, WEFT__CPUSET_MAX, &parser->threads);
    if (rc < 0)
        return rc;
    return at_gap(parser) ? add_shape(parser, nodes, cores * parser->threads)
                          : refuse(parser, "a space or the end is needed here");
}

/* Gives the CPUs of @list, which stood at @start, to the node that is being read. */
static int take_cpus(struct parser *parser, const struct weft__cpuset *list, size_t start)
{
    uint32_t ordinal = 0;
    int rc = 0;

    for (int64_t id = weft__cpuset_next(list, 0); rc == 0 && id >= 0;
         id = weft__cpuset_next(list, (uint32_t)id + 1)) {
        if (weft__cpuset_has(&parser->seen, (uint32_t)id))
            return refuse_at(parser, start, "a CPU of this list is on another node already");
        rc = weft__cpuset_add(&parser->seen, (uint32_t)id);
        if (rc == 0)
            rc = add_cpu(parser, (uint32_t)id, parser->draft.node_count, ordinal++);
    }
    return rc;
}

static int parse_cpus(struct parser *parser)
{
    struct weft__cpuset list = { .words = NULL };
    size_t start = parser->at;
    int rc = 0;

    if (!at_gap(parser) && peek(parser) != ':')
        rc = weft__cpuset_scan_list(&list, parser->text, &parser->at);
    if (rc == -EINVAL)
        rc = refuse(parser, "not a list of CPUs like 0-3,8");
    else if (rc == -ERANGE)
        rc = refuse(parser, "the number is too large");
    else if (rc == 0)
        rc = take_cpus(parser, &list, start);
    weft__cpuset_fini(&list);
    return rc;
}

/* :cpus=LIST and :mem=SIZE, each at most once. */
static int parse_property(struct parser *parser, bool *has_cpus, bool *has_mem, uint64_t *memory)
{
    size_t start = parser->at;

    if (skip(parser, "cpus=")) {
        if (*has_cpus)
            return refuse_at(parser, start, "cpus= stands here twice");
        *has_cpus = true;
        return parse_cpus(parser);
    }
    if (!skip(parser, "mem="))
        return refuse(parser, "cpus= or mem= is needed here");
    if (*has_mem)
        return refuse_at(parser, start, "mem= stands here twice");
    *has_mem = true;
    return parse_size(parser, memory);
}

/* ID[:cpus=LIST][:mem=SIZE], after "node=" */
static int parse_node(struct parser *parser)
{
    const struct weft__draft *draft = &parser->draft;
    size_t start = parser->at;
    uint64_t id = 0;
    uint64_t memory = 0;
    bool has_cpus = false;
    bool has_mem = false;

    int rc = parse_number(parser, 0, WEFT__TOPOLOGY_NODES_MAX - 1, &id);
    if (rc == 0 && draft->node_count > 0 && draft->nodes[draft->node_count - 1].id >= id)
        rc = refuse_at(parser, start, "node numbers must ascend");
    while (rc == 0 && skip(parser, ":"))
        rc = parse_property(parser, &has_cpus, &has_mem, &memory);
    if (rc == 0 && !at_gap(parser))
        rc = refuse(parser, "a colon, a space or the end is needed here");
    return rc < 0 ? rc : weft__draft_add_node(&parser->draft, (uint32_t)id, memory);
}

static int parse_nodes(struct parser *parser)
{
    int rc = 0;

    while (rc == 0 && skip(parser, "node=")) {
        rc = parse_node(parser);
        skip_spaces(parser);
    }
    return rc;
}

/* One size for all nodes, or one for each. */
static int parse_memory(struct parser *parser)
{
    struct weft__draft *draft = &parser->draft;
    uint32_t count = 0;
    uint64_t bytes = 0;
    int rc;

    do {
        if (count == draft->node_count)
            return refuse_at(parser, parser->at - 1, "more sizes than nodes");
        rc = parse_size(parser, &bytes);
        if (rc < 0)
            return rc;
        draft->nodes[count++].memory_bytes = bytes;
    } while (skip(parser, ","));
    for (uint32_t i = 1; count == 1 && i < draft->node_count; i++)
        draft->nodes[i].memory_bytes = bytes;
    return count == 1 || count == draft->node_count || !at_gap(parser)
               ? 0
               : refuse(parser, "one size, or one for each node");
}

static int parse_distance(struct parser *parser, bool local, uint32_t *out_distance)
{
    size_t start = parser->at;
    uint64_t distance = 0;
    int rc = parse_number(parser, 0, distance_max, &distance);

    if (rc < 0)
        return rc;
    if (local && distance != distance_local)
        return refuse_at(parser, start, "a node is at distance 10 from itself");
    if (!local && distance <= distance_local)
        return refuse_at(parser, start, "another node is farther than 10");
    *out_distance = (uint32_t)distance;
    return 0;
}

/* Rows between semicolons, a row for each node: from it to every node. */
static int parse_distances(struct parser *parser)
{
    struct weft__draft *draft = &parser->draft;
    uint32_t count = draft->node_count;
    int rc = weft__draft_add_distances(draft);

    for (uint32_t from = 0; rc == 0 && from < count; from++) {
        if (from > 0 && !skip(parser, ";"))
            return refuse(parser, "; and a row for each node is needed");
        for (uint32_t to = 0; rc == 0 && to < count; to++) {
            if (to > 0 && !skip(parser, ","))
                return refuse(parser, ", and a distance for each node is needed");
            rc = parse_distance(parser, from == to, &draft->distances[from * count + to]);
        }
    }
    return rc;
}

static int parse_option_value(struct parser *parser, enum option option)
{
    switch (option) {
    case OPTION_MEM: return parse_memory(parser);
    case OPTION_DIST: return parse_distances(parser);
    case OPTION_L3: return parse_number(parser, 1, WEFT__CPUSET_MAX, &parser->l3_cores);
    case OPTION_SMT: return parse_number(parser, 1, WEFT__CPUSET_MAX, &parser->threads);
    case OPTION_COUNT: break;
    }
    return 0;
}

static enum option match_option(struct parser *parser)
{
    unsigned option = 0;

    while (option < OPTION_COUNT && !skip(parser, option_words[option]))
        option++;
    return (enum option)option;
}

static int parse_option(struct parser *parser)
{
    size_t start = parser->at;
    enum option option = match_option(parser);

    if (option == OPTION_COUNT)
        return refuse_at(parser, start,
                         skip(parser, "node=") ? "nodes come before everything else"
                                               : "mem=, dist=, l3= or smt= is needed here");
    if (parser->given[option])
        return refuse_at(parser, start, "this stands here twice");
    if (parser->shaped && option == OPTION_SMT)
        return refuse_at(parser, start, "the third number of the shape says the threads");
    if (!parser->shaped && option == OPTION_MEM)
        return refuse_at(parser, start, "memory belongs to a node here, as in node=0:mem=4G");
    parser->given[option] = true;
    int rc = parse_option_value(parser, option);
    return rc < 0 || at_gap(parser) ? rc : refuse(parser, "a space or the end is needed here");
}

static int parse_line(struct parser *parser)
{
    skip_spaces(parser);
    if (peek(parser) == '\0')
        return refuse(parser, "the text is empty");
    bool listed = strncmp(parser->text + parser->at, "node=", strlen("node=")) == 0;
    int rc = listed ? parse_nodes(parser) : parse_shape(parser);
    for (skip_spaces(parser); rc == 0 && peek(parser) != '\0'; skip_spaces(parser))
        rc = parse_option(parser);
    if (rc == 0 && parser->draft.cpu_count == 0)
        rc = refuse(parser, "no node has a CPU");
    return rc;
}

/* Neighbours on a node are the threads of a core, neighbouring cores share a cache. */
static void group_cpus(struct parser *parser)
{
    for (uint32_t i = 0; i < parser->draft.cpu_count; i++) {
        struct weft__draft_cpu *cpu = &parser->draft.cpus[i];
        cpu->core.low /= (uint32_t)parser->threads;
        cpu->l3.low = parser->l3_cores == 0 ? 0 : cpu->core.low / (uint32_t)parser->l3_cores;
    }
}

int weft__topology_parse(const char *text, struct weft__topology **out_topology,
                         struct weft__topology_error *error)
{
    struct parser parser = { .text = text, .error = error, .draft.synthetic = true, .threads = 1 };
    int rc = parse_line(&parser);

    if (rc == 0) {
        group_cpus(&parser);
        rc = weft__draft_finish(&parser.draft, out_topology);
    }
    if (rc == -ENOMEM)
        (void)refuse_at(&parser, 0, "no memory for so large a machine");
    weft__draft_fini(&parser.draft);
    weft__cpuset_fini(&parser.seen);
    return rc;
}
