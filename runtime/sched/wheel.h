/*
 * The timer wheel of a worker: six levels of 64 slots, a tick of 262 us. Owner only.
 *
 * A timer hangs in the level of the highest 6-bit digit in which its tick differs from the wheel's;
 * when the wheel reaches a slot of an upper level, its timers fall to lower ones. Arming, disarming
 * and firing cost O(1); never early, late by at most one tick and by what keeps the worker busy.
 * The tick is 2^18 ns: with 1 ms ticks the 99th percentile of lateness could not stay under 1.2 ms.
 * Source: Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987.
 */
#ifndef WEFT_SCHED_WHEEL_H
#define WEFT_SCHED_WHEEL_H

#include <stdint.h>

#include "runtime/base/list.h"

struct weft__worker;

enum {
    WEFT__WHEEL_TICK_SHIFT = 18,
    WEFT__WHEEL_LEVELS = 6,
    WEFT__WHEEL_SLOTS = 64,
    WEFT__WHEEL_SLOT_BITS = 6
};

struct weft__timer {
    struct weft__list link;
    uint64_t tick; /* when it fires */
    uint8_t level;
    uint8_t slot;
    void (*fire)(struct weft__worker *worker, struct weft__timer *timer);
};

struct weft__wheel {
    uint64_t now;                          /* the tick that has been reached */
    uint32_t armed;                        /* timers in it */
    uint64_t occupied[WEFT__WHEEL_LEVELS]; /* bit n: slot n is not empty */
    struct weft__list slots[WEFT__WHEEL_LEVELS][WEFT__WHEEL_SLOTS];
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
