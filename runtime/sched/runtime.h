/* The runtime object: its workers and what they share. */
#ifndef WEFT_SCHED_RUNTIME_H
#define WEFT_SCHED_RUNTIME_H

#include <weft/runtime.h>

#include "numa/plan.h"
#include "runtime/sched/policy.h"
#include "runtime/sched/team.h"
#include "runtime/sim/wish.h"
#include "uring/choice.h"
#include "uring/pool.h"

struct weft__options {
    uint32_t workers;
    uint32_t interactive; /* beside them */
    bool smt_off;
    uint8_t task_flags; /* enum weft__task_flags of all tasks */
    bool overflow_off;
    uint8_t stack_class;
    int64_t spin_ns;     /* 0: none; negative: adaptive, at most -spin_ns */
    int64_t watchdog_ns; /* 0: off */
    uint32_t helpers;    /* 0: the pool's default */
    int dump_signal;     /* 0: none */
    const char *topology;
    const char *topology_origin; /* what to call it in a sentence */
    struct weft__engine_config engine;
    enum weft__choice_wish wish;
    uint64_t seed;     /* of a simulation */
    const char *trace; /* path; NULL: none */
    struct weft__wish sim;
    const weft_policy *policy; /* NULL: the default */
    weft_report_fn report;
    void *report_context;
};

/* The workers of one start meet here: each comes up or fails, then all run or all leave. */
struct weft__muster {
    _Atomic uint32_t arrived; /* futex */
    _Atomic uint32_t go;      /* futex; 0: wait, 1: run, 2: leave */
    struct weft__lock lock;
    struct weft__setup_error error; /* (l) the first failure */
};

/* What the watchdog remembers of a worker between two looks. */
struct weft__watch_slot {
    const struct weft__task *task; /* only compared: it may have ended */
    uint64_t switches;
    int64_t held_ns; /* how long both have been the same */
    int64_t next_ns; /* when to say so */
    int64_t cpu_ns;  /* CPU time of the worker's thread at the first of these looks */
};

/* A place in the program whose tasks have been named, and when. */
struct weft__watch_site {
    const void *site;
    int64_t said_ns; /* 0: the entry is free */
};

enum { WEFT__WATCH_SITES = 8 };

enum weft__watch_state {
    WEFT__WATCH_OFF,
    WEFT__WATCH_AWAKE,
    WEFT__WATCH_ASLEEP, /* until a worker runs tasks */
    WEFT__WATCH_LEAVING
};

/* See watchdog.c. All but the state and the looks is its thread's alone. */
struct weft__watch {
    _Atomic uint32_t state; /* (a:WATCH) futex; enum weft__watch_state */
    bool started;
    int64_t limit_ns;
    struct weft__watch_slot *slots; /* one for each worker */
    uint64_t switches;              /* of all workers, at the last look */
    struct weft__watch_site said[WEFT__WATCH_SITES];
    _Atomic int64_t gap_ns;       /* between two notices of a site; tests change it */
    _Atomic int64_t quiet_ns;     /* before a look for a deadlock; tests change it */
    _Atomic uint64_t looks;       /* for tests */
    _Atomic uint64_t quiet_looks; /* for a deadlock; for tests */
    _Atomic uint64_t reports;     /* notices given */
    struct weft__native thread;
};

/*
 * STATE overflow: off -> idle at start; idle -> filling by a task that has overflowed; filling ->
 * full by the same; full -> idle by the teller; idle -> off at stop. Terminal: off.
 */
enum weft__overflow_state {
    WEFT__OVERFLOW_OFF,
    WEFT__OVERFLOW_IDLE,
    WEFT__OVERFLOW_FILLING,
    WEFT__OVERFLOW_FULL
};

/* What the last task was that has run over the end of its stack. See overflow.c. */
struct weft__overflow {
    _Atomic uint32_t state; /* (a:OVERFLOW) futex; enum weft__overflow_state */
    bool started;           /* the teller */
    bool wanted;            /* (i) while workers run */
    struct weft__native thread;
    weft_task task; /* (a:OVERFLOW) and so on */
    const void *site;
    uint8_t size_class;
    char name[WEFT_NAME];
};

enum weft__runtime_phase {
    WEFT__RUNTIME_OPEN,
    WEFT__RUNTIME_CLOSING, /* no new detached tasks; the roots are cancelled */
    WEFT__RUNTIME_LEAVING  /* no task is left; workers leave their loops */
};

struct weft__runtime {
    weft_runtime handle;              /* (i) */
    struct weft__options options;     /* (i) */
    struct weft__topology *topology;  /* (i) */
    struct weft__plan *plan;          /* (i) */
    uint32_t worker_count;            /* (i) of all teams */
    struct weft__worker **workers;    /* (i) */
    struct weft__stack_depot *depots; /* (i) one per node of the topology */
    struct weft__pool *pool;          /* (i) helper threads of blocking calls */
    struct weft__choice choice;       /* (i) of the engine */
    struct weft__pool *engine_pool;   /* (i) helper threads of the compat engine, or NULL */
    struct weft__watch watch; /* beside what does not change either: every step reads its state */
    struct weft__overflow overflow;
    struct weft__muster muster;
    struct weft__policy policy;
    struct weft__team teams[WEFT__TEAMS];
    struct weft__lock report_lock;
    bool muted;                       /* (l: report_lock) stopped: no notice any more */
    _Atomic bool overflow_said;       /* one notice about completion queues is enough */
    _Atomic uint32_t stopping;        /* enum weft__runtime_phase */
    _Atomic uint32_t quiet;           /* futex: bumped when a root runs empty while closing */
    _Atomic uint32_t callers;         /* threads in weft_call or weft_main */
    _Atomic uint32_t foreign_cursor;  /* whose turn it is among equals */
    _Atomic uint64_t foreign_spawned; /* spawned by threads that are no workers */
};

/* Hands one notice to the report callback, up to 511 bytes. Any thread, but not where a task
 * waits: the callback may need more stack than that has left. In notice.c. */
WEFT__PRINTF(2, 3)
void weft__runtime_report(struct weft__runtime *runtime, const char *format, ...);

/* The runtime behind a handle, or of the caller for 0. NULL with *out_error. It is not freed until
 * weft__runtime_found gives it back. */
struct weft__runtime *weft__runtime_find(weft_runtime handle, int *out_error);
void weft__runtime_found(struct weft__runtime *runtime);

#endif
