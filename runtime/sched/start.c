/*
 * The life of a task on its stack: first dispatch, body, end. A stack whose task has ended runs the
 * next fresh task of its worker in place, without a switch (spawn and join 48 ns instead of 58).
 */
#include "runtime/base/check.h"
#include "runtime/sched/finish.h"
#include "runtime/sched/local.h"
#include "runtime/sched/runtime.h"
#include "runtime/sched/switch.h"

static void run_tasks(void *message, void *argument);

bool weft__start_task(struct weft__worker *worker, struct weft__task *task)
{
    struct weft__stack *stack = weft__stack_get(&worker->stacks, task->stack_class);

    if (WEFT__UNLIKELY(stack == NULL)) {
        if (task->tidies)
            weft__local_forget(task);
        weft__finish_task(worker, task, -ENOMEM);
        return false;
    }
    weft__context_make(&stack->context, stack->low, stack->top, run_tasks, stack);
    task->stack = stack;
    weft__store_release(&task->seen, WEFT__TASK_STARTED); /* pairs with cancel.c */
    return true;
}

/* The next task, if it may take over the stack on which the last one has ended. */
static bool takes_over(const struct weft__task *next, const struct weft__stack *stack)
{
    return next->stack == NULL && next->stack_class == stack->size_class;
}

/* Picks what runs after a task has ended; NULL: the loop. */
static struct weft__task *next_after_end(struct weft__worker *worker, struct weft__stack *stack)
{
    while (worker->budget-- > 0) {
        struct weft__task *next = weft__switch_pick(worker);
        if (next == NULL || next->stack != NULL || takes_over(next, stack) ||
            weft__start_task(worker, next))
            return next;
    }
    return NULL;
}

/* The body has forked, and this is the child: it has no loop to go back to. */
_Noreturn WEFT__COLD static void fail_in_child(const struct weft__task *task)
{
    weft__check_failed("a child of fork ends by exec or _exit",
                       "task %s returned in the child of a fork, which has no runtime",
                       weft__task_label(task));
}

/* Runs @worker->current and then fresh tasks that may have this stack. Returns what runs next,
 * elsewhere; NULL: the loop. */
static struct weft__task *run_in_place(struct weft__worker **worker, struct weft__stack *stack)
{
    for (;;) {
        struct weft__task *task = weft__load_relaxed(&(*worker)->current);
        int result = task->fn(task->argument);
        struct weft__worker *now = weft__self_worker(); /* a migratable one has moved */
        if (WEFT__UNLIKELY(now == NULL))
            fail_in_child(task);
        *worker = weft__finish_body(now, task);
        if (WEFT__UNLIKELY(!stack->guarded))
            weft__stack_check(stack, weft__task_label(task));
        weft__finish_task(*worker, task, result);
        struct weft__task *next = next_after_end(*worker, stack);
        if (next == NULL || !takes_over(next, stack))
            return next;
        next->stack = stack;
        weft__store_release(&next->seen, WEFT__TASK_STARTED); /* pairs with cancel.c */
        weft__store_relaxed(&(*worker)->current, next);
        weft__bump(&(*worker)->counters.switches);
        weft__context_reset_fp();
    }
}

/* The first function on every stack. */
WEFT__FIBER_BODY static void run_tasks(void *message, void *argument)
{
    struct weft__worker *worker = message;
    struct weft__stack *stack = argument;

    weft__fiber_arrive(&stack->context.fiber);
    weft__switch_arrived(worker);
    struct weft__task *next = run_in_place(&worker, stack);
    worker->left_stack = stack;
    if (next != NULL)
        (void)weft__switch_to_task(worker, &stack->context, next, 1);
    else
        (void)weft__switch_to_loop(worker, &stack->context, 1);
    WEFT_ASSERT(false, "a stack whose task has ended was switched to");
}
