/*
 * A runtime around the body of one test. The body is a task; it checks with expect.h. Around it the
 * rig checks what holds for every test: nothing is left behind, no wake-up had to be rescued.
 */
#ifndef WEFT_TESTS_SUPPORT_RIG_H
#define WEFT_TESTS_SUPPORT_RIG_H

#include <stdbool.h>
#include <weft.h>

/* Runs @body as a task of a fresh runtime with @workers workers; it must return 0. Main thread. */
void rig_run(uint32_t workers, weft_task_fn body);

/* The same with options; the rig reports. */
void rig_run_with(const weft_runtime_options *options, weft_task_fn body);

/* The same with 1, 2 and 4 workers, one after the other. */
void rig_each(weft_task_fn body);

/* Yields until @task is in @state. In a task; a state that never comes is ended by the watchdog. */
void rig_await(weft_task task, weft_task_state state);

/* Records of all kinds in use, worker caches aside: equal before and after, or something leaked. */
uint64_t rig_records(void);

/* Open descriptors and mappings of the process. */
uint32_t rig_descriptors(void);
uint32_t rig_mappings(void);

/* Runs @body on a thread, and joins it: what a thread keeps goes with it. */
void rig_on_thread(void *(*body)(void *unused));

/* Whether the main thread is alone, now or within seconds: the kernel shows a thread that has been
 * joined for a moment longer. */
bool rig_is_alone(void);

/*
 * Runs @body in a forked child whose standard error goes to @out_text. Returns what waitpid tells.
 * For deaths that are meant, and for fork itself. The child ends with _exit(body's result).
 */
int rig_fork(int (*body)(void *argument), void *argument, char *out_text, size_t text_bytes);

/* The same with a fresh process of this program, run as "PROGRAM --as WHAT": one that may start a
 * runtime, which the child of a process that has had one may not. */
int rig_respawn(const char *what, char *out_text, size_t text_bytes);

/* Whether such a process is ended by SIGABRT and says @said; if not, tells what it did instead. */
bool rig_aborts(const char *what, const char *said);

#endif
