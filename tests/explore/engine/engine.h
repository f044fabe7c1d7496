/* What the parts of the explorer share: threads, the decisions of an execution, its trace. */
#ifndef TESTS_EXPLORE_ENGINE_H
#define TESTS_EXPLORE_ENGINE_H

#include "runtime/base/atomic.h"
#include "runtime/task/context.h"
#include "tests/explore/explore.h"

/* Number 0 is the case itself: setup and judge. */
enum { ACTORS = EXPLORE_THREADS + 1, LOCATIONS = 160 };

/* Which part of each actor's past has happened before. */
struct clock {
    uint16_t at[ACTORS];
};

/* The oldest store of each location that may still be read. */
struct view {
    uint16_t at[LOCATIONS];
};

enum access { PLAIN_READ, PLAIN_WRITE, ATOMIC_READ, ATOMIC_WRITE, ACCESSES };

/* An operation that others can see: what a thread is about to do when it is left. */
struct step {
    const char *operation; /* "store_release" */
    const char *text;
    const char *function;
    int line;
    const void *at; /* the location or object; NULL: a fence */
    bool writes;
    bool total;     /* takes part in the order of all sequentially consistent ones */
    uint64_t value; /* read, or written */
    bool older;     /* a load that did not read the newest */
    bool failed;    /* a compare-and-swap that did not swap */
};

struct thread {
    struct weft__context context;
    struct clock clock, acquired_clock, released_clock;
    struct view view, acquired, released;
    struct step pending;
    bool (*may_go)(struct thread *thread); /* NULL: it can run; else only when true */
    const char *waits;                     /* why it can't, for the report */
    const void *object;                    /* what it waits for */
    uint32_t mark;                         /* of may_go */
    int64_t until_ns;                      /* of a timed wait; INT64_MAX: none */
    bool timed_out;
    bool asleep; /* what it would do next was explored, and nothing has happened to it since */
    bool done;
    int last_location;
    uint16_t last_read;
};

extern struct thread threads[ACTORS];
extern int current; /* 0: the case itself */
extern const struct explore_case *the_case;
extern const struct explore_plant *the_plant;
extern uint64_t plant_hits;
extern int deeper; /* what the bounds are more than the case says */
extern int stale_left;
extern int64_t model_now;

/* schedule.c */
void schedule_point(const struct step *step); /* before it is done */
void schedule_did(const struct step *step);   /* it is done, at once: nobody ran in between */
void schedule_block(bool (*may_go)(struct thread *), const char *waits, const void *object,
                    uint32_t mark, int64_t until_ns, const struct step *step);
int schedule_choose(int count);
bool schedule_explore(const struct explore_case *one, const struct explore_plant *plant);
void schedule_replay(const char *path);

/* memory.c */
void memory_reset(void);
void memory_start(int thread); /* it sees what the case has done so far */
void memory_join(void);        /* the case sees all that the threads have done */
void memory_overwritten(const void *at, size_t bytes); /* by a plain store */
bool memory_is_newer(int location, uint16_t index);
void memory_fence(struct thread *self);
struct message;
uint64_t memory_latest(const void *at, size_t bytes);

/* heap.c */
void heap_reset(void);

/* shadow.c */
void shadow_reset(void);
void shadow_access(const void *at, size_t bytes, enum access access);

static inline void clock_join(struct clock *into, const struct clock *from)
{
    for (int i = 0; i < ACTORS; i++)
        if (from->at[i] > into->at[i])
            into->at[i] = from->at[i];
}

/* trace.c */
void trace_reset(void);
void trace_add(int thread, const struct step *step);
void trace_print(void);

/* the last failure */
extern char failure[512];
extern uint64_t executions;

#endif
