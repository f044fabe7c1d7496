/* Trials in a child process: some filters end the process that makes a forbidden call. */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft.h>

#include "tools/doctor/doctor.h"

#define PATIENCE (10 * WEFT_SECOND)

static _Noreturn void run_body(void (*body)(void *answer), void *answer, size_t bytes, int pipe_end)
{
    const struct rlimit none = { 0, 0 };
    const char *at = answer;

    (void)setrlimit(RLIMIT_CORE, &none);
    body(answer);
    while (bytes > 0) {
        ssize_t written = write(pipe_end, at, bytes);
        if (written <= 0)
            _exit(1);
        at += written;
        bytes -= (size_t)written;
    }
    _exit(0);
}

/* Reads @bytes; false when the other end closes before, or takes too long. */
static bool read_answer(int fd, char *answer, size_t bytes)
{
    int64_t until_ns = weft_clock() + PATIENCE;

    while (bytes > 0) {
        int64_t left_ms = (until_ns - weft_clock()) / WEFT_MILLISECOND;
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        if (left_ms <= 0 || poll(&ready, 1, (int)left_ms) <= 0)
            return false;
        ssize_t count = read(fd, answer, bytes);
        if (count <= 0)
            return false;
        answer += count;
        bytes -= (size_t)count;
    }
    return true;
}

enum weft__doctor_end weft__doctor_apart(void (*body)(void *answer), void *out_answer,
                                         size_t answer_bytes)
{
    int ends[2];
    int status = 0;

    if (pipe(ends) < 0)
        return WEFT__DOCTOR_LOST;
    (void)fflush(NULL); /* or the child would print it once more */
    pid_t child = fork();
    if (child == 0)
        run_body(body, out_answer, answer_bytes, ends[1]);
    (void)close(ends[1]);
    bool answered = child > 0 && read_answer(ends[0], out_answer, answer_bytes);
    (void)close(ends[0]);
    if (child < 0)
        return WEFT__DOCTOR_LOST;
    if (!answered)
        (void)kill(child, SIGKILL); /* has no effect on what has ended already */
    (void)waitpid(child, &status, 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        return WEFT__DOCTOR_KILLED;
    return answered ? WEFT__DOCTOR_ANSWERED : WEFT__DOCTOR_LOST;
}
