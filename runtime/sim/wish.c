#include "runtime/sim/wish.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/compiler.h"

enum { usual_short = 4, usual_patience = 10, digits_most = 9 };

/* A number of decimal digits that is all of @text, up to @length. */
static bool read_number(const char *text, size_t length, uint32_t *out_number)
{
    uint32_t number = 0;

    if (length == 0 || length > digits_most)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        number = number * 10 + (uint32_t)(text[i] - '0');
    }
    *out_number = number;
    return true;
}

static bool is_word(const char *word, size_t length, const char *wanted)
{
    return length == strlen(wanted) && strncmp(word, wanted, length) == 0;
}

/* NULL, or what is wrong with it. */
static const char *take_word(const char *word, size_t length, struct weft__wish *wish)
{
    const struct {
        const char *name;
        uint32_t *number;
    } numbers[] = { { "cut=", &wish->cut_one_in },      { "short=", &wish->short_one_in },
                    { "errors=", &wish->error_one_in }, { "crash=", &wish->crash_one_in },
                    { "crash-at=", &wish->crash_at },   { "disk=", &wish->disk_bytes },
                    { "patience=", &wish->patience } };

    for (size_t i = 0; i < WEFT__COUNT(numbers); i++) {
        size_t at = strlen(numbers[i].name);
        if (length >= at && strncmp(word, numbers[i].name, at) == 0)
            return read_number(word + at, length - at, numbers[i].number)
                       ? NULL
                       : "needs a number of up to 9 digits behind the \"=\"";
    }
    wish->real_net = is_word(word, length, "net=real");
    if (wish->real_net || is_word(word, length, "net=sim"))
        return NULL;
    return "is none of its words, such as cut=3, crash=20, disk=65536 and net=real";
}

int weft__wish_read(const char *value, struct weft__wish *out_wish, char *out_text,
                    size_t text_bytes)
{
    *out_wish = (struct weft__wish){ .short_one_in = usual_short, .patience = usual_patience };
    while (value != NULL && *value != '\0') {
        size_t length = strcspn(value, ",");
        const char *wrong = take_word(value, length, out_wish);
        if (wrong != NULL) {
            (void)snprintf(out_text, text_bytes, "WEFT_SIM: \"%.*s\" %s; see weft-sim(7)",
                           length < 40 ? (int)length : 40, value, wrong);
            return -EINVAL;
        }
        value += length + (value[length] == ',' ? 1 : 0);
    }
    return 0;
}
