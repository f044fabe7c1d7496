/* weft_main: a program that is nothing but weft. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <weft/runtime.h>

#include "runtime/base/check.h"
#include "runtime/base/descriptor.h"
#include "runtime/base/sys.h"
#include "runtime/sched/handle.h"
#include "runtime/sched/scope.h"
#include "runtime/sched/spawn.h"

enum { exit_failed = 1, exit_no_runtime = 2, exit_interrupted = 130, exit_most = 125 };

struct program {
    struct weft__hook hook;
    weft_arguments arguments;
    weft_task_fn app;
    weft_runtime runtime;
    weft_error error; /* of app or of the start, when it failed */
    int ended;        /* event descriptor: app has ended */
    int interrupts;   /* signal descriptor; negative: none */
    int result;
    bool interrupted;
};

static void to_standard_error(void *context, const char *text)
{
    char line[600];
    (void)context;
    int length = snprintf(line, sizeof(line), "%s\n", text);
    (void)weft__sys_write(STDERR_FILENO, line, (size_t)length);
}

/* The task named "main": keeps app's result, which the scope's close does not tell when > 0. */
static int run_app(void *argument)
{
    struct program *program = argument;

    program->result = program->app(&program->arguments);
    return program->result;
}

/* The first task, named "weft_main": owns app, and reads its error object before the scope goes. */
static int own_app(void *argument)
{
    struct program *program = argument;
    const weft_spawn_options options = { .size = sizeof(options), .name = "main" };
    int rc = 0;
    weft_scope scope = weft_scope_open(NULL);
    weft_task task = weft_spawn(scope, run_app, program, &options);
    struct weft__record *record = weft__record_lock(scope, WEFT__KIND_SCOPE, &rc);

    if (record != NULL) {
        weft__record_unlock(record);
        (void)weft__scope_wait(weft__scope_of(record), WEFT_NEVER, WEFT__PARK_SHIELDED);
        if (weft_scope_error(scope, 0, &program->error) < 0)
            program->error.code = 0;
    }
    rc = weft_scope_close(scope);
    return task < 0 ? (int)task : rc < 0 ? rc : program->result;
}

static void note_end(struct weft__hook *hook, int result)
{
    struct program *program = WEFT__CONTAINER(hook, struct program, hook);

    program->result = result; /* own_app's: app's, or why it did not run */
    (void)weft__sys_write(program->ended, &(uint64_t){ 1 }, sizeof(uint64_t));
}

/* Takes interrupts as a descriptor, unless the program was started with them ignored. */
static int watch_interrupts(sigset_t *before)
{
    struct sigaction action;
    sigset_t interrupt;

    (void)sigemptyset(&interrupt);
    (void)sigaddset(&interrupt, SIGINT);
    (void)pthread_sigmask(SIG_SETMASK, NULL, before);
    if (sigaction(SIGINT, NULL, &action) < 0 || action.sa_handler != SIG_DFL)
        return -1;
    (void)pthread_sigmask(SIG_BLOCK, &interrupt, NULL);
    return signalfd(-1, &interrupt, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void cancel_everything(weft_runtime handle)
{
    int rc = 0;
    struct weft__runtime *runtime = weft__handle_pin(handle, &rc);

    for (uint32_t i = 0; runtime != NULL && i < runtime->worker_count; i++) {
        struct weft__scope *root = runtime->workers[i]->root;
        weft__record_lock_own(&root->record);
        weft__scope_cancel_locked(NULL, root);
        weft__record_unlock(&root->record);
    }
    if (runtime != NULL)
        weft__handle_unpin(handle);
}

/* Waits for app's end; the first interrupt cancels everything, the second has its usual action. */
static void wait_for_end(struct program *program, const sigset_t *before)
{
    struct pollfd watched[2] = { { .fd = program->ended, .events = POLLIN },
                                 { .fd = program->interrupts, .events = POLLIN } };

    while ((watched[0].revents & POLLIN) == 0) {
        (void)weft__sys_await_files(watched, 2);
        if ((watched[1].revents & POLLIN) == 0)
            continue;
        struct signalfd_siginfo taken;
        (void)weft__sys_read(program->interrupts, &taken, sizeof(taken));
        program->interrupted = true;
        watched[1].fd = -1;
        watched[1].revents = 0;
        (void)pthread_sigmask(SIG_SETMASK, before, NULL);
        cancel_everything(program->runtime);
    }
}

static int run_program(struct program *program, const sigset_t *before)
{
    int rc = 0;
    struct weft__runtime *runtime = weft__handle_pin(program->runtime, &rc);

    program->ended = weft__sys_eventfd(0, EFD_CLOEXEC);
    if (program->ended < 0) {
        weft__handle_unpin(program->runtime);
        return program->ended;
    }
    weft__descriptor_keep(program->ended);
    program->hook = (struct weft__hook){ .run = note_end, .last = true };
    weft__add_relaxed(&runtime->callers, 1); /* this thread only waits from now on */
    weft_task task = weft__spawn_foreign(runtime, own_app, program, "weft_main", &program->hook);
    weft__handle_unpin(program->runtime);
    if (task > 0)
        wait_for_end(program, before);
    (void)weft_stop(program->runtime, weft_after(10 * WEFT_SECOND));
    weft__descriptor_close_kept(program->ended);
    return task > 0 ? program->result : (int)task;
}

static int exit_code(const struct program *program, int rc)
{
    if (program->interrupted)
        return exit_interrupted;
    if (rc >= 0)
        return rc < exit_most ? rc : exit_most;
    fprintf(stderr, "weft: the program failed: %s\n",
            program->error.text[0] != '\0' ? program->error.text : weft_error_name(rc));
    return exit_failed;
}

int weft_main(int argc, char **argv, weft_task_fn app, const weft_runtime_options *options)
{
    weft_runtime_options own = { .size = sizeof(own) };
    sigset_t before;
    struct program program = { .arguments = { argc, argv }, .app = app, .error = WEFT_ERROR_INIT };

    WEFT_NEED(app);
    if (options != NULL && options->size == sizeof(own))
        own = *options;
    else if (options != NULL)
        own.size = options->size; /* weft_start says that it is wrong */
    if (own.report == NULL)
        own.report = to_standard_error;
    program.interrupts = watch_interrupts(&before);
    if (program.interrupts >= 0)
        weft__descriptor_keep(program.interrupts);
    program.runtime = weft_start(&own, &program.error);
    int rc;
    if (program.runtime < 0) {
        fprintf(stderr, "weft: cannot start: %s\n", program.error.text);
        rc = exit_no_runtime;
    } else {
        rc = exit_code(&program, run_program(&program, &before));
    }
    if (program.interrupts >= 0)
        weft__descriptor_close_kept(program.interrupts);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}
