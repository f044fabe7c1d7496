/* Channels of one type: each wrapper reaches its call, with the size of the type. */
#include <CUnit/CUnit.h>
#include <errno.h>

#include "runtime/base/compiler.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

struct point {
    double x;
    double y;
    char name[9];
};

typedef int number;

WEFT_CHAN(number);
WEFT_CHAN_NAMED(point_chan, struct point);
WEFT_CHAN_NAMED(text_chan, const char *);
WEFT_CHAN_NAMED(place_chan, struct point *);

static int pass_points(void *unused)
{
    struct point in = { 1.5, -2.5, "here" };
    struct point out = { 0 };
    point_chan points = point_chan_create(2);

    (void)unused;
    EXPECT_EQ(point_chan_put(points, in, WEFT_NOW), 0);
    in.x = 3;
    EXPECT_EQ(point_chan_try_put(points, in), 0);
    EXPECT_EQ(point_chan_try_put(points, in), -EAGAIN);
    EXPECT_EQ(point_chan_fetch(points, &out, WEFT_NOW), 0);
    EXPECT(out.x == 1.5 && out.y == -2.5 && out.name[3] == 'e');
    EXPECT_EQ(point_chan_take(points, &out, WEFT_NOW), 0);
    EXPECT(out.x == 1.5);
    EXPECT_EQ(point_chan_try_take(points, &out), 0);
    EXPECT(out.x == 3);
    EXPECT_EQ(weft_chan_count(points.chan), 0);
    EXPECT_EQ(point_chan_close(points, 0), 0);
    EXPECT_EQ(point_chan_next(points, &out, WEFT_NEVER), 0);
    return point_chan_release(points);
}

static int pass_numbers(void *unused)
{
    number in[] = { 4, 5, 6, 7 };
    number out[4] = { 0 };
    number_chan numbers = number_chan_create(4);
    weft_case cases[] = { number_chan_case_take(numbers, &out[0]),
                          number_chan_case_put(numbers, &in[0]) };

    (void)unused;
    EXPECT_EQ(weft_select(cases, 2, WEFT_NEVER), 1);
    EXPECT_EQ(weft_try_select(cases, 1), 0);
    EXPECT_EQ(out[0], 4);
    EXPECT_EQ(number_chan_put_many(numbers, in, 4, WEFT_NOW), 4);
    EXPECT_EQ(number_chan_next(numbers, &out[0], WEFT_NOW), 1);
    EXPECT_EQ(number_chan_take_many(numbers, out, 3, 4, WEFT_NEVER), 3);
    EXPECT_EQ(out[2], 7);
    EXPECT_EQ(number_chan_close(numbers, -EIO), 0);
    EXPECT_EQ(number_chan_take(numbers, out, WEFT_NEVER), -EIO);
    return number_chan_release(numbers);
}

/* Pointers as messages: a const of what they point to stays there. */
static int pass_pointers(void *unused)
{
    const char *words[] = { "warp", "weft" };
    const char *read[2] = { NULL, NULL };
    struct point here = { 1, 2, "here" };
    struct point *places[] = { &here };
    struct point *found = NULL;
    text_chan texts = text_chan_create(4);
    place_chan many = place_chan_create(1);
    weft_case put = text_chan_case_put(texts, &words[1]);

    (void)unused;
    EXPECT_EQ(text_chan_put_many(texts, words, 2, WEFT_NOW), 2);
    EXPECT_EQ(text_chan_take_many(texts, read, 2, 2, WEFT_NOW), 2);
    EXPECT(read[0] == words[0] && read[1] == words[1]);
    EXPECT_EQ(weft_try_select(&put, 1), 0);
    EXPECT_EQ(text_chan_try_take(texts, &read[0]), 0);
    EXPECT(read[0] == words[1]);
    EXPECT_EQ(place_chan_put_many(many, places, 1, WEFT_NOW), 1);
    EXPECT_EQ(place_chan_take(many, &found, WEFT_NOW), 0);
    EXPECT(found == &here);
    EXPECT_EQ(place_chan_release(many), 0);
    return text_chan_release(texts);
}

static void test_typed_channels_pass_their_type(void)
{
    rig_each(pass_points);
    rig_each(pass_numbers);
    rig_each(pass_pointers);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_typed_channels_pass_their_type),
    };
    return unit_run(argc, argv, "chan_typed", tests, WEFT__COUNT(tests));
}
