/*
 * The explorer: runs real code of the tree with two to four model threads, in every order that
 * matters within a bound, and with every value that a load may read in the C11 model as README.md
 * states it. What cases use stands here.
 */
#ifndef TESTS_EXPLORE_EXPLORE_H
#define TESTS_EXPLORE_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EXPLORE_THREADS = 4 };

/* One ordering of the code that is made weaker: the case must fail then. */
struct explore_plant {
    const char *name;      /* "the tail is published relaxed" */
    const char *function;  /* where: the function that has the access */
    const char *operation; /* "store_release", "swap_acquire", "fence", as after weft__ */
    const char *text;      /* its argument as written there; "" for a fence */
};

struct explore_case {
    const char *name;
    void (*setup)(void);                    /* before the threads; its accesses are theirs, too */
    void (*threads[EXPLORE_THREADS])(void); /* NULL: no more */
    void (*judge)(void);                    /* after all threads; NULL: nothing to say */
    void (*resumed)(int thread);            /* before thread runs on; NULL: nothing to do */
    int preemptions;                    /* bound on switches away from a thread that could go on */
    int stale;                          /* bound on loads that do not read the newest value */
    const struct explore_plant *plants; /* up to one without a name; NULL: none */
};

/* Explores each case, whole and with each of its plants; prints TAP. --help says the rest. */
int explore_main(int argc, char **argv, const struct explore_case *cases, size_t count);

/* Ends the execution: what was found, in a sentence. */
_Noreturn void explore_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define EXPLORE_NEED(condition, ...)       \
    do {                                   \
        if (!(condition))                  \
            explore_fail(__VA_ARGS__);     \
    } while (0)

/* Who runs: 0 to 3; -1: setup or judge. */
int explore_self(void);

/* Gives way until another thread has stored to what this thread has loaded last. */
void explore_backoff(void);

/* A sticky bell of the kernel: rings are counted, a wait takes all. A ring orders as a release, a
 * wait as an acquire, and both as a full fence. */
struct explore_bell {
    uint32_t rung;
};
void explore_bell_ring(struct explore_bell *bell);
/* False: it ended at @until_ns, which may happen at any point when that is not INT64_MAX. */
bool explore_bell_wait(struct explore_bell *bell, int64_t until_ns);

/* As futex(2); a timeout may come at any point when @until_ns is not INT64_MAX. */
int explore_futex_wait(const _Atomic uint32_t *word, uint32_t expected, int64_t until_ns);
int explore_futex_wake(const _Atomic uint32_t *word, int count);

/* The clock of the model: it stands still but for timeouts, which move it. */
int64_t explore_now(void);

/* A point at which others may run; between steps that have no atomic access. */
void explore_point(void);

/* One of [0, count), each of which is explored. */
int explore_choose(int count);

/* The bytes are nobody's from now on, until they are allocated again. */
void explore_free(const void *address, size_t bytes);
void explore_alloc(const void *address, size_t bytes);

/* Bytes that the code under test has allocated and not freed. */
size_t explore_lent(void);

/* The thread gets no memory, until the execution ends. Setup's. */
void explore_impoverish(int thread);

/* Accesses to these bytes are not looked at: what is one per OS thread, and so one for all. */
void explore_ignore(const void *address, size_t bytes);

#endif
