#include "runtime/sim/crew.h"

#include <errno.h>
#include <stdio.h>

#include "runtime/base/sys.h"
#include "runtime/sim/virtual.h"

struct weft__crew weft__crew;

void weft__crew_begin(const char *name)
{
    struct weft__coroutine *first = &weft__crew.first;

    weft__crew.next_ns = INT64_MAX;
    (void)snprintf(first->name, sizeof(first->name), "%s", name);
    weft__context_adopt(&first->context);
    weft__crew.all[0] = first;
    weft__crew.count = 1;
    weft__crew.running = first;
    weft__crew_make_ready(first, 0);
}

struct weft__coroutine *weft__crew_add(const char *name)
{
    uint32_t number = 0;

    while (number < weft__crew.count && weft__crew.all[number] != NULL)
        number++;
    if (number == WEFT__CREW_MAX)
        return NULL;
    struct weft__coroutine *made = weft__sys_map(sizeof(*made));
    if (made == NULL)
        return NULL;
    (void)snprintf(made->name, sizeof(made->name), "%s", name);
    made->number = number;
    weft__crew.all[number] = made;
    if (number == weft__crew.count)
        weft__crew.count++;
    return made;
}

void weft__crew_remove(struct weft__coroutine *coroutine)
{
    weft__crew.all[coroutine->number] = NULL;
    (void)weft__sys_unmap(coroutine, sizeof(*coroutine));
}

void weft__crew_make_ready(struct weft__coroutine *coroutine, int result)
{
    coroutine->state = WEFT__CREW_READY;
    coroutine->wait = NULL;
    coroutine->result = result;
    coroutine->ready_at = weft__crew.ready_count;
    weft__crew.ready[weft__crew.ready_count++] = coroutine;
}

void weft__crew_leave_ready(struct weft__coroutine *coroutine, enum weft__crew_state state)
{
    struct weft__coroutine *last = weft__crew.ready[--weft__crew.ready_count];

    weft__crew.ready[coroutine->ready_at] = last;
    last->ready_at = coroutine->ready_at;
    coroutine->state = state;
}

void weft__crew_begin_wait(struct weft__sim_wait *wait)
{
    weft__crew.running->wait = wait;
    weft__crew_leave_ready(weft__crew.running, WEFT__CREW_WAITING);
    if (wait->until_ns < weft__crew.next_ns)
        weft__crew.next_ns = wait->until_ns;
}

void weft__crew_end_waits(void)
{
    if (weft__virtual_now() < weft__crew.next_ns)
        return;
    weft__crew.next_ns = INT64_MAX;
    for (uint32_t i = 0; i < weft__crew.count; i++) {
        if (!weft__crew_waits(i))
            continue;
        if (weft__crew.all[i]->wait->until_ns <= weft__virtual_now())
            weft__crew_make_ready(weft__crew.all[i], -ETIMEDOUT);
        else if (weft__crew.all[i]->wait->until_ns < weft__crew.next_ns)
            weft__crew.next_ns = weft__crew.all[i]->wait->until_ns;
    }
}
