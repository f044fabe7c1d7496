/*
 * A context is a stack that is not running: its saved pointer, and what the sanitizers must know
 * about it. Switching is symmetric and costs one hop (design 6).
 */
#ifndef WEFT_TASK_CONTEXT_H
#define WEFT_TASK_CONTEXT_H

#include "runtime/base/compiler.h"
#include "runtime/task/fiber.h"

struct weft__context {
    void *sp; /* (o) valid while the context is not running; NULL when it has just begun to leave */
    struct weft__fiber fiber; /* (o) empty in builds without sanitizers */
};

/* The body of a new context: gets the first message and @argument; must not return. */
typedef void (*weft__context_fn)(void *message, void *argument);

void *weft__switch(void **save_sp, void *load_sp, void *message);
void weft__switch_entry(void);

/*
 * Prepares @context to run @fn on the stack [low, top); @top is aligned to 16. FP control words
 * start at their defaults.
 */
void weft__context_make(struct weft__context *context, void *low, void *top, weft__context_fn fn,
                        void *argument);

/* Adopts the stack that the calling thread runs on. */
void weft__context_adopt(struct weft__context *context);

/* FP control words as a new context has them; for the next task that starts on a used stack. */
void weft__context_reset_fp(void);

/*
 * Leaves @from, which can be switched to again, for @to. Returns in @from with the message of
 * whoever comes back. @from_ends tells the sanitizers that nobody will.
 */
WEFT__NO_TSAN static inline void *weft__context_switch(struct weft__context *from,
                                                       struct weft__context *to, void *message,
                                                       int from_ends)
{
    weft__fiber_leave(&from->fiber, &to->fiber, from_ends);
    message = weft__switch(&from->sp, to->sp, message);
    weft__fiber_arrive(&from->fiber);
    return message;
}

#endif
