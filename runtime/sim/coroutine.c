#include "runtime/sim/coroutine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/base/check.h"
#include "runtime/base/native.h"
#include "runtime/base/sys.h"
#include "runtime/sim/chance.h"
#include "runtime/sim/crew.h"
#include "runtime/sim/disk.h"
#include "runtime/sim/net.h"
#include "runtime/sim/outside.h"
#include "runtime/sim/trace.h"
#include "runtime/sim/virtual.h"

enum { stack_bytes = 8 << 20 }; /* as a thread has */

/* The first function on the stack of a coroutine. */
WEFT__FIBER_BODY static void run(void *message, void *argument)
{
    struct weft__coroutine *self = argument;

    (void)message;
    weft__fiber_arrive(&self->context.fiber);
    (void)self->body(self->argument);
    if (self->own != NULL)
        weft__native_end_own(self->own);
    weft__store_release(&self->ended, 1); /* pairs with join */
    weft__outside_rouse();
    weft__crew_leave_ready(self, WEFT__CREW_ENDED);
    weft__hop_choose("end", 1);
    WEFT_ASSERT(false, "a coroutine that has ended was switched to");
}

static void destroy(struct weft__coroutine *coroutine)
{
    weft__fiber_destroy(&coroutine->context.fiber);
    if (coroutine->stack != NULL)
        (void)weft__sys_unmap(coroutine->stack, stack_bytes);
    weft__crew_remove(coroutine);
}

static int start(void *(*body)(void *argument), void *argument, const char *name,
                 struct weft__coroutine **out_coroutine)
{
    enum { guard_bytes = 4096 };
    struct weft__coroutine *made = weft__crew_add(name);

    if (made == NULL)
        return -EAGAIN;
    made->stack = weft__sys_map(stack_bytes);
    if (made->stack == NULL) {
        destroy(made);
        return -EAGAIN;
    }
    (void)weft__sys_mprotect(made->stack, guard_bytes, PROT_NONE);
    made->body = body;
    made->argument = argument;
    weft__context_make(&made->context, made->stack + guard_bytes, made->stack + stack_bytes, run,
                       made);
    weft__crew_make_ready(made, 0);
    weft__hop_note("start", made->name, (int64_t)made->number, 0);
    *out_coroutine = made;
    return 0;
}

static void join(struct weft__coroutine *coroutine)
{
    while (weft__load_acquire(&coroutine->ended) == 0) /* pairs with run */
        (void)weft__hop_wait(&(struct weft__sim_wait){
            .word = &coroutine->ended, .expected = 0, .until_ns = INT64_MAX });
    while (coroutine->state != WEFT__CREW_ENDED)
        weft__hop_give_way();
    destroy(coroutine);
}

static bool is_self(const struct weft__coroutine *coroutine)
{
    return coroutine == weft__crew.running;
}

/* The first one was a thread before, and has what a thread has. */
static void **own(void)
{
    return weft__crew.running == &weft__crew.first ? NULL : &weft__crew.running->own;
}

static struct weft__sim_ops ops = {
    .point = weft__hop_pass,
    .elapse = weft__hop_elapse,
    .give_way = weft__hop_give_way,
    .wait = weft__hop_wait,
    .rouse = weft__outside_rouse,
    .start = start,
    .join = join,
    .is_self = is_self,
    .own = own,
    .now = weft__virtual_look,
    .instant = weft__virtual_now,
    .cycles = weft__virtual_cycles,
    .draw = weft__chance_draw,
    .note = weft__hop_note,
};

static int refuse(char *text, size_t text_bytes, const char *why, int code)
{
    (void)snprintf(text, text_bytes, "WEFT_ENGINE=sim: %s", why);
    return code;
}

int weft__coroutine_begin(const struct weft__coroutine_config *config, char *text,
                          size_t text_bytes)
{
    static struct weft__sim_error errors[WEFT__WISH_ERRORS];

    if (WEFT__ASAN || WEFT__TSAN)
        return refuse(text, text_bytes, "a build with a sanitizer can't simulate", -EOPNOTSUPP);
    if (weft__load_relaxed(&weft__sim_on) != NULL)
        return weft__sim_here() != NULL
                   ? 0
                   : refuse(text, text_bytes, "another thread has begun the simulation", -EBUSY);
    int rc = weft__outside_begin();
    if (rc < 0)
        return rc;
    rc = weft__trace_open(config->trace, config->seed);
    if (rc < 0)
        return refuse(text, text_bytes, "the file of WEFT_TRACE can't be written", rc);
    uint32_t interval = weft__chance_begin(config->seed);
    weft__virtual_begin();
    weft__crew_begin("main");
    ops.net = weft__net_begin(config->wish);
    ops.disk = weft__disk_begin(config->wish);
    ops.error_one_in = config->wish->error_one_in;
    memcpy(errors, config->wish->errors, sizeof(errors));
    ops.errors = errors;
    ops.error_count = config->wish->error_count;
    weft__patience_begin(config->wish->patience, &config->patience);
    weft__hop_begin(&config->scheduler, interval);
    weft__sim_begin(&ops);
    weft__hop_note("seed", "-", (int64_t)config->seed, (int64_t)interval);
    return 0;
}
