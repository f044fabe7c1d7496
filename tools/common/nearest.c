#include "tools/common/nearest.h"

#include <string.h>

enum { NAME_LONGEST = 32, NEAR_ENOUGH = 2 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be put in, left out or changed to make one name of the other. */
static size_t count_edits(const char *from, size_t from_length, const char *to)
{
    size_t row[NAME_LONGEST + 1];
    size_t length = strlen(to);

    if (length > NAME_LONGEST)
        return length;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 0; i < from_length; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t changed = diagonal + (from[i] == to[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = smaller(changed, smaller(row[j], row[j + 1]) + 1);
        }
    }
    return row[length];
}

struct weft__nearest weft__nearest_begin(const char *word, size_t length)
{
    return (struct weft__nearest){ .word = word, .length = length, .edits = NEAR_ENOUGH + 1 };
}

void weft__nearest_try(struct weft__nearest *nearest, const char *name)
{
    size_t edits = count_edits(nearest->word, nearest->length, name);

    if (edits < nearest->edits && edits < strlen(name)) {
        nearest->edits = edits;
        nearest->name = name;
    }
}
