/*
 * weft doctor: what of this system helps weft, what hinders it, and what to change.
 * Each check adds findings. A check reads files below a root, "" in production and a folder of
 * fixtures in tests; what only a system call tells comes as an argument.
 */
#ifndef WEFT_TOOLS_DOCTOR_DOCTOR_H
#define WEFT_TOOLS_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "numa/memory.h"
#include "runtime/task/guard.h"
#include "tools/doctor/findings.h"
#include "uring/probe.h"

/* Threads of a runtime beside its workers: 16 helpers, the watchdog, the program's own. */
enum { WEFT__DOCTOR_OTHER_THREADS = 20 };

/* What was tried in a child process, and became of it. */
enum weft__doctor_end {
    WEFT__DOCTOR_ANSWERED, /* there is an answer */
    WEFT__DOCTOR_KILLED,   /* a filter ended it: the system call is forbidden outright */
    WEFT__DOCTOR_LOST      /* it ended otherwise, took too long, or could not be started */
};

/* What io_uring can do here. */
struct weft__doctor_rings {
    enum weft__doctor_end end;
    int code;                 /* 0, or why there are no rings: negative errno */
    struct weft__probe probe; /* when code is 0 */
    char why[sizeof(((struct weft__setup_error *)0)->text)];
};

/* What a runtime said that was started for trial, with all of its workers. */
struct weft__doctor_start {
    enum weft__doctor_end end;
    int code;         /* 0, or why it did not start: negative errno */
    int workers;      /* when it did */
    char about[256];  /* when it did: weft_runtime_about; else why it did not */
    char notice[512]; /* the first thing that it does without; "" for none */
};

/* What NUMA calls do here. */
struct weft__doctor_numa {
    bool policy_calls; /* get_mempolicy answered */
    int policy_error;  /* why not: negative errno */
    int bind_error;    /* of mbind on the first node: negative errno, or 0 */
    int nodes;         /* that there are */
};

/* Limits of this process: soft and hard. */
struct weft__doctor_limits {
    struct rlimit files;
    struct rlimit locked;
    struct rlimit tasks;
    bool root; /* for whom the number of processes has no limit */
};

/* In a child process, which a filter may end: this one goes on. */
void weft__doctor_try_rings(struct weft__doctor_rings *out);
void weft__doctor_try_start(struct weft__doctor_start *out);

/* In this process. */
void weft__doctor_try_numa(struct weft__doctor_numa *out);

void weft__doctor_kernel(struct weft__findings *findings, const char *root);
void weft__doctor_rings(struct weft__findings *findings, const char *root,
                        const struct weft__doctor_rings *rings);
void weft__doctor_engine(struct weft__findings *findings, const struct weft__doctor_start *start);
void weft__doctor_limits(struct weft__findings *findings, const struct weft__doctor_limits *limits,
                         int workers);
void weft__doctor_cgroup(struct weft__findings *findings, const char *root, int cpus, int workers);
void weft__doctor_numa(struct weft__findings *findings, const char *root,
                       const struct weft__doctor_numa *numa);
void weft__doctor_memory(struct weft__findings *findings, const char *root, bool guard_markers,
                         const struct weft__guard_facts *guards,
                         const struct weft__memory_facts *facts);

/* Reads a small file below @root, without its last newline. False when it can't be read. */
bool weft__doctor_read(const char *root, const char *path, char *out_text, size_t text_bytes);

/* The number at the start of such a file; @missing when there is none. */
long weft__doctor_number(const char *root, const char *path, long missing);

/*
 * Runs @body in a child process, which gets ten seconds, and takes over what it leaves in
 * @out_answer.
 * @body: writes its answer to @answer, which begins as a copy of *@out_answer
 */
enum weft__doctor_end weft__doctor_apart(void (*body)(void *answer), void *out_answer,
                                         size_t answer_bytes);

#endif
