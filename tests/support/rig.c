#include "tests/support/rig.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <sched.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/task/record.h"
#include "tests/support/expect.h"
#include "tests/support/orphan.h"
#include "tests/support/unit.h"

static void print_notice(void *context, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "%s\n", text);
}

uint64_t rig_records(void)
{
    uint64_t used = 0;

    for (int kind = WEFT__KIND_TASK; kind < WEFT__KIND_COUNT; kind++)
        used += weft__record_in_use((enum weft__kind)kind, NULL);
    return used;
}

static uint32_t count_entries(const char *path)
{
    DIR *folder = opendir(path);
    uint32_t count = 0;

    if (folder == NULL)
        exit(unit_broken);
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

uint32_t rig_descriptors(void)
{
    return count_entries("/proc/self/fd");
}

bool rig_is_alone(void)
{
    const uint32_t alone = 2 + 1 + (WEFT__TSAN ? 1 : 0); /* ".", "..", main, the sanitizer's own */
    int64_t until_ns = weft_clock() + 5 * WEFT_SECOND;

    while (count_entries("/proc/self/task") > alone)
        if (sched_yield() != 0 || weft_clock() > until_ns)
            return false;
    return true;
}

uint32_t rig_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    uint32_t lines = 0;
    int byte;

    if (maps == NULL)
        exit(unit_broken);
    while ((byte = getc(maps)) != EOF)
        lines += byte == '\n';
    (void)fclose(maps);
    return lines;
}

void rig_run_with(const weft_runtime_options *given, weft_task_fn body)
{
    char about[64];
    const char *engine = getenv("WEFT_ENGINE");
    weft_error error = WEFT_ERROR_INIT;
    weft_counters counters = WEFT_COUNTERS_INIT;
    uint64_t records = rig_records();
    weft_runtime_options options = *given;

    options.report = print_notice;
    weft_runtime runtime = weft_start(&options, &error);
    if (runtime < 0)
        (void)fprintf(stderr, "no runtime: %s\n", error.text);
    CU_ASSERT_TRUE_FATAL(runtime > 0);
    (void)snprintf(about, sizeof(about), "%u workers%s%.20s", options.workers,
                   engine != NULL ? ", engine " : "", engine != NULL ? engine : "");
    expect_about(about);
    EXPECT_EQ(weft_call(runtime, body, NULL), 0);
    EXPECT_EQ(weft_counters_read(runtime, -1, &counters), 0);
    EXPECT_EQ(counters.rescued_wakes, 0);
    EXPECT_EQ(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
    EXPECT_EQ(rig_records(), records);
    expect_assert();
    expect_about("");
}

void rig_run(uint32_t workers, weft_task_fn body)
{
    rig_run_with(&WEFT_RUNTIME_OPTIONS(.workers = workers), body);
}

void rig_each(weft_task_fn body)
{
    rig_run(1, body);
    rig_run(2, body);
    rig_run(4, body);
}

void rig_await(weft_task task, weft_task_state state)
{
    while (weft_task_state_of(task) != (int)state)
        (void)weft_yield();
}

static void read_all(int from, char *text, size_t text_bytes)
{
    size_t length = 0;
    ssize_t count;

    while (length + 1 < text_bytes &&
           (count = read(from, text + length, text_bytes - 1 - length)) > 0)
        length += (size_t)count;
    text[length] = '\0';
}

int rig_fork(int (*body)(void *argument), void *argument, char *out_text, size_t text_bytes)
{
    const struct rlimit no_core = { 0, 0 };
    int status = 0;
    int ends[2];

    if (pipe(ends) != 0)
        exit(unit_broken);
    (void)fflush(NULL);
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0)
        exit(unit_broken);
    if (child == 0) {
        orphan_ends(parent);
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        _exit(body(argument));
    }
    (void)close(ends[1]);
    read_all(ends[0], out_text, text_bytes);
    (void)close(ends[0]);
    (void)waitpid(child, &status, 0);
    return status;
}

static int become(void *argument)
{
    char path[512];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (length > 0) {
        path[length] = '\0';
        (void)execl(path, path, "--as", (const char *)argument, (char *)NULL);
    }
    return unit_broken;
}

int rig_respawn(const char *what, char *out_text, size_t text_bytes)
{
    char copy[64];

    (void)snprintf(copy, sizeof(copy), "%s", what);
    return rig_fork(become, copy, out_text, text_bytes);
}

bool rig_aborts(const char *what, const char *said)
{
    static char text[2048];
    int status = rig_respawn(what, text, sizeof(text));
    bool ok = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(text, said) != NULL;

    if (!ok)
        (void)fprintf(stderr, "%s: status %d, said \"%s\"\n", what, status, text);
    return ok;
}

void rig_on_thread(void *(*body)(void *unused))
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, body, NULL) == 0)
        (void)pthread_join(thread, NULL);
}
