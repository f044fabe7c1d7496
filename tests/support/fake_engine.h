/*
 * An engine that makes no system call. The test scripts how each op ends; time is virtual and
 * stands still except in wait, which moves it to the next thing that happens. So a test of what
 * lies above the seam sees short results, any order, errors, multishot ops that end early and
 * cancels that lose their race, each as often as it likes and always the same.
 *
 * One engine or several, all on one thread; notify alone may come from another.
 */
#ifndef WEFT_TESTS_SUPPORT_FAKE_ENGINE_H
#define WEFT_TESTS_SUPPORT_FAKE_ENGINE_H

#include "uring/engine.h"

enum { FAKE_ENGINE_RULES_MAX = 64, FAKE_ENGINE_FULL = INT32_MIN };

/* How one op ends. Rules are used up in the order in which ops are submitted. */
struct fake_engine_rule {
    int32_t result;      /* negative errno or count; FAKE_ENGINE_FULL: the bytes asked for */
    int64_t delay_ns;    /* from flush to completion; INT64_MAX: only when cancelled or told */
    uint32_t shots;      /* multishot: completions with MORE before the terminal one */
    bool ignores_cancel; /* a cancel comes too late: the op ends as if nobody had asked */
};

/* What ops without a rule do: end at once, in full. */
extern const struct fake_engine_rule fake_engine_plain;

/* @credits ops at most in flight. The first engine puts its clock behind weft__clock_now, the last
 * one that closes takes it away. 0 or -ENOMEM. */
int fake_engine_open(uint32_t credits, void *owner, struct weft__engine **out_engine);

/* Adds rules for the ops to come. */
void fake_engine_script(struct weft__engine *engine, const struct fake_engine_rule *rules,
                        size_t count);

/* Replaces fake_engine_plain for ops without a rule. */
void fake_engine_script_rest(struct weft__engine *engine, struct fake_engine_rule rule);

/* Ends @op with @result at the next poll or wait, whatever its rule says. 0 or -ENOENT. */
int fake_engine_complete(struct weft__engine *engine, weft__op_id op, int32_t result);

/* The request of an op in flight; NULL when there is none. */
const struct weft__request *fake_engine_request(struct weft__engine *engine, weft__op_id op);

uint32_t fake_engine_cancels(const struct weft__engine *engine); /* asked for so far */

int64_t fake_engine_now(void);
void fake_engine_advance(int64_t ns);

#endif
