/*
 * A stand-in for the scheduler: it defines the engine's upcalls and writes down what they said.
 * The owner of an engine in such a test is a struct engine_log, or NULL for one that is not looked
 * at.
 */
#ifndef WEFT_TESTS_SUPPORT_ENGINE_LOG_H
#define WEFT_TESTS_SUPPORT_ENGINE_LOG_H

#include "uring/engine.h"

enum { ENGINE_LOG_MAX = 256 };

struct engine_log {
    uint32_t count; /* may grow past ENGINE_LOG_MAX; the entries do not */
    uint32_t rooms;
    struct {
        void *waiter;
        int32_t result;
        uint32_t flags;
    } entries[ENGINE_LOG_MAX];
};

/* Waits until @log holds @count completions, five seconds at most. True when it does. */
bool engine_log_wait(struct weft__engine *engine, const struct engine_log *log, uint32_t count);

/* How many completions went to @waiter. */
uint32_t engine_log_of(const struct engine_log *log, const void *waiter);

#endif
