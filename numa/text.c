#include "numa/text.h"

#include <errno.h>
#include <string.h>

#include "numa/memory.h"
#include "runtime/base/sys.h"

enum { first_room = 4096 };

/* A NUL inside a text becomes a character that no parser takes, so that nothing hides behind it. */
static void expose_zeros(char *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (data[i] == '\0')
            data[i] = '\1';
    }
}

int weft__text_load(struct weft__text *text, const char *path)
{
    for (size_t room = first_room; room <= WEFT__TEXT_MAX; room *= 2) {
        char *data = weft__memory_alloc(WEFT__NODE_LOCAL, room);
        if (data == NULL)
            return -ENOMEM;
        ssize_t length = weft__sys_read_file(path, data, room);
        if (length >= 0) {
            expose_zeros(data, (size_t)length);
            weft__text_fini(text);
            *text = (struct weft__text){ .data = data, .room = room };
            return 0;
        }
        weft__memory_free(data, room);
        if (length != -E2BIG)
            return (int)length;
    }
    return -E2BIG;
}

void weft__text_fini(struct weft__text *text)
{
    weft__memory_free(text->data, text->room);
    *text = (struct weft__text){ .data = NULL };
}

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

int weft__text_number(const char *text, size_t *at, uint64_t max, uint64_t *out_number)
{
    uint64_t number = 0;
    size_t end = *at;

    if (!is_digit(text[end]))
        return -EINVAL;
    for (; is_digit(text[end]); end++) {
        uint64_t digit = (uint64_t)(text[end] - '0');
        if (digit > max || number > (max - digit) / 10)
            return -ERANGE;
        number = number * 10 + digit;
    }
    *at = end;
    *out_number = number;
    return 0;
}

bool weft__text_skip(const char *text, size_t *at, const char *word)
{
    size_t length = strlen(word);

    if (strncmp(text + *at, word, length) != 0)
        return false;
    *at += length;
    return true;
}

bool weft__text_at_end(const char *text, size_t at)
{
    return text[text[at] == '\n' ? at + 1 : at] == '\0';
}
