#include "runtime/trace/lines.h"

#include <errno.h>
#include <string.h>

#include "runtime/base/sys.h"

enum { patience_ms = 1000 };

void weft__lines_open(struct weft__lines *text, int descriptor)
{
    text->descriptor = descriptor;
    text->error = 0;
    text->length = 0;
}

/* How many bytes went out; 0: try again. */
static size_t write_some(struct weft__lines *text, const char *bytes, size_t length)
{
    ssize_t count = weft__sys_write(text->descriptor, bytes, length);

    if (count >= 0)
        return (size_t)count;
    if (count == -EAGAIN && weft__sys_await_room(text->descriptor, patience_ms) != 0)
        return 0;
    if (count != -EINTR)
        text->error = (int)count;
    return 0;
}

void weft__lines_flush(struct weft__lines *text)
{
    size_t done = 0;

    while (done < text->length && text->error == 0)
        done += write_some(text, text->bytes + done, text->length - done);
    text->length = 0;
}

static void put_bytes(struct weft__lines *text, const char *bytes, size_t length)
{
    if (length > sizeof(text->bytes) - text->length)
        weft__lines_flush(text);
    if (length > sizeof(text->bytes))
        length = sizeof(text->bytes);
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
}

void weft__lines_put(struct weft__lines *text, const char *string)
{
    put_bytes(text, string, strlen(string));
}

static void put_digits(struct weft__lines *text, uint64_t number, unsigned base, size_t least)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0 || sizeof(digits) - at < least);
    put_bytes(text, digits + at, sizeof(digits) - at);
}

void weft__lines_number(struct weft__lines *text, uint64_t number)
{
    put_digits(text, number, 10, 1);
}

void weft__lines_hex(struct weft__lines *text, uint64_t number)
{
    put_bytes(text, "0x", 2);
    put_digits(text, number, 16, 1);
}

void weft__lines_seconds(struct weft__lines *text, uint64_t ms)
{
    put_digits(text, ms / 1000, 10, 1);
    put_bytes(text, ".", 1);
    put_digits(text, ms % 1000, 10, 3);
    put_bytes(text, " s", 2);
}

void weft__lines_name(struct weft__lines *text, const char *name, size_t most)
{
    for (size_t i = 0; i < most && name[i] != '\0'; i++)
        put_bytes(text,
                  (unsigned char)name[i] < ' ' || name[i] == '"' || name[i] == 127 ? "?" : &name[i],
                  1);
}
