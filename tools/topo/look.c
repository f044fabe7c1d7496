/* Reads the machine and plans the workers, with the same calls as the start of a runtime. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/sched/options.h"
#include "tools/command.h"
#include "tools/topo/topo.h"

enum { TEXT_SHOWN = 160 };

static int say_no_memory(void)
{
    (void)fprintf(stderr, "weft topo: no memory\n");
    return WEFT_EXIT_WRONG;
}

/* Shows the place in a text that stands on one line of a terminal. */
static void point_at(const char *text, size_t at)
{
    size_t length = strlen(text);

    if (length == 0 || length > TEXT_SHOWN || at > length)
        return;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] >= 0x7f)
            return;
    (void)fprintf(stderr, "  %s\n  %*s^\n", text, (int)at, "");
}

/* Returns an exit code. */
static int read_topology(struct weft__topo *topo, const char *origin)
{
    struct weft__topology_error error = { 0 };
    int rc = topo->synthetic != NULL
                 ? weft__topology_parse(topo->synthetic, &topo->topology, &error)
                 : weft__topology_read("/sys", &topo->topology, &error);

    if (rc == 0)
        return WEFT_EXIT_OK;
    if (rc == -ENOMEM)
        return say_no_memory();
    (void)fprintf(stderr, "weft topo: %s%s%s\n", origin, origin[0] != '\0' ? ": " : "", error.text);
    if (topo->synthetic == NULL)
        return WEFT_EXIT_WRONG;
    point_at(topo->synthetic, error.at);
    return WEFT_EXIT_USAGE;
}

/* Who asks for no plan still wants to see the tree. */
static int note_no_plan(struct weft__topo *topo, bool asked)
{
    bool many = topo->topology->cpu_count > WEFT__PLAN_WORKERS_MAX;

    topo->no_plan = many && !asked ? "there are more CPUs than weft has workers for"
                                   : "no CPU is allowed to this process";
    return 0;
}

static int plan_workers(struct weft__topo *topo, const struct weft__options *options)
{
    struct weft__plan_options wanted = { .workers = options->workers, .smt_off = options->smt_off };

    if (!topo->topology->synthetic) {
        (void)weft__cgroup_quota("", &topo->quota);
        wanted.quota = topo->quota;
        if (weft__affinity_get(&topo->allowed) >= 0)
            wanted.allowed = &topo->allowed;
    }
    int rc = weft__plan_make(topo->topology, &wanted, &topo->plan);
    return rc == -EINVAL ? note_no_plan(topo, options->workers > 0) : rc;
}

static int compare_numbers(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int compare_places(const void *left, const void *right)
{
    const struct weft__topo_place *a = left;
    const struct weft__topo_place *b = right;
    int order = compare_numbers(a->node_index, b->node_index);

    if (order == 0)
        order = compare_numbers(a->l3, b->l3);
    if (order == 0)
        order = compare_numbers(a->core, b->core);
    return order != 0 ? order : compare_numbers(a->cpu_index, b->cpu_index);
}

/* Where each CPU stands, and how many workers it has. */
static int place_cpus(struct weft__topo *topo)
{
    const struct weft__topology *machine = topo->topology;

    topo->workers = calloc(machine->cpu_count, sizeof(*topo->workers));
    topo->places = calloc(machine->cpu_count, sizeof(*topo->places));
    if (topo->workers == NULL || topo->places == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        const struct weft__cpu *cpu = &machine->cpus[i];
        topo->places[i] = (struct weft__topo_place){ cpu->node_index, cpu->l3, cpu->core, i };
    }
    qsort(topo->places, machine->cpu_count, sizeof(*topo->places), compare_places);
    for (uint32_t i = 0; topo->plan != NULL && i < topo->plan->worker_count; i++) {
        int64_t index = weft__topology_find_cpu(machine, topo->plan->slots[i].cpu);
        if (index >= 0)
            topo->workers[index]++;
    }
    return 0;
}

int weft__topo_look(struct weft__topo *topo, const char *synthetic)
{
    struct weft__options options;
    char why[256];

    if (weft__options_resolve(NULL, &options, why, sizeof(why)) < 0) {
        (void)fprintf(stderr, "weft topo: %s\n", why);
        return WEFT_EXIT_USAGE;
    }
    topo->synthetic = synthetic != NULL ? synthetic : options.topology;
    const char *origin = synthetic != NULL         ? "--synthetic"
                         : topo->synthetic != NULL ? options.topology_origin
                                                   : "";
    weft__cpuset_init(&topo->allowed);
    int code = read_topology(topo, origin);
    if (code == WEFT_EXIT_OK && (plan_workers(topo, &options) < 0 || place_cpus(topo) < 0))
        code = say_no_memory();
    return code;
}

void weft__topo_fini(struct weft__topo *topo)
{
    free(topo->workers);
    free(topo->places);
    weft__plan_destroy(topo->plan);
    weft__topology_destroy(topo->topology);
    weft__cpuset_fini(&topo->allowed);
    *topo = (struct weft__topo){ .synthetic = NULL };
}

bool weft__topo_allows(const struct weft__topo *topo, uint32_t cpu_index)
{
    return topo->topology->synthetic ||
           weft__cpuset_has(&topo->allowed, topo->topology->cpus[cpu_index].id);
}
