#include "tools/tour/count.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"

enum { TEXT_BYTES = 4096 };

static unsigned char text[TEXT_BYTES];

/* The rule of count.h once more, a byte at a time. */
static struct weft__count count_plainly(const unsigned char *bytes, size_t size)
{
    struct weft__count count = { .bytes = size };
    bool in_word = false;

    for (size_t i = 0; i < size; i++) {
        count.lines += bytes[i] == '\n';
        if (bytes[i] == ' ' || (bytes[i] >= 9 && bytes[i] <= 13)) {
            in_word = false;
        } else if (bytes[i] >= 0x21 && bytes[i] <= 0x7e) {
            count.words += !in_word;
            in_word = true;
        }
    }
    return count;
}

static bool same(const struct weft__count *a, const struct weft__count *b)
{
    return a->lines == b->lines && a->words == b->words && a->bytes == b->bytes;
}

static bool same_as_plainly(const unsigned char *bytes, size_t size)
{
    struct weft__count want = count_plainly(bytes, size);
    struct weft__count got = { .bytes = 0 };

    weft__count_add(&got, bytes, size);
    return same(&got, &want);
}

/* xorshift64*: the same bytes in every run. */
static uint64_t random_state = 88172645463325252;

static uint64_t draw(uint64_t below)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return ((random_state * UINT64_C(2685821657736338717)) >> 33) % below;
}

/* Bytes at which the rule changes, so that random text is full of borders. */
static void fill_with_borders(void)
{
    static const unsigned char borders[] = { 0,  8,   9,    10,   11,   13,   14,   31,  32,
                                             33, 'a', 0x7e, 0x7f, 0x80, 0x8a, 0xa0, 0xff };

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = borders[draw(sizeof(borders))];
}

static const struct {
    const char *label;
    const char *text;
    size_t size;
    uint64_t lines;
    uint64_t words;
} known_rows[] = {
    { "nothing", "", 0, 0, 0 },
    { "one letter", "a", 1, 0, 1 },
    { "no line feed at the end", "one two", 7, 0, 2 },
    { "all six kinds of white space", "a\tb\nc\vd\fe\rf g", 13, 1, 7 },
    { "a zero byte does not end a word", "a\0b", 3, 0, 1 },
    { "nor does a byte above 0x7e", "caf\xc3\xa9s", 6, 0, 1 },
    { "nor does one start a word", " \xc3\xa9 ", 4, 0, 0 },
    { "white space with the upper bit is none", "a\xa0z\x8az", 5, 0, 1 },
    { "longer than a step", "the quick brown fox\njumps over the lazy dog\n", 44, 2, 9 },
};

static void test_count_known_texts_give_the_table(void)
{
    for (size_t row = 0; row < sizeof(known_rows) / sizeof(known_rows[0]); row++) {
        struct weft__count got = { .bytes = 0 };
        unsigned char copy[64];

        memcpy(copy, known_rows[row].text, known_rows[row].size);
        weft__count_add(&got, copy, known_rows[row].size);

        bool ok = got.lines == known_rows[row].lines && got.words == known_rows[row].words &&
                  got.bytes == known_rows[row].size;
        if (!ok)
            (void)fprintf(stderr, "row %zu (%s): %d lines, %d words, %d bytes\n", row,
                          known_rows[row].label, (int)got.lines, (int)got.words, (int)got.bytes);
        CU_ASSERT_TRUE(ok);
    }
}

static void test_count_every_pair_of_bytes_at_every_place_of_a_step(void)
{
    size_t wrong = 0;

    for (unsigned first = 0; first < 256; first++)
        for (unsigned second = 0; second < 256; second++)
            for (size_t at = 0; at < 8; at++) {
                memset(text, 'a', 16);
                text[at] = (unsigned char)first;
                text[at + 1] = (unsigned char)second;
                wrong += !same_as_plainly(text, 16);
                wrong += !same_as_plainly(text + at, 2);
            }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_count_random_bytes_of_every_length(void)
{
    size_t wrong = 0;

    for (size_t size = 0; size < 600; size++) {
        for (size_t i = 0; i < size; i++)
            text[i] = (unsigned char)draw(256);
        wrong += !same_as_plainly(text, size);
        fill_with_borders();
        wrong += !same_as_plainly(text, size);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* The counters of eight lanes are one byte each and must be emptied before they overflow. */
static void test_count_long_runs_overflow_no_lane(void)
{
    memset(text, '\n', sizeof(text));
    CU_ASSERT_TRUE(same_as_plainly(text, sizeof(text)));
    for (size_t i = 0; i < sizeof(text); i += 2)
        text[i] = 'x';
    CU_ASSERT_TRUE(same_as_plainly(text, sizeof(text)));
    CU_ASSERT_TRUE(same_as_plainly(text + 1, sizeof(text) - 1));
}

static void test_add_in_pieces_equals_the_whole(void)
{
    size_t wrong = 0;

    for (int round = 0; round < 500; round++) {
        struct weft__count got = { .bytes = 0 };
        fill_with_borders();
        for (size_t at = 0; at < sizeof(text);) {
            size_t size = draw(40);
            if (size > sizeof(text) - at)
                size = sizeof(text) - at;
            weft__count_add(&got, text + at, size);
            at += size;
        }
        struct weft__count want = count_plainly(text, sizeof(text));
        wrong += !same(&got, &want);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* Pieces counted apart may be joined from either end. */
static void test_join_in_any_grouping_equals_the_whole(void)
{
    size_t wrong = 0;

    for (int round = 0; round < 20000; round++) {
        struct weft__count piece[3] = { { .bytes = 0 }, { .bytes = 0 }, { .bytes = 0 } };
        size_t size[3] = { draw(12), draw(3), draw(12) };
        if (round % 200 == 0)
            fill_with_borders();
        unsigned char *start = text + draw(sizeof(text) - 40);
        weft__count_add(&piece[0], start, size[0]);
        weft__count_add(&piece[1], start + size[0], size[1]);
        weft__count_add(&piece[2], start + size[0] + size[1], size[2]);

        struct weft__count want = count_plainly(start, size[0] + size[1] + size[2]);
        struct weft__count left = piece[0];
        weft__count_join(&left, &piece[1]);
        weft__count_join(&left, &piece[2]);
        weft__count_join(&piece[1], &piece[2]);
        weft__count_join(&piece[0], &piece[1]);
        wrong += !same(&left, &want);
        wrong += !same(&piece[0], &want);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_count_known_texts_give_the_table),
        UNIT_TEST(test_count_every_pair_of_bytes_at_every_place_of_a_step),
        UNIT_TEST(test_count_random_bytes_of_every_length),
        UNIT_TEST(test_count_long_runs_overflow_no_lane),
        UNIT_TEST(test_add_in_pieces_equals_the_whole),
        UNIT_TEST(test_join_in_any_grouping_equals_the_whole),
    };

    return unit_run(argc, argv, "wordcount", tests, sizeof(tests) / sizeof(tests[0]));
}
