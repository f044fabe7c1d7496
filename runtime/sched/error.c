#include "runtime/sched/error.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/check.h"
#include "runtime/sched/worker.h"

static const struct {
    int code;
    const char *text;
} fixed[] = {
    { ECANCELED, "ECANCELED: the task or its scope was cancelled" },
    { ETIMEDOUT, "ETIMEDOUT: the deadline passed" },
    { EPIPE, "EPIPE: the channel or pipe is closed, or what was waited for is released" },
    { EAGAIN, "EAGAIN: it would have to wait" },
    { ESRCH, "ESRCH: the handle is stale, or of another kind" },
    { EBADF, "EBADF: the file is closed, or the handle is of another kind" },
    { ESHUTDOWN, "ESHUTDOWN: the runtime is stopping" },
    { EOPNOTSUPP, "EOPNOTSUPP: the kernel lacks it, or such an object does" },
    { EPERM, "EPERM: not permitted, or it needs a task, a runtime or another caller" },
    { EDEADLK, "EDEADLK: it would wait for itself" },
    { EOWNERDEAD, "EOWNERDEAD: weft was in use before fork; use posix_spawn or exec" },
};

enum { highest_code = 133, name_bytes = 96 };

static char names[highest_code + 1][name_bytes];

/* "EIO: Input/output error", as the C library has them; weft's own words where they are fixed. */
static void make_names(void)
{
    for (int code = 1; code <= highest_code; code++) {
        const char *symbol = strerrorname_np(code);
        const char *text = strerrordesc_np(code);
        if (symbol != NULL && text != NULL)
            (void)snprintf(names[code], name_bytes, "%s: %s", symbol, text);
    }
    for (size_t i = 0; i < WEFT__COUNT(fixed); i++)
        (void)snprintf(names[fixed[i].code], name_bytes, "%s", fixed[i].text);
}

const char *weft_error_name(int code)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (code == 0)
        return "no error";
    (void)pthread_once(&once, make_names);
    if (code < -highest_code || code > highest_code || names[code < 0 ? -code : code][0] == '\0')
        return "unknown error";
    return names[code < 0 ? -code : code];
}

int weft__error_outside(void)
{
    return weft__load_relaxed(&weft__record_forked) ? -EOWNERDEAD : -EPERM;
}

/* Appends as much of @piece as fits. */
static void append(char text[WEFT_ERROR_TEXT], const char *piece)
{
    size_t at = strnlen(text, WEFT_ERROR_TEXT - 1);
    size_t bytes = strnlen(piece, WEFT_ERROR_TEXT - 1 - at);

    memcpy(text + at, piece, bytes);
    text[at + bytes] = '\0';
}

void weft__error_text(weft_error *error, const char *what, const weft_error *cause)
{
    error->text[0] = '\0';
    if (what == NULL || what[0] == '\0') {
        append(error->text, weft_error_name(error->code));
        return;
    }
    append(error->text, what);
    if (cause != NULL && cause->code != 0) {
        append(error->text, ": ");
        append(error->text, cause->text[0] != '\0' ? cause->text : weft_error_name(cause->code));
    }
}

void weft__error_of(const struct weft__task *task, weft_error *out_error)
{
    weft_error error = WEFT_ERROR_INIT;
    const struct weft__extras *extras = weft__task_extras_of(task);
    int result = weft__load_relaxed(&task->result);

    error.task = weft__task_handle(task);
    if (extras != NULL)
        memcpy(error.task_name, extras->name, sizeof(error.task_name));
    if (result < 0) {
        error.code = result;
        if (extras != NULL && extras->error.code != 0) {
            error.cause_code = extras->error.cause_code;
            memcpy(error.text, extras->error.text, sizeof(error.text));
        } else {
            weft__error_text(&error, NULL, NULL);
        }
    }
    *out_error = error;
}

int weft_fail(int code, const weft_error *cause, const char *format, ...)
{
    char what[WEFT_ERROR_TEXT];
    va_list arguments;
    struct weft__task *task = weft__worker_task(weft__self_worker());

    WEFT_NEED(format);
    if (task == NULL)
        return code;
    struct weft__extras *extras = weft__task_extras(task, 0);
    if (extras == NULL)
        return code; /* the code matters more than its sentence */
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    extras->error.code = code;
    extras->error.cause_code = cause != NULL ? cause->code : 0;
    weft__error_text(&extras->error, what, cause);
    return code;
}
