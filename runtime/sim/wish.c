#include "runtime/sim/wish.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/compiler.h"
#include "uring/faults.h"
#include "uring/op.h"

enum { usual_short = 4, usual_patience = 10, digits_most = 9, part_bytes = 32 };

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

/* The part of @text up to a colon or @end, ended by a NUL; where the next one begins. */
static const char *take_part(const char *text, const char *end, char part[part_bytes])
{
    size_t length = 0;

    while (text + length < end && text[length] != ':')
        length++;
    size_t kept = length < part_bytes ? length : part_bytes - 1;
    memcpy(part, text, kept);
    part[kept] = '\0';
    return text + length < end ? text + length + 1 : end;
}

/* "OPERATION:ERROR:1/N", up to @end. NULL, or what is wrong with it. */
static const char *take_error(const char *text, const char *end, struct weft__wish *wish)
{
    struct weft__sim_error *error = &wish->errors[wish->error_count];
    char opcode[part_bytes], name[part_bytes];

    if (wish->error_count == WEFT__WISH_ERRORS)
        return "is one too many: 16 may name an operation";
    text = take_part(text, end, opcode);
    text = take_part(text, end, name);
    error->opcode = weft__op_named(opcode);
    error->error = weft__faults_error(name);
    if (error->opcode < 0)
        return "names no operation, such as recv or fsync";
    if (error->error == 0)
        return "names no error, such as ECONNRESET";
    if (end - text < 3 || strncmp(text, "1/", 2) != 0 ||
        !read_number(text + 2, (size_t)(end - text) - 2, &error->one_in) || error->one_in == 0)
        return "needs a chance, such as 1/50, behind the error";
    wish->error_count++;
    return NULL;
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

    if (strncmp(word, "errors=", 7) == 0 && memchr(word, ':', length) != NULL)
        return take_error(word + 7, word + length, wish);
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
