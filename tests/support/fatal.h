/* Processes that are meant to die of a fault: bodies of tasks that bring it about, a table of what
 * the process says and how it ends. */
#ifndef WEFT_TESTS_SUPPORT_FATAL_H
#define WEFT_TESTS_SUPPORT_FATAL_H

#include <signal.h>
#include <stdbool.h>
#include <weft.h>

/* Runs over the end of its stack, with errno EDOM. */
int fatal_overflow(void *argument);

/* Reads where nothing is. */
int fatal_touch_nothing(void *argument);

/* Sends itself SIGSEGV. */
int fatal_send(void *argument);

/* Options with one worker, no watchdog, and a report that writes "heard: " and the text to standard
 * error. */
extern weft_runtime_options fatal_options;

/* A report that says the text and does not return. */
void fatal_hang(void *context, const char *text);

struct fatal_plan {
    const char *name; /* of the task; NULL: none */
    size_t stack_bytes;
    weft_task_fn body;
    void *argument;
    bool in_company; /* of a task that yields all the time */
};

extern const struct fatal_plan fatal_greedy; /* a task of this name, that overflows */

/* Runs the task of a struct fatal_plan, as a task. */
int fatal_own(void *plan);

/* The same in a runtime of fatal_options, from start to stop. Returns an exit status. */
int fatal_run(const struct fatal_plan *plan);

enum { fatal_by_fault = -SIGSEGV, fatal_by_abort = -SIGABRT };

/* How a process ends (an exit status, or minus a signal), and what it says. */
struct fatal_row {
    const char *name;
    int (*run)(void);
    int ends;
    const char *wanted[2];
    const char *unwanted;
};

/* Runs each row in a fresh process; main thread. */
void fatal_check(const struct fatal_row *rows, size_t count);

/* The main function of such a program: a row's, when it is run as "--as NAME"; else -1. */
int fatal_main(int argc, char **argv, const struct fatal_row *rows, size_t count);

#endif
