/*
 * S11: SIGALRM and SIGCHLD, with handlers that restart nothing, come at random to random threads of
 * a weft_main program whose tasks and threads print, sleep, send messages, wait for timers, read
 * and write pipes and make blocking calls; then an interrupt. No call ever says EINTR, no line is
 * torn, the interrupt cancels everything, and the exit status is 130 (in the old runtimes it went
 * to whichever task ran, or killed one thread).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/orphan.h"
#include "tests/support/stress.h"

enum { exit_interrupted = 130, exit_leaked = 3, teams = 4, threads_count = 3, line_bytes = 64 };

/* ---- the program, a process of its own ---- */

static struct {
    _Atomic int over;
    weft_chan chan;     /* tasks and threads put and take */
    weft_fd ends[2];    /* of a pipe */
    weft_timer timer;   /* ticks */
    _Atomic int number; /* of the next line */
} work;

/* What a call said. 0: go on. Only an end that was asked for is an error. */
static int judge(int64_t rc, const char *what)
{
    if (rc >= 0 || rc == -ETIMEDOUT)
        return 0;
    if (rc == -ECANCELED || rc == -EPIPE)
        return (int)rc;
    char text[line_bytes];
    int length = snprintf(text, sizeof(text), "%s said %lld\n", what, (long long)rc);
    (void)!write(STDERR_FILENO, text, (size_t)length);
    _exit(exit_leaked);
}

static int print_line(void)
{
    int number = weft__add_relaxed(&work.number, 1);
    int pad = number % 40;

    return judge(weft_printf("<%d%*s>\n", number, pad, ""), "print");
}

static int print_lines(void *argument)
{
    (void)argument;
    while (judge(weft_yield(), "yield") == 0)
        (void)print_line();
    return -ECANCELED;
}

static int put_messages(void *argument)
{
    (void)argument;
    for (int i = 0; judge(weft_chan_put(work.chan, &i, WEFT_NEVER), "put") == 0; i++) {
    }
    return -ECANCELED;
}

static int take_messages(void *argument)
{
    int got;

    (void)argument;
    while (judge(weft_chan_take(work.chan, &got, weft_after(WEFT_MILLISECOND)), "take") == 0) {
    }
    return -ECANCELED;
}

static int sleep_often(void *argument)
{
    (void)argument;
    while (judge(weft_sleep(weft_after(50 * WEFT_MICROSECOND)), "sleep") == 0 &&
           judge(weft_timer_wait(work.timer, WEFT_NEVER), "timer") == 0) {
    }
    return -ECANCELED;
}

static int write_bytes(void *argument)
{
    (void)argument;
    while (judge(weft_write(work.ends[1], "twelve bytes", 12, WEFT_NEVER), "write") == 0) {
    }
    return -ECANCELED;
}

static int read_bytes(void *argument)
{
    char bytes[7];

    (void)argument;
    while (judge(weft_read(work.ends[0], bytes, sizeof(bytes), WEFT_NEVER), "read") == 0) {
    }
    return -ECANCELED;
}

static int64_t block_a_little(void *argument)
{
    return poll(argument, 0, 1);
}

static int call_often(void *argument)
{
    (void)argument;
    while (judge(weft_blocking_call(block_a_little, NULL, NULL, WEFT_NEVER), "call") == 0) {
    }
    return -ECANCELED;
}

/* A thread hears signals, unlike workers. It waits in futexes and in write(2). */
static void *use_weft(void *argument)
{
    sigset_t none;
    int got = 0;

    (void)sigemptyset(&none);
    (void)sigaddset(&none, SIGINT); /* the program's first thread takes it */
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
    while (weft__load_relaxed(&work.over) == 0) {
        (void)print_line();
        (void)judge(weft_sleep(weft_after(100 * WEFT_MICROSECOND)), "a thread's sleep");
        (void)judge(weft_chan_take(work.chan, &got, weft_after(WEFT_MILLISECOND)),
                    "a thread's take");
        (void)judge(weft_chan_put(work.chan, &got, weft_after(WEFT_MILLISECOND)), "a thread's put");
    }
    return argument;
}

static void start_teams(weft_scope scope)
{
    static const weft_task_fn bodies[] = { print_lines, put_messages, take_messages, sleep_often,
                                           write_bytes, read_bytes,   call_often };

    for (int team = 0; team < teams; team++)
        for (size_t i = 0; i < WEFT__COUNT(bodies); i++)
            (void)weft_spawn(scope, bodies[i], NULL,
                             &WEFT_SPAWN_OPTIONS(.place = weft_place_spread()));
}

static int app(void *argument)
{
    pthread_t threads[threads_count];
    weft_scope scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));

    (void)argument;
    work.chan = weft_chan_create(sizeof(int), 3);
    work.timer = weft_timer_create(WEFT_NOW, 100 * WEFT_MICROSECOND);
    (void)judge(weft_pipe(work.ends), "pipe");
    start_teams(scope);
    for (int i = 0; i < threads_count; i++)
        if (pthread_create(&threads[i], NULL, use_weft, NULL) != 0)
            _exit(exit_leaked);
    (void)weft_printf("<ready>\n");
    int rc = weft_scope_close(scope); /* until the interrupt */
    weft__store_relaxed(&work.over, 1);
    for (int i = 0; i < threads_count; i++)
        (void)pthread_join(threads[i], NULL);
    (void)weft_chan_release(work.chan);
    (void)weft_timer_release(work.timer);
    (void)weft_close(work.ends[0]);
    (void)weft_close(work.ends[1]);
    return rc;
}

static void hear_nothing(int number)
{
    (void)number;
}

static int be_the_program(int argc, char **argv)
{
    struct sigaction action;

    orphan_ends((pid_t)strtol(argv[2], NULL, 10)); /* it would print to nobody for ever */
    memset(&action, 0, sizeof(action));
    action.sa_handler = hear_nothing; /* without SA_RESTART */
    if (sigaction(SIGALRM, &action, NULL) != 0 || sigaction(SIGCHLD, &action, NULL) != 0)
        return exit_leaked;
    return weft_main(argc, argv, app, NULL);
}

/* ---- who sends the signals ---- */

/* Whole lines only. Returns whether it has seen the one that says ready. */
static bool check_line(const char *line)
{
    size_t length = strlen(line);

    STRESS_CHECK(length >= 3 && line[0] == '<' && strcmp(line + length - 2, ">\n") == 0 &&
                 strchr(line + 1, '<') == NULL);
    return strcmp(line, "<ready>\n") == 0;
}

static pid_t any_thread(pid_t process)
{
    char path[64];
    pid_t thread = process;
    uint32_t seen = 0;
    const struct dirent *entry;

    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)process);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return process;
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.' && stress_below(++seen) == 0)
            thread = (pid_t)strtol(entry->d_name, NULL, 10);
    (void)closedir(folder);
    return thread;
}

static void send_some(pid_t process)
{
    for (uint32_t i = stress_below(10); i > 0; i--) {
        int number = stress_below(2) == 0 ? SIGALRM : SIGCHLD;
        if (stress_below(2) == 0)
            (void)kill(process, number);
        else
            (void)syscall(SYS_tgkill, process, any_thread(process), number);
    }
}

/* Starts the program with its standard output in @out_from. */
static pid_t start_program(uint32_t workers, FILE **out_from)
{
    char count[16];
    char name[] = "signals";
    char as[] = "--as";
    char parent[16];
    char *arguments[] = { name, as, parent, NULL };
    posix_spawn_file_actions_t actions;
    pid_t process = -1;
    int ends[2];

    (void)snprintf(count, sizeof(count), "%u", workers);
    (void)snprintf(parent, sizeof(parent), "%d", (int)getpid());
    (void)setenv("WEFT_WORKERS", count, 1);
    if (pipe2(ends, O_CLOEXEC) != 0 || posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO) != 0 ||
        posix_spawn(&process, "/proc/self/exe", &actions, NULL, arguments, environ) != 0)
        stress_fail(__FILE__, __LINE__, "the program starts", errno);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    *out_from = fdopen(ends[0], "r");
    return process;
}

static void interrupt_once(uint32_t workers)
{
    char line[2 * line_bytes];
    FILE *from = NULL;
    pid_t process = start_program(workers, &from);
    uint32_t lines = 50 + stress_below(400); /* a round is seconds on a busy machine */
    bool ready = false;
    int status = 0;

    if (process < 0 || from == NULL)
        return;
    for (uint32_t i = 0; fgets(line, sizeof(line), from) != NULL; i++) {
        ready |= check_line(line);
        if (ready && i % 20 == 0)
            send_some(process);
        if (ready && i >= lines) {
            (void)kill(process, SIGINT);
            break;
        }
    }
    STRESS_CHECK(ready);
    while (fgets(line, sizeof(line), from) != NULL)
        (void)check_line(line);
    (void)fclose(from);
    STRESS_EQUAL(waitpid(process, &status, 0), process);
    STRESS_CHECK(WIFEXITED(status));
    STRESS_EQUAL(WEXITSTATUS(status), exit_interrupted);
}

static void signals_and_an_interrupt(uint32_t workers)
{
    uint32_t rounds = stress_size(100, 2);

    for (uint32_t round = 0; round < rounds; round++) {
        stress_round(round);
        interrupt_once(workers);
    }
    (void)unsetenv("WEFT_WORKERS");
}

static const struct stress_case cases[] = {
    STRESS_CASE(signals_and_an_interrupt),
};

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--as") == 0)
        return be_the_program(argc, argv);
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
