/*
 * Fallbacks: the other ways that the tree goes where a kernel, a limit or a sandbox refuses the
 * first one. Each has a name here and a mark where it begins, so that a test can tell which of
 * them nothing has ever tried (tests/fault/fallbacks_fault.c). Unwatched, a mark is one relaxed
 * load on a way that is slow already.
 */
#ifndef WEFT_BASE_FALLBACK_H
#define WEFT_BASE_FALLBACK_H

#include <stdbool.h>

#include "runtime/base/atomic.h"

#define WEFT__FALLBACKS(X)                                                          \
    X(ENGINE_COMPAT)       /* no io_uring at all */                                 \
    X(SETUP_OLDER_FLAGS)   /* the kernel knows not all flags of io_uring_setup */   \
    X(NO_DEFER_TASKRUN)    /* completions run at any entry */                       \
    X(NO_REGISTERED_RING)  /* a descriptor look-up for each enter */                \
    X(TIMEOUT_OPERATION)   /* sleeps end by an operation, not by an argument */     \
    X(DOORBELL_BY_BELL)    /* a sleeping worker is woken by its event descriptor */ \
    X(DOORBELL_FAILED)     /* the message to a ring failed: the same, later */      \
    X(NOTIFY_BY_BELL)      /* the same, from a thread that is no worker */          \
    X(COMPLETION_UNWANTED) /* a success that was to be skipped comes all the same */ \
    X(SUBMIT_STARVED)      /* the kernel takes no entries just now */               \
    X(SUBMIT_REFUSED)      /* no room for an operation: it waits */                 \
    X(CANCEL_DEFERRED)     /* no room for a cancel: it is staged later */           \
    X(CANCEL_AGAIN)        /* the kernel did not find what was to end */           \
    X(CQ_OVERFLOWED)       /* completions lie with the kernel */                    \
    X(EPOLL_WAIT_BY_POLL)  /* no epoll_pwait2 */                                    \
    X(EPOLL_REFUSED)       /* a file that can't be waited for: a helper calls */    \
    X(TRANSFER_BY_RECV)    /* no RWF_NOWAIT, but a socket */                        \
    X(TRANSFER_BY_HELPER)  /* no RWF_NOWAIT, and no socket */                       \
    X(VECTOR_BY_HELPER)    /* the same of several parts */                          \
    X(CONNECT_AGAIN)       /* a full backlog that nothing tells about */            \
    X(FTRUNCATE_BY_HELPER) /* the ring has none */                                  \
    X(TEMPORARY_NAMED)     /* no O_TMPFILE */                                       \
    X(CACHED_READ_MISSED)  /* not in the page cache: through the ring */            \
    X(PRINT_BY_WRITE)      /* no RWF_NOWAIT for writes to a file */                 \
    X(PRINT_BY_OPERATION)  /* a text that would wait */                             \
    X(GUARDS_ONE_BY_ONE)   /* no advice for several ranges at once */               \
    X(GUARD_BY_MPROTECT)   /* no guard markers */                                   \
    X(GUARD_CANARY)        /* no guard at all */                                    \
    X(PEEK_BY_PIPE)        /* process_vm_readv is refused */                        \
    X(MEMORY_UNBOUND)      /* NUMA calls are refused */                             \
    X(MEMORY_BIND_REFUSED) /* mbind is, although others are not */                  \
    X(WORKER_UNPINNED)     /* sched_setaffinity is refused */                       \
    X(AFFINITY_UNKNOWN)    /* sched_getaffinity is: all CPUs */                     \
    X(HELPERS_FEWER)       /* no further helper thread: those that run do it */

enum weft__fallback {
#define WEFT__FALLBACK_ENUM(name) WEFT__FALLBACK_##name,
    WEFT__FALLBACKS(WEFT__FALLBACK_ENUM)
#undef WEFT__FALLBACK_ENUM
        WEFT__FALLBACK_COUNT
};

extern _Atomic bool weft__fallback_watched;

void weft__fallback_note(enum weft__fallback which); /* slow path of WEFT__FALLBACK */

/* Where a fallback begins: WEFT__FALLBACK(ENGINE_COMPAT); async-signal-safe. */
#define WEFT__FALLBACK(name)                                              \
    do {                                                                  \
        if (WEFT__UNLIKELY(weft__load_relaxed(&weft__fallback_watched))) \
            weft__fallback_note(WEFT__FALLBACK_##name);                   \
    } while (0)

/* For tests: forgets what was reached, and watches from now on. */
void weft__fallback_watch(void);
bool weft__fallback_reached(enum weft__fallback which);
const char *weft__fallback_name(enum weft__fallback which);

#endif
