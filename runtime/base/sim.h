/*
 * The seam of the deterministic simulation (WEFT_ENGINE=sim): where the library asks the operating
 * system for a thread, for time, or for a wait, and the *points* where one thread may be faster
 * than another. Off, as in all other programs, a point costs one relaxed load of a pointer that
 * nobody writes.
 *
 * On, one OS thread runs everything: each thread of the library is a coroutine of it, and
 * runtime/sim decides by a seeded generator which one goes on. What it decides, and why that is
 * deterministic, stands in runtime/sim/coroutine.h. Nothing above this seam knows more of it.
 *
 * Threads that the program makes itself stay what they are: points mean nothing to them, and their
 * waits are real.
 */
#ifndef WEFT_BASE_SIM_H
#define WEFT_BASE_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include <sys/types.h>

#include "runtime/base/atomic.h"

struct pollfd;
struct iovec;
struct weft__coroutine;

/* Where a thread may be left; the name is for the trace. */
#define WEFT__SIM_POINTS(X)                                                               \
    X(LOCK, "lock")       /* before a lock is taken */                                    \
    X(INBOX, "inbox")     /* before a push to an inbox, and before it is taken */         \
    X(TICKET, "ticket")   /* between a wait that is published and its switch; after it */ \
    X(WAKE, "wake")       /* between what was published and the look at the sleeper */    \
    X(PARK, "park")       /* between saying that one sleeps and the last look for work */ \
    X(QUEUE, "queue")     /* between two steps of a queue that others take from */        \
    X(SEARCH, "search")   /* between the counts of searchers and a look at queues */      \
    X(STEP, "step")       /* a worker begins a step, or a task gives way */               \
    X(ENGINE, "engine")   /* before an operation is submitted, cancelled or reaped */     \
    X(BACKOFF, "backoff") /* somebody else has what this one needs */                     \
    X(FUTEX, "futex")     /* before a sleep, and after a wake */

enum weft__sim_point {
#define WEFT__SIM_ENUM(name, text) WEFT__SIM_##name,
    WEFT__SIM_POINTS(WEFT__SIM_ENUM)
#undef WEFT__SIM_ENUM
        WEFT__SIM_COUNT
};

struct weft__sim_wait {
    const _Atomic uint32_t *word; /* sleeps while it is @expected; NULL: only files and time */
    uint32_t expected;
    int64_t until_ns;     /* of the virtual clock; INT64_MAX: for ever */
    struct pollfd *files; /* real ones that end the sleep, too */
    uint32_t file_count;
    bool files_may_act; /* what comes from them may be what everybody waits for */
};

/* An error with which one in so many operations of a kind end. */
struct weft__sim_error {
    int opcode; /* the engines' */
    int error;  /* negative errno */
    uint32_t one_in;
};

/* What the simulation does in place of the operating system. All but now, cycles and rouse are for
 * its own thread alone, outside of signal handlers. */
struct weft__sim_ops {
    void (*point)(enum weft__sim_point point);
    void (*elapse)(int64_t ns);
    void (*give_way)(void); /* to somebody else, if anybody can run */
    int (*wait)(struct weft__sim_wait *wait);
    void (*rouse)(void); /* a word has changed: who sleeps on one looks again; async-signal-safe */
    int (*start)(void *(*body)(void *argument), void *argument, const char *name,
                 struct weft__coroutine **out_coroutine);
    void (*join)(struct weft__coroutine *coroutine);
    bool (*is_self)(const struct weft__coroutine *coroutine);
    void **(*own)(void);  /* where the running coroutine keeps its record; NULL: as a thread does */
    int64_t (*now)(void); /* moves the clock a little: whoever looks takes time */
    int64_t (*instant)(void); /* does not: all looks of one call are at one time */
    uint64_t (*cycles)(void);
    uint64_t (*draw)(void);
    const struct weft__sim_net *net;      /* NULL: the network is the kernel's */
    const struct weft__sim_disk *disk;    /* NULL: files are as they are */
    uint32_t error_one_in;                /* operations that fail by chance; 0: none */
    const struct weft__sim_error *errors; /* in place of that, for the operations they name */
    uint32_t error_count;
    void (*note)(const char *what, const char *text, int64_t first, int64_t second);
};

/* What an operation does to files, as far as a simulated disk cares. */
enum weft__sim_change_kind {
    WEFT__SIM_OPEN,     /* fd: folder, path, flags: O_* */
    WEFT__SIM_WRITE,    /* fd, offset (-1: where the file stands), bytes */
    WEFT__SIM_LENGTH,   /* fd, bytes */
    WEFT__SIM_ALLOCATE, /* fd, offset, bytes, flags: FALLOC_* */
    WEFT__SIM_SYNC,     /* fd, of a file or a folder */
    WEFT__SIM_RENAME,   /* fd: folder of both, path: from, other: to, flags: RENAME_* */
    WEFT__SIM_REMOVE,   /* fd: folder, path, flags: AT_REMOVEDIR */
    WEFT__SIM_FOLDER,   /* fd: folder, path: of the new one */
    WEFT__SIM_LINK      /* fd: folder, path: of the new name */
};

struct weft__sim_change {
    enum weft__sim_change_kind kind;
    int fd;
    uint32_t flags;
    int64_t offset;
    int64_t bytes;
    const char *path;
    const char *other;
};

/* The simulated disk, on which real files are. Each change is told before it is made, and after it;
 * nothing comes between. */
struct weft__sim_disk {
    /* 0, of a write how many of its bytes may be written, or the negative errno with which it ends
     * without having been tried. Never returns when the power is lost. */
    int64_t (*begin)(const struct weft__sim_change *change);
    /* With what it has come to, when begin has let it go on. Never returns, as begin. */
    void (*end)(const struct weft__sim_change *change, int64_t result);
};

/* The simulated sockets. All but has and socket are for numbers that has knows; none waits. */
struct weft__sim_net {
    bool (*has)(int fd);
    int (*socket)(int family, int type);
    int (*bind)(int fd, const void *address, uint32_t bytes);
    int (*listen)(int fd, int backlog);
    int (*connect)(int fd, const void *address, uint32_t bytes);
    int (*accept)(int fd, void *out_address, uint32_t *bytes, int flags);
    ssize_t (*send)(int fd, const struct iovec *parts, size_t count);
    ssize_t (*recv)(int fd, const struct iovec *parts, size_t count, int flags);
    int (*shutdown)(int fd, int how);
    int (*option)(int fd, int name, int *out_value); /* of SOL_SOCKET; 0: ask the kernel */
    int (*name)(int fd, bool peer, void *out_address, uint32_t *bytes);
    int (*poll)(int fd, uint32_t events);
    void (*closing)(int fd);
    /* When one of @events comes, perhaps: now if it is there, INT64_MAX if it depends on others. */
    int64_t (*next)(int fd, uint32_t events);
    void (*subscribe)(_Atomic uint32_t *word, bool on); /* set and woken at every change */
};

extern _Atomic(const struct weft__sim_ops *) weft__sim_on; /* NULL: there is none */

/* Begins it on the calling thread, for the rest of the process's life. */
void weft__sim_begin(const struct weft__sim_ops *ops);

/* Ends it, in the child of a fork, where the other coroutines are as gone as threads are. */
void weft__sim_forget(void);

static inline bool weft__sim_is_on(void)
{
    return WEFT__UNLIKELY(weft__load_relaxed(&weft__sim_on) != NULL);
}

/* What simulates for the caller; NULL: there is no simulation, or the caller is outside of it. */
const struct weft__sim_ops *weft__sim_here(void);

/* The network of the caller; NULL: the kernel's. */
const struct weft__sim_net *weft__sim_net(void);

/* The same if @fd is a socket of it, else NULL. */
const struct weft__sim_net *weft__sim_net_of(int fd);

/* The disk of the caller; NULL: files are as they are. */
const struct weft__sim_disk *weft__sim_disk(void);

void weft__sim_pass(enum weft__sim_point point); /* slow path of weft__sim_point */

/* Perhaps lets others go on first. */
static inline void weft__sim_point(enum weft__sim_point point)
{
    if (weft__sim_is_on())
        weft__sim_pass(point);
}

/* Work that has no points of its own has taken @ns; nothing outside of a simulation. */
void weft__sim_elapse(int64_t ns);

/* A line of the trace, with two numbers and no address; nothing when there is no simulation. */
void weft__sim_note(const char *what, const char *text, int64_t first, int64_t second);

/* When a sleep ends that has a limit only in case a wake-up was lost: never in a simulation, which
 * tells such a loss as the deadlock that it is. */
int64_t weft__sim_limit(int64_t until_ns);

/* The next number of the seed's generator, or @otherwise. */
uint64_t weft__sim_random(uint64_t otherwise);

#endif
