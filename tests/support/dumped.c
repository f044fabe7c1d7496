#include "tests/support/dumped.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <weft.h>

enum { text_bytes = 1 << 20 };

char dumped_text[text_bytes];

int dumped_take(void)
{
    int fd = memfd_create("dump", MFD_CLOEXEC);
    int rc = weft_dump(fd);
    ssize_t length = pread(fd, dumped_text, sizeof(dumped_text) - 1, 0);

    dumped_text[length > 0 ? length : 0] = '\0';
    (void)close(fd);
    return rc;
}

bool dumped_says(const char *what)
{
    bool found = strstr(dumped_text, what) != NULL;

    if (!found)
        (void)fprintf(stderr, "no \"%s\" in:\n%s\n", what, dumped_text);
    return found;
}

/* The line of the task with this name; NULL: none. */
static const char *line_of(const char *name)
{
    static char line[1024];
    char wanted[64];

    (void)snprintf(wanted, sizeof(wanted), " \"%s\": ", name);
    const char *at = strstr(dumped_text, wanted);
    if (at == NULL)
        return NULL;
    while (at > dumped_text && at[-1] != '\n')
        at--;
    (void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
    return line;
}

bool dumped_line_says(const char *name, const char *what)
{
    const char *line = line_of(name);
    bool found = line != NULL && strstr(line, what) != NULL;

    if (!found)
        (void)fprintf(stderr, "task %s: no \"%s\" in: %s\n", name, what,
                      line != NULL ? line : dumped_text);
    return found;
}

/* The part of the dump that lists the stack of the task with this name. */
const char *dumped_stack_of(const char *name)
{
    static char part[8192];
    char head[32];
    const char *line = line_of(name);
    const char *number = line != NULL ? strstr(line, "; stack ") : NULL;

    if (number == NULL)
        return "";
    (void)snprintf(head, sizeof(head), "\nstack %d, ", atoi(number + strlen("; stack ")));
    const char *from = strstr(dumped_text, head);
    if (from == NULL)
        return "";
    const char *end = strstr(from + 1, "\nstack ");
    if (end == NULL)
        end = strstr(from, "\nmappings of code");
    (void)snprintf(part, sizeof(part), "%.*s", end != NULL ? (int)(end - from) : 0, from);
    return part;
}

/* Whether one of the frames lies in the first bytes of @function. */
bool dumped_has_frame_in(const char *stack, const void *function)
{
    enum { function_most = 2048 };
    uintptr_t from = (uintptr_t)function;

    for (const char *at = strstr(stack, "\n  0x"); at != NULL; at = strstr(at + 1, "\n  0x")) {
        uintptr_t address = (uintptr_t)strtoull(at + 3, NULL, 16);
        if (address > from && address < from + function_most)
            return true;
    }
    return false;
}
