/* How many workers, and where; the affinity mask of the calling thread. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "numa/plan.h"
#include "runtime/base/compiler.h"
#include "runtime/base/fault.h"
#include "runtime/base/sys.h"
#include "tests/support/unit.h"

enum { cpus_bytes = 96 };

/* clang-format off */
static const struct {
    const char *label;
    const char *machine;  /* synthetic form */
    const char *allowed;  /* NULL: all */
    uint32_t workers;
    bool smt_off;
    uint32_t quota;
    bool pinned;          /* if the machine were real */
    const char *cpus;     /* of the slots, or the error */
    const char *reason;
} plan_rows[] = {
    { "one per CPU", "2x2", NULL, 0, false, 0, true, "0 1 2 3",
      "4 workers: the topology has 4 CPUs" },
    { "affinity", "2x4", "1,6-7", 0, false, 0, true, "1 6 7", "3 workers: affinity allows 3 CPUs" },
    { "affinity beyond the machine", "1x2", "1-900", 0, false, 0, true, "1",
      "1 worker: affinity allows 1 CPU" },
    { "quota takes from each node in turn", "2x4", "0-7", 0, false, 350, false, "0 1 4 5",
      "4 workers: affinity allows 8 CPUs, cgroup quota 3.50" },
    { "quota below one CPU", "2x4", NULL, 0, false, 5, false, "0",
      "1 worker: the topology has 8 CPUs, cgroup quota 0.05" },
    { "quota of just the CPUs", "1x4", NULL, 0, false, 400, true, "0 1 2 3",
      "4 workers: the topology has 4 CPUs, cgroup quota 4.00" },
    { "quota a hundredth below the CPUs", "1x4", NULL, 0, false, 399, false, "0 1 2 3",
      "4 workers: the topology has 4 CPUs, cgroup quota 3.99" },
    { "quota above the CPUs", "1x2", NULL, 0, false, UINT32_MAX, true, "0 1",
      "2 workers: the topology has 2 CPUs, cgroup quota 42949672.95" },
    { "asked for, spread over nodes", "4x2", NULL, 4, false, 0, true, "0 2 4 6",
      "4 workers: as asked; the topology has 8 CPUs" },
    { "nodes of unequal size", "node=0:cpus=0-5 node=1:cpus=6-7", NULL, 6, false, 0, true,
      "0 1 2 3 6 7",
      "6 workers: as asked; the topology has 8 CPUs" },
    { "asked for beats the quota", "1x4", NULL, 4, false, 100, false, "0 1 2 3",
      "4 workers: as asked; the topology has 4 CPUs, cgroup quota 1.00" },
    { "more than CPUs wrap around", "1x2", NULL, 5, false, 0, false, "0 1 0 1 0",
      "5 workers: as asked; the topology has 2 CPUs" },
    { "cores before second threads", "2x2x2", NULL, 4, false, 0, true, "0 2 4 6",
      "4 workers: as asked; the topology has 8 CPUs" },
    { "then second threads of both nodes", "2x2x2", NULL, 6, false, 0, true, "0 1 2 4 5 6",
      "6 workers: as asked; the topology has 8 CPUs" },
    { "a core on a larger node before a second thread on a smaller one",
      "node=0:cpus=0-7 node=1:cpus=8-11 smt=2", NULL, 6, false, 0, true, "0 2 4 6 8 10",
      "6 workers: as asked; the topology has 12 CPUs" },
    { "one per core", "2x2x2", NULL, 0, true, 0, true, "0 2 4 6",
      "4 workers: the topology has 8 CPUs, one per core" },
    { "one per core, of which the second thread is allowed", "1x2x2", "1-2", 0, true, 0, true,
      "1 2",
      "2 workers: affinity allows 2 CPUs, one per core" },
    { "second threads count from the allowed ones", "1x3x2", "1,2-3,4-5", 3, false, 0, true,
      "1 2 4",
      "3 workers: as asked; affinity allows 5 CPUs" },
    { "one per core and a quota", "1x4x2", NULL, 0, true, 250, false, "0 2 4",
      "3 workers: the topology has 8 CPUs, one per core, cgroup quota 2.50" },
    { "no worker on a CPU-less node", "node=0:cpus=0-1 node=1:mem=1G", NULL, 0, false, 0, true,
      "0 1",
      "2 workers: the topology has 2 CPUs" },
    { "nothing allowed", "1x2", "", 0, false, 0, false, "-22", "" },
    { "nothing of the machine allowed", "1x2", "2-9", 0, false, 0, false, "-22", "" },
    { "far too many asked for", "1x2", NULL, WEFT__PLAN_WORKERS_MAX + 1, false, 0, false, "-22",
      "" },
    { "2^32 - 1 asked for", "1x2", NULL, UINT32_MAX, false, 0, false, "-22", "" },
};
/* clang-format on */

static void list_cpus(const struct weft__plan *plan, char *text, size_t text_bytes)
{
    size_t length = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < plan->worker_count && length < text_bytes; i++)
        length += (size_t)snprintf(text + length, text_bytes - length, i == 0 ? "%u" : " %u",
                                   plan->slots[i].cpu);
}

/* A slot tells the same of its CPU as the topology. */
static bool slots_agree(const struct weft__plan *plan, const struct weft__topology *topology)
{
    bool agree = true;

    for (uint32_t i = 0; i < plan->worker_count; i++) {
        const struct weft__plan_slot *slot = &plan->slots[i];
        const struct weft__cpu *cpu = &topology->cpus[weft__topology_find_cpu(topology, slot->cpu)];
        agree = agree && slot->node_index == cpu->node_index && slot->l3 == cpu->l3 &&
                slot->core == cpu->core;
    }
    return agree;
}

static void check_plan_row(size_t row, struct weft__topology *topology,
                           const struct weft__cpuset *allowed)
{
    struct weft__plan_options options = {
        .workers = plan_rows[row].workers,
        .smt_off = plan_rows[row].smt_off,
        .quota = plan_rows[row].quota,
        .allowed = plan_rows[row].allowed != NULL ? allowed : NULL,
    };
    struct weft__plan *plan = NULL;
    char cpus[cpus_bytes];

    int rc = weft__plan_make(topology, &options, &plan);
    (void)snprintf(cpus, sizeof(cpus), "%d", rc);
    if (rc == 0)
        list_cpus(plan, cpus, sizeof(cpus));
    bool ok = strcmp(cpus, plan_rows[row].cpus) == 0 && (rc == 0) == (plan != NULL);
    if (rc == 0)
        ok = ok && plan->pinned == plan_rows[row].pinned && slots_agree(plan, topology) &&
             strcmp(plan->reason, plan_rows[row].reason) == 0;
    if (!ok)
        (void)fprintf(stderr, "row %zu (%s): cpus '%s' pinned %d: %s\n", row, plan_rows[row].label,
                      cpus, plan != NULL && plan->pinned, plan != NULL ? plan->reason : "no plan");
    CU_ASSERT_TRUE(ok);
    weft__plan_destroy(plan);
}

static void test_make_table(void)
{
    for (size_t i = 0; i < WEFT__COUNT(plan_rows); i++) {
        struct weft__topology *topology = NULL;
        struct weft__cpuset allowed = { .words = NULL };
        size_t at;

        CU_ASSERT_EQUAL_FATAL(weft__topology_parse(plan_rows[i].machine, &topology, NULL), 0);
        topology->synthetic = false; /* the table is about real machines */
        if (plan_rows[i].allowed != NULL)
            CU_ASSERT_TRUE(weft__cpuset_parse_list(&allowed, plan_rows[i].allowed, &at) >= 0);
        check_plan_row(i, topology, &allowed);
        weft__cpuset_fini(&allowed);
        weft__topology_destroy(topology);
    }
}

static void test_make_on_a_synthetic_machine_pins_nobody(void)
{
    struct weft__topology *topology = NULL;
    struct weft__plan_options options = { .workers = 0 };
    struct weft__plan *plan = NULL;

    CU_ASSERT_EQUAL_FATAL(weft__topology_parse("2x2", &topology, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(weft__plan_make(topology, &options, &plan), 0);
    CU_ASSERT_FALSE(plan->pinned);
    CU_ASSERT_EQUAL(plan->worker_count, 4);
    weft__plan_destroy(plan);
    weft__plan_destroy(NULL);
    weft__topology_destroy(topology);
}

static void test_make_without_memory_leaves_nothing(void)
{
    struct weft__topology *topology = NULL;
    struct weft__plan_options options = { .workers = 3 };
    int rc = -ENOMEM;
    uint32_t nth = 1;

    CU_ASSERT_EQUAL_FATAL(weft__topology_parse("2x2", &topology, NULL), 0);
    for (; rc != 0 && nth < 100; nth++) {
        struct weft__plan *plan = NULL;
        weft__fault_arm(WEFT__FAULT_ALLOC, nth, -ENOMEM);
        rc = weft__plan_make(topology, &options, &plan);
        weft__fault_arm(WEFT__FAULT_ALLOC, 0, 0);
        CU_ASSERT_TRUE(rc == 0 ? plan != NULL : rc == -ENOMEM && plan == NULL);
        weft__plan_destroy(plan);
    }
    CU_ASSERT_EQUAL(nth, 1 + 6);
    weft__topology_destroy(topology);
}

static void test_affinity_pin_moves_to_the_cpu_and_back(void)
{
    struct weft__cpuset before = { .words = NULL };
    struct weft__cpuset now = { .words = NULL };
    unsigned cpu = 0;
    unsigned node = 0;

    CU_ASSERT_EQUAL_FATAL(weft__affinity_get(&before), 0);
    CU_ASSERT_TRUE(weft__cpuset_count(&before) > 0);
    for (int64_t id = weft__cpuset_next(&before, 0); id >= 0;
         id = weft__cpuset_next(&before, (uint32_t)id + 1)) {
        CU_ASSERT_EQUAL(weft__affinity_pin((uint32_t)id), 0);
        CU_ASSERT_EQUAL(weft__sys_getcpu(&cpu, &node), 0);
        CU_ASSERT_EQUAL((int64_t)cpu, id);
        CU_ASSERT_EQUAL(weft__affinity_get(&now), 0);
        CU_ASSERT_EQUAL(weft__cpuset_count(&now), 1);
        CU_ASSERT_TRUE(weft__cpuset_has(&now, (uint32_t)id));
    }
    CU_ASSERT_EQUAL(weft__affinity_pin(WEFT__CPUSET_MAX - 1), -EINVAL);
    CU_ASSERT_EQUAL(weft__affinity_pin(UINT32_MAX), -EINVAL);
    CU_ASSERT_EQUAL(
        weft__sys_set_affinity(0, before.word_count * sizeof(*before.words), before.words), 0);
    weft__cpuset_fini(&before);
    weft__cpuset_fini(&now);
}

/* A kernel built for more CPUs than the mask has refuses it: the mask doubles until it fits. */
static void test_affinity_get_grows_the_mask(void)
{
    struct weft__cpuset set = { .words = NULL };

    weft__fault_arm(WEFT__FAULT_AFFINITY, 1, -EINVAL);
    CU_ASSERT_EQUAL(weft__affinity_get(&set), 0);
    CU_ASSERT_EQUAL(set.word_count * sizeof(*set.words) * 8, 2048);
    CU_ASSERT_TRUE(weft__cpuset_count(&set) > 0);
    uint32_t count = weft__cpuset_count(&set);
    weft__fault_arm(WEFT__FAULT_AFFINITY, 1, -EPERM);
    CU_ASSERT_EQUAL(weft__affinity_get(&set), -EPERM);
    weft__fault_arm(WEFT__FAULT_ALLOC, 1, -ENOMEM);
    CU_ASSERT_EQUAL(weft__affinity_get(&set), -ENOMEM);
    weft__fault_arm(WEFT__FAULT_AFFINITY, 1, -EPERM);
    CU_ASSERT_EQUAL(weft__affinity_pin(0), -EPERM);
    weft__fault_arm(WEFT__FAULT_ALLOC, 1, -ENOMEM);
    CU_ASSERT_EQUAL(weft__affinity_pin(0), -ENOMEM);
    CU_ASSERT_EQUAL(weft__cpuset_count(&set), count);
    weft__cpuset_fini(&set);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_make_table),
        UNIT_TEST(test_make_on_a_synthetic_machine_pins_nobody),
        UNIT_TEST(test_make_without_memory_leaves_nothing),
        UNIT_TEST(test_affinity_pin_moves_to_the_cpu_and_back),
        UNIT_TEST(test_affinity_get_grows_the_mask),
    };

    return unit_run(argc, argv, "plan", tests, WEFT__COUNT(tests));
}
