#include "numa/cpuset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "numa/memory.h"
#include "numa/text.h"

enum { word_bits = 8 * (int)sizeof(unsigned long) };

static size_t word_of(uint32_t number)
{
    return number / (unsigned)word_bits;
}

static unsigned long bit_of(uint32_t number)
{
    return 1ul << (number % (unsigned)word_bits);
}

void weft__cpuset_init(struct weft__cpuset *set)
{
    *set = (struct weft__cpuset){ .words = NULL };
}

void weft__cpuset_fini(struct weft__cpuset *set)
{
    weft__memory_free(set->words, set->word_count * sizeof(*set->words));
    weft__cpuset_init(set);
}

/* Makes room for @word_count words; at least doubles, so that adding one by one stays cheap. */
static int grow(struct weft__cpuset *set, size_t word_count)
{
    if (word_count <= set->word_count)
        return 0;
    if (word_count < 2 * set->word_count)
        word_count = 2 * set->word_count;
    unsigned long *words = weft__memory_alloc(WEFT__NODE_LOCAL, word_count * sizeof(*words));
    if (words == NULL)
        return -ENOMEM;
    if (set->words != NULL)
        memcpy(words, set->words, set->word_count * sizeof(*words));
    weft__cpuset_fini(set);
    *set = (struct weft__cpuset){ .words = words, .word_count = word_count };
    return 0;
}

int weft__cpuset_add(struct weft__cpuset *set, uint32_t number)
{
    if (number >= WEFT__CPUSET_MAX)
        return -ERANGE;
    int rc = grow(set, word_of(number) + 1);
    if (rc == 0)
        set->words[word_of(number)] |= bit_of(number);
    return rc;
}

void weft__cpuset_remove(struct weft__cpuset *set, uint32_t number)
{
    if (word_of(number) < set->word_count)
        set->words[word_of(number)] &= ~bit_of(number);
}

bool weft__cpuset_has(const struct weft__cpuset *set, uint32_t number)
{
    return word_of(number) < set->word_count && (set->words[word_of(number)] & bit_of(number)) != 0;
}

uint32_t weft__cpuset_count(const struct weft__cpuset *set)
{
    uint32_t count = 0;

    for (size_t i = 0; i < set->word_count; i++)
        count += (uint32_t)__builtin_popcountl(set->words[i]);
    return count;
}

int weft__cpuset_copy(struct weft__cpuset *to, const struct weft__cpuset *from)
{
    struct weft__cpuset copy = { .words = NULL };

    if (to == from)
        return 0;
    if (from->word_count != 0) {
        int rc = grow(&copy, from->word_count);
        if (rc < 0)
            return rc;
        memcpy(copy.words, from->words, from->word_count * sizeof(*copy.words));
    }
    weft__cpuset_fini(to);
    *to = copy;
    return 0;
}

void weft__cpuset_intersect(struct weft__cpuset *set, const struct weft__cpuset *other)
{
    for (size_t i = 0; i < set->word_count; i++)
        set->words[i] &= i < other->word_count ? other->words[i] : 0;
}

int64_t weft__cpuset_next(const struct weft__cpuset *set, uint32_t from)
{
    size_t i = word_of(from);

    if (i >= set->word_count)
        return -1;
    unsigned long word = set->words[i] & ~(bit_of(from) - 1);
    while (word == 0) {
        if (++i == set->word_count)
            return -1;
        word = set->words[i];
    }
    return (int64_t)i * word_bits + __builtin_ctzl(word);
}

/* One member of a list: FIRST[-LAST[:USED/GROUP]], the first USED of every GROUP numbers. */
struct range {
    uint64_t first;
    uint64_t last;
    uint64_t used;
    uint64_t group;
};

static int add_range(struct weft__cpuset *set, const struct range *range)
{
    int rc = grow(set, word_of((uint32_t)range->last) + 1);

    if (rc < 0)
        return rc;
    for (uint64_t start = range->first; start <= range->last; start += range->group) {
        uint64_t end = start + range->used;
        for (uint64_t number = start; number < end && number <= range->last; number++)
            set->words[word_of((uint32_t)number)] |= bit_of((uint32_t)number);
    }
    return 0;
}

/* A colon belongs to the list only before a digit: in a longer text it may end the list. */
static bool stride_follows(const char *text, size_t at)
{
    return text[at] == ':' && text[at + 1] >= '0' && text[at + 1] <= '9';
}

static int scan_stride(const char *text, size_t *at, struct range *range)
{
    (*at)++;
    size_t used_at = *at;
    int rc = weft__text_number(text, at, WEFT__CPUSET_MAX, &range->used);
    if (rc < 0)
        return rc;
    if (!weft__text_skip(text, at, "/"))
        return -EINVAL;
    size_t group_at = *at;
    rc = weft__text_number(text, at, WEFT__CPUSET_MAX, &range->group);
    if (rc < 0)
        return rc;
    if (range->used == 0 || range->group < range->used) {
        *at = range->used == 0 ? used_at : group_at;
        return -EINVAL;
    }
    return 0;
}

static int scan_range(const char *text, size_t *at, struct range *range)
{
    int rc = weft__text_number(text, at, WEFT__CPUSET_MAX - 1, &range->first);

    if (rc < 0)
        return rc;
    range->last = range->first;
    range->used = range->group = 1;
    if (!weft__text_skip(text, at, "-"))
        return 0;
    size_t last_at = *at;
    rc = weft__text_number(text, at, WEFT__CPUSET_MAX - 1, &range->last);
    if (rc < 0)
        return rc;
    if (range->last < range->first) {
        *at = last_at;
        return -EINVAL;
    }
    return stride_follows(text, *at) ? scan_stride(text, at, range) : 0;
}

int weft__cpuset_scan_list(struct weft__cpuset *set, const char *text, size_t *at)
{
    struct range range;
    int rc;

    do {
        rc = scan_range(text, at, &range);
        if (rc == 0)
            rc = add_range(set, &range);
    } while (rc == 0 && weft__text_skip(text, at, ","));
    return rc;
}

int weft__cpuset_parse_list(struct weft__cpuset *set, const char *text, size_t *out_at)
{
    struct weft__cpuset parsed = { .words = NULL };
    size_t at = 0;
    int rc = 0;

    if (!weft__text_at_end(text, at))
        rc = weft__cpuset_scan_list(&parsed, text, &at);
    if (rc == 0 && !weft__text_at_end(text, at))
        rc = -EINVAL;
    if (rc < 0) {
        *out_at = at;
        weft__cpuset_fini(&parsed);
        return rc;
    }
    weft__cpuset_fini(set);
    *set = parsed;
    return (int)weft__cpuset_count(set);
}

/* The last member of the run that begins at @first. */
static uint32_t run_end(const struct weft__cpuset *set, uint32_t first)
{
    while (weft__cpuset_has(set, first + 1))
        first++;
    return first;
}

size_t weft__cpuset_format(const struct weft__cpuset *set, char *text, size_t text_bytes)
{
    char part[32];
    size_t length = 0;
    uint32_t last;

    if (text_bytes > 0)
        text[0] = '\0';
    for (int64_t first = weft__cpuset_next(set, 0); first >= 0;
         first = weft__cpuset_next(set, last + 1)) {
        const char *comma = length > 0 ? "," : "";
        last = run_end(set, (uint32_t)first);
        int part_length = last == first ? snprintf(part, sizeof(part), "%s%u", comma, last)
                                        : snprintf(part, sizeof(part), "%s%u-%u", comma,
                                                   (uint32_t)first, last);
        if (length < text_bytes)
            (void)snprintf(text + length, text_bytes - length, "%s", part);
        length += (size_t)part_length;
    }
    return length;
}
