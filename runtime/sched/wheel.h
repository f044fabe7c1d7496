/*
 * The timer wheel of a worker: a tick of 524 us; 4,096 near slots of one tick each (2.1 s), and
 * above them four levels of 64 far slots. Owner only.
 *
 * A timer that is due within the near slots hangs in that of its tick and is not touched before it
 * fires. A later one hangs in the far level of the highest digit in which its tick differs from the
 * wheel's; when the wheel reaches that slot, its timers are hung anew, nearer. Arming, disarming
 * and firing cost O(1); never early, late by at most one tick and by what keeps the worker busy.
 *
 * The tick is 2^19 ns: with 1 ms the 99th percentile of lateness could not stay under 1.2 ms, with
 * 2^18 ns a worker full of timers wakes twice as often. The near slots are many, because timers of
 * parked tasks are cold memory: with levels of 64 slots throughout, hanging 100,000 sleepers anew
 * took a sixth of their CPU time. For the same reason a near slot is four lists of one head each:
 * firing serves them in turn, so that four cache misses are under way and not one after another.
 * Source: Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987.
 */
#ifndef WEFT_SCHED_WHEEL_H
#define WEFT_SCHED_WHEEL_H

#include <stdint.h>

#include "runtime/base/atomic.h"
#include "runtime/base/compiler.h"

struct weft__worker;

enum {
    WEFT__WHEEL_TICK_SHIFT = 19,
    WEFT__WHEEL_NEAR_BITS = 12,
    WEFT__WHEEL_NEAR = 1 << WEFT__WHEEL_NEAR_BITS,
    WEFT__WHEEL_WORDS = WEFT__WHEEL_NEAR / 64,
    WEFT__WHEEL_CHAINS = 4,
    WEFT__WHEEL_FAR_BITS = 6,
    WEFT__WHEEL_FAR = 1 << WEFT__WHEEL_FAR_BITS,
    WEFT__WHEEL_LEVELS = 4,
    WEFT__WHEEL_LISTS = WEFT__WHEEL_NEAR * WEFT__WHEEL_CHAINS + WEFT__WHEEL_LEVELS * WEFT__WHEEL_FAR
};

struct weft__timer {
    struct weft__timer *next;
    struct weft__timer **link; /* what points to it; NULL: not armed */
    uint64_t tick;             /* when it fires */
    void (*fire)(struct weft__worker *worker, struct weft__timer *timer);
};

struct weft__wheel {
    uint64_t now;                                 /* the tick that has been reached */
    _Atomic uint32_t armed;                       /* timers in it; written by the owner */
    uint64_t near_words;                          /* bit n: near_bits[n] is not 0 */
    uint64_t near_bits[WEFT__WHEEL_WORDS];        /* bit n: near slot n is not empty */
    uint64_t far_bits[WEFT__WHEEL_LEVELS];        /* the same for each far level */
    struct weft__timer *lists[WEFT__WHEEL_LISTS]; /* near, four a slot; then far, one a slot */
};

void weft__wheel_init(struct weft__wheel *wheel, int64_t now_ns);

/* @timer fires at the first advance that reaches @until_ns; a past time fires at the next one. */
void weft__wheel_arm(struct weft__wheel *wheel, struct weft__timer *timer, int64_t until_ns);

/* Harmless when the timer has fired. */
void weft__wheel_disarm(struct weft__wheel *wheel, struct weft__timer *timer);

/* Fires what is due, at most @budget timers. Returns how many. */
uint32_t weft__wheel_advance(struct weft__wheel *wheel, struct weft__worker *worker, int64_t now_ns,
                             uint32_t budget);

/* When advance must be called next; INT64_MAX: nothing is armed. May be earlier than any timer. */
int64_t weft__wheel_next(const struct weft__wheel *wheel);

#endif
