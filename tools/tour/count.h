/*
 * Counting lines, words and bytes as wc does in the C locale. A word starts at a byte from 0x21 to
 * 0x7e and ends at white space (tab, line feed, vertical tab, form feed, carriage return, space);
 * all other bytes neither start nor end one.
 */
#ifndef WEFT_TOOLS_TOUR_COUNT_H
#define WEFT_TOOLS_TOUR_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The counts of a piece of text. Pieces can be counted apart, in any order and on any worker, and
 * joined afterwards: head and tail say what a neighbour needs to know of a word cut in two. An
 * empty piece is all zeroes.
 */
struct weft__count {
    uint64_t lines;
    uint64_t words;
    uint64_t bytes;
    bool decided;      /* has a byte that starts or ends words; head and tail count only then */
    bool head_in_word; /* the first such byte belongs to a word */
    bool tail_in_word; /* the piece ends within a word */
};

/* Counts the bytes that follow the piece counted so far. */
void weft__count_add(struct weft__count *count, const unsigned char *bytes, size_t size);

/* Joins the piece that follows: a word that spans both was counted twice. */
void weft__count_join(struct weft__count *count, const struct weft__count *next);

#endif
