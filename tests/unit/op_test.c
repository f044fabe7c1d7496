#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "runtime/base/fault.h"
#include "tests/support/unit.h"
#include "uring/op.h"

enum { LIMIT = 300 }; /* three chunks, the last one not full */

static void test_take_gives_each_record_once_up_to_the_limit(void)
{
    struct weft__op_slab slab;
    static bool seen[LIMIT + WEFT__OP_CHUNK];
    struct weft__op *op;

    memset(seen, 0, sizeof(seen));
    CU_ASSERT_EQUAL(weft__op_slab_init(&slab, LIMIT), 0);
    for (int i = 0; i < LIMIT; i++) {
        CU_ASSERT_EQUAL_FATAL(weft__op_take(&slab, &op), 0);
        CU_ASSERT_FALSE(seen[op->index]);
        seen[op->index] = true;
    }
    CU_ASSERT_EQUAL(weft__op_take(&slab, &op), -EAGAIN);
    CU_ASSERT_EQUAL(slab.in_use, LIMIT);
    weft__op_release(&slab, op);
    CU_ASSERT_EQUAL(weft__op_take(&slab, &op), 0);
    weft__op_slab_fini(&slab);
}

static void test_find_stale_or_forged_id_finds_nothing(void)
{
    struct weft__op_slab slab;
    struct weft__op *op;

    CU_ASSERT_EQUAL(weft__op_slab_init(&slab, 4), 0);
    CU_ASSERT_PTR_NULL(weft__op_find(&slab, 0));
    CU_ASSERT_EQUAL_FATAL(weft__op_take(&slab, &op), 0);
    weft__op_id id = weft__op_id_of(op);
    uint32_t index = op->index, generation = op->generation;
    CU_ASSERT_PTR_EQUAL(weft__op_find(&slab, id), op);
    CU_ASSERT_PTR_EQUAL(weft__op_find(&slab, weft__op_user_data(WEFT__TAG_OP, index, generation)),
                        op);
    CU_ASSERT_PTR_NULL(weft__op_find(&slab, weft__op_user_data(WEFT__TAG_OP, index, 77)));
    CU_ASSERT_PTR_NULL(weft__op_find(&slab, weft__op_user_data(WEFT__TAG_OP, index + 1, 1)));
    CU_ASSERT_PTR_NULL(weft__op_find(&slab, UINT64_MAX));
    CU_ASSERT_PTR_NULL(
        weft__op_find(&slab, weft__op_user_data(WEFT__TAG_OP, WEFT__OP_INDEX_MASK, 1)));

    weft__op_release(&slab, op);
    CU_ASSERT_PTR_NULL(weft__op_find(&slab, id));
    CU_ASSERT_EQUAL_FATAL(weft__op_take(&slab, &op), 0);
    CU_ASSERT_EQUAL(op->index, index); /* the same record, a new name */
    CU_ASSERT_PTR_NULL(weft__op_find(&slab, id));
    CU_ASSERT_NOT_EQUAL(weft__op_id_of(op), id);
    weft__op_slab_fini(&slab);
}

static void test_release_generation_at_its_end_skips_zero(void)
{
    struct weft__op_slab slab;
    struct weft__op *op;

    CU_ASSERT_EQUAL(weft__op_slab_init(&slab, 1), 0);
    CU_ASSERT_EQUAL_FATAL(weft__op_take(&slab, &op), 0);
    op->generation = UINT32_MAX;
    weft__op_release(&slab, op);
    CU_ASSERT_EQUAL_FATAL(weft__op_take(&slab, &op), 0);
    CU_ASSERT_EQUAL(op->generation, 1);
    CU_ASSERT_NOT_EQUAL(weft__op_id_of(op), 0);
    weft__op_slab_fini(&slab);
}

static void test_user_data_parts_come_back(void)
{
    uint64_t data = weft__op_user_data(WEFT__TAG_DOORBELL, WEFT__OP_INDEX_MASK,
                                       UINT32_C(0xFFFFFFFF));

    CU_ASSERT_EQUAL(weft__op_tag(data), WEFT__TAG_DOORBELL);
    CU_ASSERT_EQUAL(weft__op_index(data), WEFT__OP_INDEX_MASK);
    CU_ASSERT_EQUAL(weft__op_generation(data), UINT32_C(0xFFFFFFFF));
    data = weft__op_user_data(WEFT__TAG_OP, 0, 1);
    CU_ASSERT_EQUAL(weft__op_tag(data), WEFT__TAG_OP);
    CU_ASSERT_EQUAL(weft__op_index(data), 0);
    CU_ASSERT_EQUAL(weft__op_generation(data), 1);
}

static void test_take_without_memory_is_refused_and_harms_nothing(void)
{
    struct weft__op_slab slab = { 0 };
    struct weft__op *op = NULL;

    weft__fault_arm(WEFT__FAULT_ALLOC, 1, -ENOMEM);
    CU_ASSERT_EQUAL(weft__op_slab_init(&slab, 8), -ENOMEM);
    CU_ASSERT_PTR_NULL(slab.chunks);
    CU_ASSERT_EQUAL(weft__op_slab_init(&slab, 8), 0);
    weft__fault_arm(WEFT__FAULT_ALLOC, 1, -ENOMEM);
    CU_ASSERT_EQUAL(weft__op_take(&slab, &op), -ENOMEM);
    CU_ASSERT_PTR_NULL(op);
    CU_ASSERT_EQUAL(weft__op_take(&slab, &op), 0);
    CU_ASSERT_EQUAL(slab.in_use, 1);
    weft__op_slab_fini(&slab);
}

static void take_as(struct weft__op_slab *slab, enum weft__opcode opcode)
{
    struct weft__op *op;

    CU_ASSERT_EQUAL_FATAL(weft__op_take(slab, &op), 0);
    op->opcode = (uint8_t)opcode;
}

static void test_describe_counts_by_name(void)
{
    struct weft__op_slab slab;
    char text[64], small[6];

    CU_ASSERT_EQUAL(weft__op_slab_init(&slab, 8), 0);
    CU_ASSERT_EQUAL(weft__op_describe(&slab, text, sizeof(text)), 0);
    CU_ASSERT_STRING_EQUAL(text, "");
    take_as(&slab, WEFT__OP_POLL);
    take_as(&slab, WEFT__OP_READ);
    take_as(&slab, WEFT__OP_READ);
    CU_ASSERT_EQUAL(weft__op_describe(&slab, text, sizeof(text)), 3);
    CU_ASSERT_STRING_EQUAL(text, "2 read, 1 poll");
    CU_ASSERT_EQUAL(weft__op_describe(&slab, small, sizeof(small)), 3);
    CU_ASSERT_STRING_EQUAL(small, "2 rea");
    CU_ASSERT_EQUAL(weft__op_describe(&slab, NULL, 0), 3);
    weft__op_slab_fini(&slab);
}

static void test_next_walks_the_records_in_use(void)
{
    struct weft__op_slab slab;
    struct weft__op *ops[3];

    CU_ASSERT_EQUAL(weft__op_slab_init(&slab, 8), 0);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL_FATAL(weft__op_take(&slab, &ops[i]), 0);
    weft__op_release(&slab, ops[1]);
    struct weft__op *op = weft__op_next(&slab, 0);
    CU_ASSERT_PTR_EQUAL(op, ops[0]);
    op = weft__op_next(&slab, op->index + 1);
    CU_ASSERT_PTR_EQUAL(op, ops[2]);
    CU_ASSERT_PTR_NULL(weft__op_next(&slab, op->index + 1));
    weft__op_slab_fini(&slab);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_take_gives_each_record_once_up_to_the_limit),
        UNIT_TEST(test_find_stale_or_forged_id_finds_nothing),
        UNIT_TEST(test_release_generation_at_its_end_skips_zero),
        UNIT_TEST(test_user_data_parts_come_back),
        UNIT_TEST(test_take_without_memory_is_refused_and_harms_nothing),
        UNIT_TEST(test_describe_counts_by_name),
        UNIT_TEST(test_next_walks_the_records_in_use),
    };
    return unit_run(argc, argv, "op", tests, WEFT__COUNT(tests));
}
