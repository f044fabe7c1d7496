#include "tests/support/lines.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <weft.h>

enum { pipe_bytes = 4096, slow_bytes = 16, tail_longest = 90, broken = 99 };

static struct {
    uint32_t count;
    uint32_t wrong;
    bool *seen;
    FILE *from;
    enum lines_sink sink;
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
        if (reader.sink == LINES_SLOW_PIPE)
            (void)sched_yield();
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

static bool open_pipe(int ends[2])
{
    if (pipe(ends) != 0)
        return false;
    (void)fcntl(ends[1], F_SETPIPE_SZ, pipe_bytes);
    return true;
}

/* A file without a name, opened twice: it is read when all has been written. */
static bool open_file(int ends[2])
{
    char path[64];

    ends[1] = open("/tmp", O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
    ends[0] = open(path, O_RDONLY | O_CLOEXEC);
    return ends[0] >= 0;
}

/* Raw, so that a line comes out as it went in. */
static bool open_terminal(int ends[2])
{
    struct termios modes;
    char path[64];

    ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
    if (ends[0] < 0 || grantpt(ends[0]) != 0 || unlockpt(ends[0]) != 0 ||
        ptsname_r(ends[0], path, sizeof(path)) != 0)
        return false;
    ends[1] = open(path, O_RDWR | O_NOCTTY);
    if (ends[1] < 0 || tcgetattr(ends[1], &modes) != 0)
        return false;
    cfmakeraw(&modes);
    return tcsetattr(ends[1], TCSANOW, &modes) == 0;
}

static bool open_sink(enum lines_sink sink, int ends[2])
{
    switch (sink) {
    case LINES_FILE: return open_file(ends);
    case LINES_TERMINAL: return open_terminal(ends);
    case LINES_PIPE:
    case LINES_SLOW_PIPE:
    case LINES_SINKS: break;
    }
    return open_pipe(ends);
}

static void start_reader(void)
{
    if (pthread_create(&reader.thread, NULL, read_lines, NULL) != 0)
        exit(broken);
}

void lines_begin_at(enum lines_sink sink, uint32_t count)
{
    int ends[2];

    (void)fflush(stdout);
    reader.count = count;
    reader.wrong = 0;
    reader.sink = sink;
    reader.seen = calloc(count, sizeof(*reader.seen));
    if (reader.seen == NULL || !open_sink(sink, ends))
        exit(broken);
    reader.from = fdopen(ends[0], "r");
    reader.before = dup(STDOUT_FILENO);
    if (reader.from == NULL || reader.before < 0 || dup2(ends[1], STDOUT_FILENO) < 0)
        exit(broken);
    if (sink == LINES_SLOW_PIPE)
        (void)setvbuf(reader.from, NULL, _IOFBF, slow_bytes);
    if (sink != LINES_FILE)
        start_reader();
    (void)close(ends[1]);
}

void lines_begin(uint32_t count)
{
    lines_begin_at(LINES_PIPE, count);
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
    if (reader.sink == LINES_FILE)
        start_reader();
    (void)pthread_join(reader.thread, NULL);
    (void)fclose(reader.from);
    for (uint32_t i = 0; i < reader.count; i++)
        reader.wrong += !reader.seen[i];
    free(reader.seen);
    return reader.wrong;
}
