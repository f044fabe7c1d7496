/* The metrics: a table says what each measures, with which settings, and against whom. */
#ifndef WEFT_TOOLS_BENCH_METRIC_H
#define WEFT_TOOLS_BENCH_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <weft.h>

enum { weft__metric_peers_max = 8 };

enum weft__metric_better { WEFT__METRIC_LOWER, WEFT__METRIC_HIGHER };

struct weft__metric_peer {
    const char *name; /* of its program; NULL ends the list */
    double bound;     /* what ours divided by the peer's should not pass; 0: no such aim */
    uint64_t count;   /* operations of a run; 0: as many as ours */
};

struct weft__metric {
    const char *name;
    const char *unit;
    const char *what; /* one line for --list */
    enum weft__metric_better better;
    double bound; /* what the figure itself should not pass; 0: no such aim */
    weft_task_fn body;
    uint64_t (*checksum)(uint64_t count);
    uint64_t (*file_blocks)(uint64_t count); /* of the file that it reads; NULL: none */
    uint64_t count;                          /* operations of a run */
    uint64_t quick_count;                    /* of a run of --quick */
    unsigned samples;                        /* of `weft bench` */
    uint32_t workers;                        /* 0: one for each CPU, the default of the runtime */
    uint32_t spin_us;                        /* 0: the default of the runtime */
    uint32_t connections; /* the body is a server with so many; server.c measures it */
    uint64_t rate;        /* of a server: requests a second by a schedule; 0: each connection asks
                           * again when it has its reply */
    double share;         /* of the replies take at most the figure's time; 0: half of them */
    bool server_cpu;      /* the figure is the server's CPU time per message, not a round trip */
    bool server_says;     /* or what the server says in the end */
    const char *engine;   /* what WEFT_ENGINE says for ours; NULL: the default */
    struct weft__metric_peer peers[weft__metric_peers_max];
};

/* How many metrics there are, and the one of that index: those that divide work come last. */
size_t weft__metric_count(void);
const struct weft__metric *weft__metric_at(size_t index);

/* The metric of that name, or NULL. */
const struct weft__metric *weft__metric_find(const char *name);

/* How many of @metric's operations a run does. @peer is NULL for ours. */
uint64_t weft__metric_operations(const struct weft__metric *metric,
                                 const struct weft__metric_peer *peer, bool quick);

/* Whether @figure keeps @bound, in the direction that is better for @metric. */
bool weft__metric_keeps(const struct weft__metric *metric, double figure, double bound);

/* One line for each metric: name, unit, what it is, peers. */
void weft__metric_list(FILE *stream);

#endif
