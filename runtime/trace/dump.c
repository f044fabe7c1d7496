/*
 * What all tasks do, as text. Nothing here takes a lock, calls malloc or stdio, or leaves errno
 * changed: a signal may have interrupted whoever holds the lock, and the program may be stuck with
 * it. Whatever may be freed or unmapped meanwhile is peeked at (base/peek.h).
 *
 * BOUND dump: one at a time, because its tables are one mapping; another one gets -EBUSY. A dump
 * may be called from a signal handler on top of another, so it can't wait for it.
 */
#include <errno.h>
#include <limits.h>

#include <weft/dump.h>

#include "runtime/base/clock.h"
#include "runtime/base/sys.h"
#include "runtime/sched/capture.h"
#include "runtime/trace/groups.h"
#include "runtime/trace/maps.h"
#include "runtime/trace/roster.h"
#include "runtime/trace/sight.h"

struct dump {
    struct weft__peek peek;
    struct weft__lines text;
    struct weft__sight sight; /* of the present task */
    uint64_t shown;           /* tasks */
    uintptr_t pc;             /* where weft_dump was called */
    uintptr_t fp;
    int captured; /* of the present task: 0, or why its stack is not known */
    struct weft__captured answer;
    struct weft__roster roster;
    struct weft__maps maps;
    struct weft__groups groups;
};

enum { patience_ms = 100 };

static _Atomic bool busy;

static void put(struct dump *dump, const char *string)
{
    weft__lines_put(&dump->text, string);
}

static void put_number(struct dump *dump, uint64_t number)
{
    weft__lines_number(&dump->text, number);
}

static void put_worker(struct dump *dump, const struct weft__post *post)
{
    put(dump, "worker ");
    put_number(dump, post->index);
    if (dump->roster.runtimes < 2)
        return;
    put(dump, " of runtime ");
    weft__lines_hex(&dump->text, (uint64_t)post->runtime);
}

static void put_head(struct dump *dump)
{
    put(dump, "weft dump of process ");
    put_number(dump, (uint64_t)weft__sys_process_id());
    put(dump, ": what its tasks do. Stacks are lists of return addresses, innermost first; "
              "`addr2line -Cfip -e FILE OFFSET` names the line of FILE+OFFSET.\n");
}

static void put_workers(struct dump *dump)
{
    for (uint32_t i = 0; i < dump->roster.count; i++) {
        const struct weft__post *post = &dump->roster.posts[i];
        put_worker(dump, post);
        put(dump, ", thread ");
        put_number(dump, (uint64_t)post->thread);
        put(dump, post->runs != NULL                    ? ": runs a task\n"
                  : post->state == WEFT__WORKER_RUNNING ? ": runs its loop\n"
                                                        : ": sleeps\n");
    }
}

static void put_wait(struct dump *dump)
{
    const struct weft__sight *sight = &dump->sight;

    put(dump, "waits for ");
    put(dump, weft__task_wait_name(sight->reason));
    if (sight->reason >= WEFT__REASON_OPERATION && sight->descriptor >= 0) {
        put(dump, " on descriptor ");
        put_number(dump, (uint64_t)sight->descriptor);
    }
    if (sight->foreign)
        return;
    put(dump, " for about ");
    weft__lines_seconds(&dump->text, sight->since);
}

static void put_running(struct dump *dump)
{
    put(dump, "runs");
    if (dump->captured < 0) {
        put(dump, dump->captured == -ETIMEDOUT ? " (its thread did not answer)"
                  : dump->captured == -EAGAIN  ? " (it has gone on meanwhile)"
                                               : " (its stack can't be had: error -");
        if (dump->captured != -ETIMEDOUT && dump->captured != -EAGAIN) {
            put_number(dump, (uint64_t)-dump->captured);
            put(dump, ")");
        }
    } else if (dump->answer.system_call >= 0) {
        put(dump, ", in system call ");
        put_number(dump, (uint64_t)dump->answer.system_call);
    }
}

static void put_doing(struct dump *dump)
{
    switch (dump->sight.doing) {
    case WEFT__SIGHT_FRESH: put(dump, "has not started"); break;
    case WEFT__SIGHT_RUNS: put_running(dump); break;
    case WEFT__SIGHT_READY: put(dump, "is ready to run"); break;
    case WEFT__SIGHT_WAITS: put_wait(dump); break;
    }
}

static void put_sight(struct dump *dump, uint32_t group)
{
    const struct weft__sight *sight = &dump->sight;

    if (sight->foreign) {
        put(dump, "a thread that is no worker: ");
    } else {
        put(dump, "task ");
        weft__lines_hex(&dump->text, (uint64_t)sight->handle);
        put(dump, sight->name[0] != '\0' ? " \"" : " (unnamed");
        weft__lines_name(&dump->text, sight->name, sizeof(sight->name));
        put(dump, sight->name[0] != '\0' ? "\": " : "): ");
    }
    put_doing(dump);
    if (sight->post != NULL) {
        put(dump, "; on ");
        put_worker(dump, sight->post);
    }
    if (sight->site != NULL) {
        put(dump, "; spawned at ");
        weft__maps_describe(&dump->maps, (uintptr_t)sight->site, &dump->text);
    }
    if (sight->canceled)
        put(dump, "; cancelled");
    if (sight->locked)
        put(dump, "; its record is locked");
    if (group > 0) {
        put(dump, "; stack ");
        put_number(dump, group);
    }
    put(dump, "\n");
}

/* The caller's own frames are at hand; all but those of the dump itself. */
static int capture_own(struct dump *dump, const struct weft__stack *stack)
{
    struct weft__walk_start start = { .pc = dump->pc, .fp = dump->fp, .low = dump->fp };

    start.high = (uintptr_t)stack->top;
    dump->answer.system_call = -1;
    if (start.fp < (uintptr_t)stack->low || start.fp >= start.high)
        return -EFAULT; /* a signal handler, on another stack */
    weft__walk_peek(&start, &dump->peek, &dump->answer.frames);
    return 0;
}

/* Where the present task stands, which runs. */
static void capture(struct dump *dump)
{
    const struct weft__sight *sight = &dump->sight;
    const struct weft__worker *own = weft__self_worker();
    struct weft__stack stack;

    dump->answer.frames.count = 0;
    dump->captured = -EAGAIN;
    if (sight->post == NULL || !weft__peek_copy(&dump->peek, sight->stack, &stack, sizeof(stack)))
        return;
    if (own != NULL && weft__worker_task(own) == sight->task)
        dump->captured = capture_own(dump, &stack);
    else
        dump->captured = weft__capture_task(&dump->peek, sight->post->thread, sight->task, &stack,
                                            patience_ms * WEFT__NS_PER_MS, &dump->answer);
    if (dump->captured == 0)
        dump->sight.frames = dump->answer.frames;
}

static bool visit(void *context, struct weft__record *record)
{
    struct dump *dump = context;
    uint32_t group = 0;

    if (!weft__sight_take(record, &dump->roster, &dump->peek, &dump->sight))
        return true;
    if (dump->sight.doing == WEFT__SIGHT_RUNS)
        capture(dump);
    if (dump->sight.frames.count > 0)
        group = weft__groups_add(&dump->groups, &dump->sight.frames);
    put_sight(dump, group);
    dump->shown += dump->sight.foreign ? 0 : 1;
    return true;
}

static void put_stack(struct dump *dump, uint32_t number, const struct weft__group *group)
{
    put(dump, "stack ");
    put_number(dump, number);
    put(dump, ", ");
    put_number(dump, group->tasks);
    put(dump, group->tasks == 1 ? " task here:\n" : " tasks here:\n");
    for (uint32_t i = 0; i < group->frames.count; i++) {
        put(dump, "  ");
        weft__maps_describe(&dump->maps, group->frames.at[i], &dump->text);
        put(dump, "\n");
    }
    if (group->frames.end == WEFT__WALK_BROKEN)
        put(dump, "  (ends early: code without frame pointers, or another stack)\n");
    if (group->frames.end == WEFT__WALK_FULL)
        put(dump, "  (goes on: these are the innermost frames)\n");
}

static void put_all(struct dump *dump)
{
    put_head(dump);
    int rc = weft__maps_read(&dump->maps, &dump->peek);
    weft__roster_take(&dump->roster, &dump->peek);
    put_workers(dump);
    (void)weft__record_each(WEFT__KIND_TASK, visit, dump);
    for (uint32_t i = 0; i < dump->groups.count; i++)
        put_stack(dump, i + 1, &dump->groups.groups[i]);
    put(dump, rc == 0 ? "mappings of code:\n" : "/proc/self/maps can't be read\n");
    weft__maps_list(&dump->maps, &dump->text);
    put(dump, "weft dump ends: ");
    put_number(dump, dump->shown);
    put(dump, dump->shown == 1 ? " task\n" : " tasks\n");
    weft__lines_flush(&dump->text);
}

/* The tables are one zeroed mapping, of which only what is used becomes memory. */
static int write_dump(int descriptor, uintptr_t pc, uintptr_t fp)
{
    struct dump *dump = weft__sys_map(sizeof(*dump));

    if (dump == NULL)
        return -ENOMEM;
    dump->pc = pc;
    dump->fp = fp;
    weft__peek_open(&dump->peek);
    weft__lines_open(&dump->text, descriptor);
    put_all(dump);
    int rc = dump->text.error;
    if (rc == 0)
        rc = dump->shown < INT_MAX ? (int)dump->shown : INT_MAX;
    weft__peek_close(&dump->peek);
    (void)weft__sys_unmap(dump, sizeof(*dump));
    return rc;
}

int weft_dump(int descriptor)
{
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    if (weft__swap_acqrel(&busy, true)) /* pairs with the release below */
        return -EBUSY;
    int saved = weft__sys_errno_get();
    int rc = weft__sys_is_open(descriptor);
    if (rc == 0)
        rc = write_dump(descriptor, (uintptr_t)__builtin_return_address(0),
                        *(const uintptr_t *)__builtin_frame_address(0));
    weft__sys_errno_set(saved);
    weft__store_release(&busy, false); /* pairs with the swap above */
    return rc;
}
