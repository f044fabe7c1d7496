/*
 * Printing. One gate per stream lets one text through at a time, first come first served; a task
 * waits for it as for anything else. The gate is kept across the writes of one text, so a text is
 * whole however the pipe cuts it.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft/print.h>

#include "numa/memory.h"
#include "runtime/base/check.h"
#include "runtime/base/sys.h"
#include "runtime/io/operation.h"
#include "runtime/sched/park.h"
#include "runtime/sched/runtime.h"

enum { inline_bytes = 512 };

struct gate_wait {
    struct weft__list link;
    struct weft__ticket ticket;
};

struct gate {
    struct weft__lock lock;
    bool taken;                /* (l) */
    bool ready;                /* (l) waiting is initialised */
    struct weft__list waiting; /* (l) tasks, FIFO; the gate is handed to the first */
};

static struct gate gates[2];

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

static struct gate *gate_of(int stream)
{
    return &gates[stream == STDERR_FILENO];
}

/* Takes the gate, or queues @wait, whose owner then waits for it to be handed over. */
static bool take_or_queue(struct gate *gate, struct gate_wait *wait)
{
    weft__lock_acquire(&gate->lock); /* pairs with weft__lock_release */
    if (!gate->ready) {
        weft__list_init(&gate->waiting);
        gate->ready = true;
    }
    bool taken = !gate->taken;
    gate->taken = true;
    if (!taken && wait != NULL)
        weft__list_append(&gate->waiting, &wait->link);
    weft__lock_release(&gate->lock);
    return taken;
}

static void enter(struct gate *gate)
{
    struct weft__worker *worker = weft__self_worker();
    struct gate_wait wait;
    uint32_t looks = 0;

    if (weft__worker_task(worker) == NULL) { /* a thread of its own may block */
        while (!take_or_queue(gate, NULL))
            weft__lock_backoff(looks++);
        return;
    }
    wait.ticket = weft__park_begin(weft__worker_task(worker), WEFT__REASON_PRINT);
    if (take_or_queue(gate, &wait))
        (void)weft__park_withdraw(wait.ticket);
    else
        (void)weft__park_commit(worker, wait.ticket, WEFT_NEVER, WEFT__PARK_SHIELDED);
}

static void leave(struct gate *gate)
{
    struct weft__task *next = NULL;

    weft__lock_acquire(&gate->lock); /* pairs with weft__lock_release */
    struct weft__list *link = weft__list_take(&gate->waiting);
    if (link != NULL) {
        struct weft__ticket ticket = WEFT__CONTAINER(link, struct gate_wait, link)->ticket;
        if (weft__park_claim(ticket, WEFT__WAIT_WOKEN)) /* nothing else ends that wait */
            next = ticket.task;
    } else {
        gate->taken = false;
    }
    weft__lock_release(&gate->lock);
    if (next != NULL)
        weft__park_ready(weft__self_worker(), next);
}

/* One write, of a task through the ring, of a thread directly. */
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
    return weft__operation_run(&request, WEFT_NEVER, WEFT__OPERATION_SHIELDED, NULL);
}

static int write_whole(int stream, const char *text, size_t bytes)
{
    struct gate *gate = gate_of(stream);
    size_t written = 0;
    ssize_t count = 0;

    enter(gate);
    while (written < bytes) {
        count = write_some(stream, text + written, bytes - written);
        if (count == -EINTR || count == -EAGAIN)
            continue;
        if (count < 0)
            break;
        written += (size_t)count;
    }
    leave(gate);
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
