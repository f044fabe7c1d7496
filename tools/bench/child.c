#include "tools/bench/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft.h>

enum {
    cpu_limit = 8192, /* what a kernel can be built for */
    answer_bytes = 256,
    status_not_found = 127 /* as shells say it */
};

static const double figure_max = 1e15;

/* Static: a kilobyte is too much for a frame. Only the main thread of the tool comes here. */
static cpu_set_t allowed[cpu_limit / CPU_SETSIZE];

unsigned weft__child_cpus(void)
{
    if (sched_getaffinity(0, sizeof(allowed), allowed) < 0)
        return 1;
    return (unsigned)CPU_COUNT_S(sizeof(allowed), allowed);
}

/* Keeps the first @count of the allowed CPUs. The peers pin their threads inside this set. */
static int keep_cpus(uint32_t count)
{
    uint32_t kept = 0;

    if (count >= weft__child_cpus())
        return 0;
    for (size_t cpu = 0; cpu < cpu_limit; cpu++) {
        if (!CPU_ISSET_S(cpu, sizeof(allowed), allowed))
            continue;
        if (kept == count)
            CPU_CLR_S(cpu, sizeof(allowed), allowed);
        else
            kept++;
    }
    return sched_setaffinity(0, sizeof(allowed), allowed);
}

/* The same settings for everybody: defaults, and as many workers as there are CPUs to use. */
static void clean_environment(uint32_t workers)
{
    static const char *const dropped[] = {
        "WEFT_WORKERS", "WEFT_SMT", "WEFT_TOPOLOGY", "WEFT_SPIN_US", "WEFT_WATCHDOG_MS",
        "WEFT_HELPERS", "GODEBUG",  "GOGC",          "GOMEMLIMIT",   "MALLOC_CONF"
    };
    char count[16];

    for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
        (void)unsetenv(dropped[i]);
    (void)snprintf(count, sizeof(count), "%u", workers);
    (void)setenv("GOMAXPROCS", count, 1);
    (void)setenv("OMP_NUM_THREADS", count, 1);
}

static _Noreturn void become_program(const char *const *argv, uint32_t workers, int output,
                                     int notes)
{
    uint32_t cpus = workers != 0 ? workers : weft__child_cpus();
    char *arguments[8] = { NULL };

    for (size_t i = 0; argv[i] != NULL && i + 1 < sizeof(arguments) / sizeof(arguments[0]); i++)
        arguments[i] = strdup(argv[i]);
    clean_environment(cpus);
    if (keep_cpus(cpus) == 0 && dup2(output, STDOUT_FILENO) >= 0 && dup2(notes, STDERR_FILENO) >= 0)
        (void)execv(arguments[0], arguments);
    perror(argv[0]);
    _exit(status_not_found);
}

static void close_all(int first, int second, int third)
{
    if (first >= 0)
        (void)close(first);
    if (second >= 0)
        (void)close(second);
    if (third >= 0)
        (void)close(third);
}

/* Reads all that the child prints; a child that takes too long is killed. */
static bool read_output(int fd, pid_t child, unsigned limit_s, char *out_text, size_t size)
{
    weft_deadline until = weft_after(limit_s * WEFT_SECOND);
    size_t used = 0;

    for (;;) {
        int64_t left_ms = (until.ns - weft_clock()) / WEFT_MILLISECOND;
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        if (left_ms <= 0 || poll(&ready, 1, (int)left_ms) == 0) {
            (void)kill(child, SIGKILL);
            return false;
        }
        char chunk[answer_bytes];
        ssize_t got = read(fd, chunk, sizeof(chunk));
        if (got <= 0)
            break;
        size_t kept = (size_t)got < size - 1 - used ? (size_t)got : size - 1 - used;
        memcpy(out_text + used, chunk, kept);
        used += kept;
    }
    out_text[used] = '\0';
    return true;
}

/* What the child wrote to standard error, without the newline at its end. */
static void read_notes(int fd, char *out_notes)
{
    ssize_t got = pread(fd, out_notes, weft__child_notes_bytes - 1, 0);

    while (got > 0 && out_notes[got - 1] == '\n')
        got--;
    out_notes[got > 0 ? got : 0] = '\0';
}

static WEFT_PRINTF(2, 3) void add_note(struct weft__child_answer *answer, const char *format, ...)
{
    size_t used = strlen(answer->notes);
    va_list arguments;

    if (used > 0 && used < sizeof(answer->notes) - 2)
        used += (size_t)snprintf(answer->notes + used, sizeof(answer->notes) - used, "; ");
    va_start(arguments, format);
    (void)vsnprintf(answer->notes + used, sizeof(answer->notes) - used, format, arguments);
    va_end(arguments);
}

static bool parse_answer(const char *text, const char *metric, struct weft__child_answer *out)
{
    unsigned long long checksum;
    int used = 0;

    if (strncmp(text, metric, strlen(metric)) != 0 ||
        sscanf(text + strlen(metric), " %lf %llu%n", &out->value, &checksum, &used) != 2)
        return false;
    if (!(out->value > 0 && out->value < figure_max)) /* nor infinite, nor no number */
        return false;
    out->checksum = checksum;
    text += strlen(metric) + (size_t)used;
    (void)sscanf(text, " workers=%u parks_per_wake=%lf", &out->workers, &out->parks_per_wake);
    return true;
}

static bool judge(int status, const char *program, struct weft__child_answer *answer)
{
    if (WIFSIGNALED(status))
        add_note(answer, "%s was ended by signal %d", program, WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        add_note(answer, "%s failed with status %d", program, WEXITSTATUS(status));
    else
        return true;
    return false;
}

bool weft__child_run(const char *const *argv, const char *metric, uint32_t workers,
                     unsigned limit_s, struct weft__child_answer *out)
{
    char text[answer_bytes] = "";
    int status = 0;
    int ends[2] = { -1, -1 };

    *out = (struct weft__child_answer){ .value = 0 };
    int notes = memfd_create("notes", MFD_CLOEXEC);
    (void)fflush(NULL); /* or the child would print it once more */
    pid_t parent = getpid();
    pid_t child = notes >= 0 && pipe2(ends, O_CLOEXEC) == 0 ? fork() : -1;
    if (child == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent))
        _exit(status_not_found); /* one left behind would spoil what is measured next */
    if (child == 0)
        become_program(argv, workers, ends[1], notes);
    if (child < 0) {
        add_note(out, "cannot start %s: no process or no descriptors left", argv[0]);
        close_all(notes, ends[0], ends[1]);
        return false;
    }
    (void)close(ends[1]);
    bool in_time = read_output(ends[0], child, limit_s, text, sizeof(text));
    (void)waitpid(child, &status, 0);
    read_notes(notes, out->notes);
    close_all(notes, ends[0], -1);

    if (!in_time)
        add_note(out, "%s took more than %u s", argv[0], limit_s);
    else if (!judge(status, argv[0], out))
        return false;
    else if (parse_answer(text, metric, out))
        return true;
    else
        add_note(out, "%s gave no figure for %s", argv[0], metric);
    return false;
}
