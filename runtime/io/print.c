/*
 * Printing. One gate per stream lets one text through at a time; it is kept across the writes of
 * one text, so a text is whole however the pipe cuts it.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft/print.h>
#include <weft/task.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/base/fallback.h"
#include "runtime/base/sys_io.h"
#include "runtime/io/gate.h"
#include "runtime/io/operation.h"
#include "runtime/sched/runtime.h"

enum { inline_bytes = 512 };

static struct weft__gate gates[2];

/* In the child of fork(2): whoever held a gate does not live there. When weft is dead there nobody
 * will want it; else only threads have printed, and the child may. */
static void free_gates(void)
{
    memset(gates, 0, sizeof(gates));
}

static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, free_gates);
}

/*
 * One write, of a thread directly, of a task at once if that needs no wait, else through the ring.
 * A task that waits in the ring holds the gate until its worker comes back to it: at once, lines
 * into a pipe went from 113,000 a second to 180,000 with one worker, and from 22,000 to 40,000 with
 * two whose CPUs were shared with two busy processes.
 *
 * A regular file without RWF_NOWAIT for writes (ext4) is written to directly: io_uring and the
 * kernel's own count move where it stands without a lock, so that standard output and error in one
 * file, or another process that has it open too, would lose lines. It goes into the page cache.
 */
static ssize_t write_some(int stream, const char *text, size_t bytes)
{
    const struct weft__request request = {
        .opcode = WEFT__OP_WRITE,
        .fd = stream,
        .address = text,
        .bytes = (uint32_t)bytes,
        .offset = -1,
    };

    if (weft__worker_task(weft__self_worker()) == NULL)
        return weft__sys_write(stream, text, bytes);
    ssize_t written = weft__sys_io_write_now(stream, text, bytes, -1);
    if (written >= 0)
        return written;
    if (weft__sys_io_kind(stream) == S_IFREG) {
        WEFT__FALLBACK(PRINT_BY_WRITE);
        return weft__sys_write(stream, text, bytes);
    }
    WEFT__FALLBACK(PRINT_BY_OPERATION);
    return weft__operation_run(&request, WEFT_NEVER, WEFT__OPERATION_SHIELDED, NULL);
}

static int write_whole(int stream, const char *text, size_t bytes)
{
    struct weft__gate *gate = &gates[stream == STDERR_FILENO];
    size_t written = 0;
    ssize_t count = 0;

    weft__gate_enter(gate);
    while (written < bytes) {
        count = write_some(stream, text + written, bytes - written);
        if (count == -EINTR || count == -EAGAIN)
            continue;
        if (count < 0)
            break;
        written += (size_t)count;
    }
    weft__gate_leave(gate);
    (void)weft_poll(); /* a task that prints all the time lets others run */
    return count < 0 ? (int)count : (int)written;
}

static WEFT__PRINTF(2, 0) int print(int stream, const char *format, va_list arguments)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char inline_text[inline_bytes];
    va_list again;

    if (WEFT__UNLIKELY(weft__load_relaxed(&weft__record_forked)))
        return -EOWNERDEAD;
    (void)pthread_once(&once, watch_forks);
    va_copy(again, arguments);
    int length = vsnprintf(inline_text, sizeof(inline_text), format, again);
    va_end(again);
    if (length < 0)
        return -EINVAL;
    if ((size_t)length < sizeof(inline_text))
        return write_whole(stream, inline_text, (size_t)length);
    size_t bytes = (size_t)length + 1;
    char *text = weft__memory_alloc(WEFT__NODE_LOCAL, bytes);
    if (text == NULL)
        return -ENOMEM;
    (void)vsnprintf(text, bytes, format, arguments);
    int rc = write_whole(stream, text, (size_t)length);
    weft__memory_free(text, bytes);
    return rc;
}

int weft_printf(const char *format, ...)
{
    va_list arguments;

    WEFT_NEED(format);
    va_start(arguments, format);
    int rc = print(STDOUT_FILENO, format, arguments);
    va_end(arguments);
    return rc;
}

int weft_eprintf(const char *format, ...)
{
    va_list arguments;

    WEFT_NEED(format);
    va_start(arguments, format);
    int rc = print(STDERR_FILENO, format, arguments);
    va_end(arguments);
    return rc;
}
