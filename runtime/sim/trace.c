#include "runtime/sim/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/compiler.h"
#include "runtime/base/descriptor.h"
#include "runtime/base/sys.h"

enum {
    buffer_bytes = 1 << 16,
    line_most = 256,
    digits_most = 20,
    command_bytes = 2048,
    words_bytes = 512
};

static struct {
    int fd; /* negative: there is no trace */
    size_t used;
    char buffer[buffer_bytes];
    uint64_t seed;
    char words[words_bytes]; /* of the environment, which the same again needs */
    bool told;
} trace = { .fd = -1 };

/* ---- text without stdio: it is written on the stacks of tasks, and in signal handlers ---- */

static void put(const char *text)
{
    size_t length = strlen(text);
    size_t room = line_most / 2;

    length = length < room ? length : room;
    memcpy(trace.buffer + trace.used, text, length);
    trace.used += length;
}

static char *print_number(char *end, uint64_t number)
{
    *--end = '\0';
    do
        *--end = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    return end;
}

static void put_number(int64_t number)
{
    char digits[digits_most + 2];
    uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    put(number < 0 ? " -" : " ");
    put(print_number(digits + sizeof(digits), size));
}

static void write_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = weft__sys_write(fd, bytes, count);
        if (written == -EINTR)
            continue;
        if (written <= 0)
            return; /* a full disk ends the trace, not the program */
        bytes += written;
        count -= (size_t)written;
    }
}

void weft__trace_flush(void)
{
    if (trace.fd >= 0)
        write_all(trace.fd, trace.buffer, trace.used);
    trace.used = 0;
}

void weft__trace_write(const struct weft__trace_line *line)
{
    if (trace.fd < 0)
        return;
    if (trace.used > buffer_bytes - 3 * line_most)
        weft__trace_flush();
    put_number((int64_t)line->step);
    put_number(line->now_ns);
    put(" ");
    put(line->who);
    put(" ");
    put(line->what);
    put(" ");
    put(line->text);
    put_number(line->first);
    put_number(line->second);
    put("\n");
}

/* ---- the end of a program that has failed ---- */

static void say(const char *text)
{
    write_all(STDERR_FILENO, text, strlen(text));
}

/* The arguments of this process, as a shell would take the simple ones. */
static void say_command(void)
{
    static char command[command_bytes]; /* it may be a task's stack, or a small one of signals */
    ssize_t length = weft__sys_read_file("/proc/self/cmdline", command, sizeof(command));

    for (ssize_t i = 0; i + 1 < length; i++)
        if (command[i] == '\0')
            command[i] = ' ';
    say(length > 0 ? command : "the same program");
}

void weft__trace_tell_seed(const char *why)
{
    char digits[digits_most + 2];
    const char *seed = print_number(digits + sizeof(digits), trace.seed);

    if (trace.told)
        return;
    trace.told = true;
    say("weft: the simulation with seed ");
    say(seed);
    say(" has ");
    say(why);
    say("; the same again: WEFT_ENGINE=sim WEFT_SEED=");
    say(seed);
    say(" ");
    say(trace.words);
    say_command();
    say("\n");
    weft__trace_flush();
}

static void at_exit(int status, void *unused)
{
    enum { skipped = 77 };

    (void)unused;
    if (status != 0 && status != skipped)
        weft__trace_tell_seed("ended with a failure");
    weft__trace_flush();
}

static void at_signal(int number)
{
    weft__trace_tell_seed("been ended by a signal");
    (void)raise(number); /* its usual action, once this handler returns */
}

/* Where the program has handlers of its own they stay. */
static void watch_signals(void)
{
    static const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
    static _Alignas(16) char stack[1 << 15];
    struct sigaction before;
    const struct sigaction action = { .sa_handler = at_signal,
                                      .sa_flags = (int)SA_RESETHAND | SA_ONSTACK };

    (void)weft__sys_signal_stack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof(stack) }, NULL);
    for (size_t i = 0; i < WEFT__COUNT(numbers); i++)
        if (weft__sys_sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            (void)weft__sys_sigaction(numbers[i], &action, NULL);
}

/* What else decides what a simulation does. */
static void note_words(void)
{
    static const char *const names[] = { "WEFT_SIM",         "WEFT_FAULT",      "WEFT_TOPOLOGY",
                                         "WEFT_CHAOS",       "WEFT_WORKERS",    "WEFT_SMT",
                                         "WEFT_INTERACTIVE", "WEFT_POLICY",     "WEFT_HELPERS",
                                         "WEFT_SPIN_US",     "WEFT_WATCHDOG_MS" };
    size_t used = 0;

    for (size_t i = 0; i < WEFT__COUNT(names) && used < words_bytes; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0')
            used += (size_t)snprintf(trace.words + used, words_bytes - used, "%s=%s ", names[i],
                                     value);
    }
}

int weft__trace_open(const char *path, uint64_t seed)
{
    trace.seed = seed;
    note_words();
    if (path != NULL && path[0] != '\0') {
        trace.fd = weft__sys_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (trace.fd < 0)
            return trace.fd;
        weft__descriptor_keep(trace.fd);
    }
    (void)on_exit(at_exit, NULL);
    watch_signals();
    return 0;
}
