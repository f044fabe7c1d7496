#include "tests/support/lines.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>

enum { pipe_bytes = 4096, tail_longest = 90, broken = 99 };

static struct {
    uint32_t count;
    uint32_t wrong;
    bool *seen;
    FILE *from;
    int before; /* standard output, as it was */
    pthread_t thread;
} reader;

/* "12 mmmmmmmmmmmm": how long it is, and of which letter, follows from the number. */
static void make_line(uint32_t number, char text[tail_longest + 16])
{
    uint32_t length = number * 7 % tail_longest;
    int at = snprintf(text, 14, "%u ", number);

    memset(text + at, 'a' + (int)(number % 26), length);
    memcpy(text + at + length, "\n", 2);
}

static void *read_lines(void *argument)
{
    char got[256];
    char wanted[tail_longest + 16];

    while (fgets(got, sizeof(got), reader.from) != NULL) {
        char *end = got;
        unsigned long number = strtoul(got, &end, 10);
        if (end == got || number >= reader.count || reader.seen[number]) {
            reader.wrong++;
            continue;
        }
        make_line((uint32_t)number, wanted);
        reader.wrong += strcmp(got, wanted) != 0;
        reader.seen[number] = true;
    }
    return argument;
}

void lines_begin(uint32_t count)
{
    int ends[2];

    (void)fflush(stdout);
    reader.count = count;
    reader.wrong = 0;
    reader.seen = calloc(count, sizeof(*reader.seen));
    if (reader.seen == NULL || pipe(ends) != 0)
        exit(broken);
    (void)fcntl(ends[1], F_SETPIPE_SZ, pipe_bytes);
    reader.from = fdopen(ends[0], "r");
    reader.before = dup(STDOUT_FILENO);
    if (reader.from == NULL || reader.before < 0 || dup2(ends[1], STDOUT_FILENO) < 0 ||
        pthread_create(&reader.thread, NULL, read_lines, NULL) != 0)
        exit(broken);
    (void)close(ends[1]);
}

int lines_print(uint32_t number)
{
    char text[tail_longest + 16];

    make_line(number, text);
    return weft_printf("%s", text);
}

uint32_t lines_end(void)
{
    (void)dup2(reader.before, STDOUT_FILENO); /* closes the pipe's writing end */
    (void)close(reader.before);
    (void)pthread_join(reader.thread, NULL);
    (void)fclose(reader.from);
    for (uint32_t i = 0; i < reader.count; i++)
        reader.wrong += !reader.seen[i];
    free(reader.seen);
    return reader.wrong;
}
