/* The topology from one line of text: what it means, and where a wrong one is wrong. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numa/topology.h"
#include "runtime/base/compiler.h"
#include "runtime/base/fault.h"
#include "runtime/base/random.h"
#include "tests/support/machine.h"
#include "tests/support/unit.h"

enum { text_bytes = 384 };

/* clang-format off */
static const struct {
    const char *label;
    const char *text;
    const char *expect; /* as machine_describe writes it */
} good_rows[] = {
    { "smallest", "1x1", "0:1:0>0 | 0:0.0.0.0 | 10" },
    { "shape", "2x2",
      "0:2:0>0 1:2:0>1 | 0:0.0.0.0 1:0.1.0.0 2:1.2.1.0 3:1.3.1.0 | 10,20;20,10" },
    { "shape with threads", "1x2x2",
      "0:4:0>0 | 0:0.0.0.0 1:0.0.0.1 2:0.1.0.0 3:0.1.0.1 | 10" },
    { "caches of two cores, the last one smaller", "1x3x2 l3=2",
      "0:6:0>0 | 0:0.0.0.0 1:0.0.0.1 2:0.1.0.0 3:0.1.0.1 4:0.2.1.0 5:0.2.1.1 | 10" },
    { "caches do not cross nodes", "2x1 l3=2",
      "0:1:0>0 1:1:0>1 | 0:0.0.0.0 1:1.1.1.0 | 10,20;20,10" },
    { "memory, distances", "2x1 mem=8G,0 dist=10,21;31,10",
      "0:1:8192>0 1:1:0>0 | 0:0.0.0.0 1:1.1.1.0 | 10,21;31,10" },
    { "any order of options, one size for all", "2x1 l3=1 dist=10,11;255,10 mem=3M",
      "0:1:3>0 1:1:3>1 | 0:0.0.0.0 1:1.1.1.0 | 10,11;255,10" },
    { "spaces around", "  1x1   mem=1024K  ", "0:1:1>0 | 0:0.0.0.0 | 10" },
    { "units", "4x1 mem=1048576,1024K,1T,0",
      "0:1:1>0 1:1:1>1 2:1:1048576>2 3:1:0>0 | 0:0.0.0.0 1:1.1.1.0 2:2.2.2.0 3:3.3.3.0 | "
      "10,20,20,20;20,10,20,20;20,20,10,20;20,20,20,10" },
    { "nearest memory by distance", "3x1 mem=1G,1G,0 dist=10,20,40;20,10,30;40,30,10",
      "0:1:1024>0 1:1:1024>1 2:1:0>1 | 0:0.0.0.0 1:1.1.1.0 2:2.2.2.0 | "
      "10,20,40;20,10,30;40,30,10" },
    { "nearest memory is neither first nor last", "4x1 mem=1G,1G,1G,0 "
      "dist=10,20,20,30;20,10,20,20;20,20,10,30;30,20,30,10",
      "0:1:1024>0 1:1:1024>1 2:1:1024>2 3:1:0>1 | 0:0.0.0.0 1:1.1.1.0 2:2.2.2.0 3:3.3.3.0 | "
      "10,20,20,30;20,10,20,20;20,20,10,30;30,20,30,10" },
    { "nodes with holes, CPU-less",
      "node=0:cpus=0-1,8:mem=4G node=2:cpus=:mem=16G dist=10,21;21,10",
      "0:3:4096>0 2:0:16384>2 | 0:0.0.0.0 1:0.1.0.0 8:0.2.0.0 | 10,21;21,10" },
    { "properties the other way, CPUs interleaved", "node=3:mem=1G:cpus=1,3 node=1023:cpus=0,2",
      "3:2:1024>3 1023:2:0>3 | 0:1.0.0.0 1:0.1.1.0 2:1.2.0.0 3:0.3.1.0 | 10,20;20,10" },
    { "strides and threads", "node=0:cpus=0-6:1/2 smt=2 l3=1",
      "0:4:0>0 | 0:0.0.0.0 2:0.0.0.1 4:0.1.1.0 6:0.1.1.1 | 10" },
    { "stride, then memory", "node=0:cpus=0-3:1/2:mem=2M", "0:2:2>0 | 0:0.0.0.0 2:0.1.0.0 | 10" },
    { "high numbers", "node=7:cpus=1048575", "7:1:0>7 | 1048575:0.0.0.0 | 10" },
};

static const struct {
    const char *text;
    size_t at;
    const char *why;
} bad_rows[] = {
    { "", 0, "empty" },
    { "   ", 3, "empty" },
    { "x", 0, "a number" },
    { "2", 1, "x and the cores" },
    { "2x", 2, "a number" },
    { "2y4", 1, "x and the cores" },
    { "-2x4", 0, "a number" },
    { "0x4", 0, "too small; it must be 1 to 1024" },
    { "2x0", 2, "too small" },
    { "2x4x0", 4, "too small" },
    { "2x4x", 4, "a number" },
    { "2x4x2x2", 5, "a space or the end" },
    { "2x4,", 3, "a space or the end" },
    { "2x4\n", 3, "a space or the end" },
    { "1025x1", 0, "too large; it must be 1 to 1024" },
    { "4294967296x1", 0, "too large" },
    { "1x4294967297", 2, "too large" },
    { "1x18446744073709551617", 2, "too large" },
    { "2x524289", 2, "too many CPUs" },
    { "1024x1024x2", 10, "too many CPUs" },
    { "1024x1024x1048576", 10, "too many CPUs" },
    { "2x4 mem", 4, "mem=, dist=" },
    { "2x4 size=4G", 4, "mem=, dist=" },
    { "2x4 mem=", 8, "a number" },
    { "2x4 mem=G", 8, "a number" },
    { "2x4 mem=4X", 9, "a space or the end" },
    { "2x4 mem=4GB", 10, "a space or the end" },
    { "2x4 mem=1,2,3", 11, "more sizes" },
    { "3x4 mem=1,2", 11, "one size" },
    { "3x4 mem=1,2 l3=1", 11, "one size" },
    { "2x4 mem=1,", 10, "a number" },
    { "2x4 mem=18446744073709551616", 8, "too large" },
    { "2x4 mem=1,16777216T", 10, "too large" },
    { "2x4 mem=1 mem=2", 10, "twice" },
    { "2x4 dist=", 9, "a number" },
    { "2x4 dist=10", 11, ", and a distance" },
    { "2x4 dist=10,20", 14, "; and a row" },
    { "2x4 dist=10,20,30;", 14, "; and a row" },
    { "2x4 dist=10,20;20,10;", 20, "a space or the end" },
    { "2x4 dist=11,20;20,10", 9, "10 from itself" },
    { "2x4 dist=10,10;20,10", 12, "farther than 10" },
    { "2x4 dist=10,20;20,20", 18, "10 from itself" },
    { "2x4 dist=10,256;20,10", 12, "too large" },
    { "2x4 dist=10,4294967316;20,10", 12, "too large" },
    { "2x4 l3=0", 7, "too small" },
    { "2x4 l3=x", 7, "a number" },
    { "2x4 l3=4294967296", 7, "too large" },
    { "2x4 smt=2", 4, "third number" },
    { "2x4 node=0", 4, "nodes come before" },
    { "node=", 5, "a number" },
    { "node=0", 6, "no node has a CPU" },
    { "node=x:cpus=0", 5, "a number" },
    { "node=1024:cpus=0", 5, "too large" },
    { "node=4294967296:cpus=0", 5, "too large" },
    { "node=0:", 7, "cpus= or mem=" },
    { "node=0:cpu=0", 7, "cpus= or mem=" },
    { "node=0:cpus=a", 12, "not a list" },
    { "node=0:cpus=0-", 14, "not a list" },
    { "node=0:cpus=0,", 14, "not a list" },
    { "node=0:cpus=3-1", 14, "not a list" },
    { "node=0:cpus=0-3:0/2", 16, "not a list" },
    { "node=0:cpus=0-3:3/2", 18, "not a list" },
    { "node=0:cpus=1048576", 12, "too large" },
    { "node=0:cpus=0-4294967296", 14, "too large" },
    { "node=0:cpus=0-3;", 15, "a colon, a space" },
    { "node=0:cpus=0:cpus=1", 14, "twice" },
    { "node=0:mem=1:mem=1:cpus=0", 13, "twice" },
    { "node=0:mem=16777216T:cpus=0", 11, "too large" },
    { "node=0:cpus=0 node=0:cpus=1", 19, "ascend" },
    { "node=5:cpus=0 node=4:cpus=1", 19, "ascend" },
    { "node=0:cpus=0-3 node=1:cpus=4,2", 28, "another node" },
    { "node=0:cpus=0 mem=4G", 14, "belongs to a node" },
    { "node=0:cpus=0 smt=0", 18, "too small" },
    { "node=0:cpus=0 l3=1 node=1:cpus=1", 19, "nodes come before" },
    { "node=0:cpus=0node=1", 13, "a colon, a space" },
};
/* clang-format on */

static void test_parse_table_of_machines(void)
{
    for (size_t i = 0; i < WEFT__COUNT(good_rows); i++) {
        struct weft__topology *topology = NULL;
        struct weft__topology_error error = { .text = "" };
        char got[text_bytes] = "";

        int rc = weft__topology_parse(good_rows[i].text, &topology, &error);
        if (rc == 0)
            machine_describe(topology, got, sizeof(got));
        bool ok = rc == 0 && strcmp(got, good_rows[i].expect) == 0 && machine_is_sound(topology) &&
                  topology->synthetic;
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s): rc=%d %s\n got  %s\n want %s\n", i,
                          good_rows[i].label, rc, error.text, got, good_rows[i].expect);
        CU_ASSERT_TRUE(ok);
        weft__topology_destroy(topology);
    }
}

static void test_parse_malformed_names_the_character(void)
{
    for (size_t i = 0; i < WEFT__COUNT(bad_rows); i++) {
        struct weft__topology *topology = NULL;
        struct weft__topology_error error = { .text = "" };
        char begin[32];

        int rc = weft__topology_parse(bad_rows[i].text, &topology, &error);
        (void)snprintf(begin, sizeof(begin), "character %zu: ", bad_rows[i].at);
        bool ok = rc == -EINVAL && topology == NULL && error.at == bad_rows[i].at &&
                  strncmp(error.text, begin, strlen(begin)) == 0 &&
                  strstr(error.text, bad_rows[i].why) != NULL;
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s): rc=%d at=%zu %s\n", i, bad_rows[i].text, rc,
                          error.at, error.text);
        CU_ASSERT_TRUE(ok);
        CU_ASSERT_EQUAL(weft__topology_parse(bad_rows[i].text, &topology, NULL), -EINVAL);
        weft__topology_destroy(topology);
    }
}

static void test_parse_the_largest_machines(void)
{
    struct weft__topology *topology = NULL;

    CU_ASSERT_EQUAL_FATAL(weft__topology_parse("1024x8x2 l3=4", &topology, NULL), 0);
    CU_ASSERT_EQUAL(topology->node_count, 1024);
    CU_ASSERT_EQUAL(topology->cpu_count, 16384);
    CU_ASSERT_EQUAL(topology->core_count, 8192);
    CU_ASSERT_EQUAL(topology->l3_count, 2048);
    CU_ASSERT_TRUE(machine_is_sound(topology));
    weft__topology_destroy(topology);
    CU_ASSERT_EQUAL_FATAL(weft__topology_parse("1x1048576", &topology, NULL), 0);
    CU_ASSERT_EQUAL(topology->cpus[1048575].id, 1048575);
    weft__topology_destroy(topology);
}

static void test_parse_without_memory_leaves_nothing(void)
{
    static const char text[] = "node=0:cpus=0-3,5000:mem=4G node=2:mem=16G dist=10,21;21,10 smt=2";
    uint32_t nth = 1;
    int rc = -ENOMEM;

    for (; rc != 0 && nth < 1000; nth++) {
        struct weft__topology *topology = NULL;
        weft__fault_arm(WEFT__FAULT_ALLOC, nth, -ENOMEM);
        rc = weft__topology_parse(text, &topology, NULL);
        weft__fault_arm(WEFT__FAULT_ALLOC, 0, 0);
        CU_ASSERT_TRUE(rc == 0 ? topology != NULL : rc == -ENOMEM && topology == NULL);
        weft__topology_destroy(topology);
    }
    CU_ASSERT_EQUAL(rc, 0);
    CU_ASSERT_TRUE(nth > 8);
}

/* Changes, drops or doubles a few characters. */
static void mutate(struct weft__random *random, char *text, size_t text_bytes_max)
{
    static const char letters[] = "0123456789x=,;:-/ KMGTnodecpumlist\n\x7f\xff";

    for (uint32_t left = 1 + weft__random_below(random, 4); left > 0; left--) {
        size_t length = strlen(text);
        size_t at = weft__random_below(random, (uint32_t)length + 1);
        uint32_t what = weft__random_below(random, 3);
        if (what == 0 && at < length)
            text[at] = letters[weft__random_below(random, sizeof(letters) - 1)];
        else if (what == 1 && at < length)
            memmove(text + at, text + at + 1, length - at);
        else if (length + 1 < text_bytes_max) {
            memmove(text + at + 1, text + at, length - at + 1);
            text[at] = letters[weft__random_below(random, sizeof(letters) - 1)];
        }
    }
}

static void test_parse_mutated_texts_give_a_sound_machine_or_a_character(void)
{
    enum { rounds = 4000 };
    const char *given = getenv("WEFT_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : 1;
    struct weft__random random;
    bool ok = true;

    weft__random_init(&random, seed);
    for (int round = 0; ok && round < rounds; round++) {
        struct weft__topology *topology = NULL;
        struct weft__topology_error error = { .at = SIZE_MAX };
        char text[128];
        uint32_t row = weft__random_below(&random, WEFT__COUNT(good_rows));
        (void)snprintf(text, sizeof(text), "%s", good_rows[row].text);
        mutate(&random, text, sizeof(text));
        int rc = weft__topology_parse(text, &topology, &error);
        ok = rc == 0 ? machine_is_sound(topology) : rc == -EINVAL && error.at <= strlen(text);
        if (!ok)
            (void)fprintf(stderr, "seed %llu round %d: '%s' rc=%d at=%zu\n",
                          (unsigned long long)seed, round, text, rc, error.at);
        weft__topology_destroy(topology);
    }
    CU_ASSERT_TRUE(ok);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_parse_table_of_machines),
        UNIT_TEST(test_parse_malformed_names_the_character),
        UNIT_TEST(test_parse_the_largest_machines),
        UNIT_TEST(test_parse_without_memory_leaves_nothing),
        UNIT_TEST(test_parse_mutated_texts_give_a_sound_machine_or_a_character),
    };

    return unit_run(argc, argv, "synthetic", tests, WEFT__COUNT(tests));
}
