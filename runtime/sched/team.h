/*
 * Teams: the workers of a runtime that take each other's work. All belong to the normal team, but
 * those that a program has set apart for tasks that answer soon: no work of one team goes to
 * another by itself, so that such a task never stands behind one that computes, and a loop never
 * spreads over workers that have to answer.
 */
#ifndef WEFT_SCHED_TEAM_H
#define WEFT_SCHED_TEAM_H

#include "runtime/sched/inject.h"
#include "runtime/sched/worker.h"

/* How many workers look for work and how many sleep; see search.c. */
struct weft__idle {
    WEFT__ALIGNED_LINE _Atomic int32_t searching; /* may dip below 0 for a moment */
    _Atomic uint32_t sleeping;
};

enum weft__team_kind { WEFT__TEAM_NORMAL, WEFT__TEAM_INTERACTIVE, WEFT__TEAMS };

struct weft__team {
    struct weft__worker **workers; /* (i) of count */
    uint32_t count;                /* (i) 0: there is no such team */
    struct weft__inject inject;
    struct weft__idle idle;
};

#endif
