#include "runtime/base/sim.h"

#include <pthread.h>

#include "runtime/base/clock.h"

_Atomic(const struct weft__sim_ops *) weft__sim_on;

static pthread_t thread; /* (i) while it is on */

void weft__sim_begin(const struct weft__sim_ops *ops)
{
    thread = pthread_self();
    weft__store_release(&weft__sim_on, ops); /* pairs with weft__sim_here */
    weft__clock_replace(ops->now);
}

void weft__sim_forget(void)
{
    if (weft__load_relaxed(&weft__sim_on) == NULL)
        return;
    weft__store_relaxed(&weft__sim_on, NULL);
    weft__clock_replace(NULL);
}

const struct weft__sim_ops *weft__sim_here(void)
{
    const struct weft__sim_ops *ops = weft__load_acquire(&weft__sim_on); /* pairs with begin */

    return WEFT__UNLIKELY(ops != NULL) && pthread_equal(thread, pthread_self()) != 0 ? ops : NULL;
}

const struct weft__sim_net *weft__sim_net(void)
{
    const struct weft__sim_ops *ops = weft__sim_here();
    return WEFT__UNLIKELY(ops != NULL) ? ops->net : NULL;
}

const struct weft__sim_net *weft__sim_net_of(int fd)
{
    const struct weft__sim_net *net = weft__sim_net();
    return WEFT__UNLIKELY(net != NULL) && net->has(fd) ? net : NULL;
}

const struct weft__sim_disk *weft__sim_disk(void)
{
    const struct weft__sim_ops *ops = weft__sim_here();
    return WEFT__UNLIKELY(ops != NULL) ? ops->disk : NULL;
}

WEFT__COLD void weft__sim_pass(enum weft__sim_point point)
{
    const struct weft__sim_ops *ops = weft__sim_here();

    if (ops != NULL)
        ops->point(point);
}

void weft__sim_elapse(int64_t ns)
{
    const struct weft__sim_ops *ops = weft__sim_here();

    if (ops != NULL)
        ops->elapse(ns);
}

void weft__sim_note(const char *what, const char *text, int64_t first, int64_t second)
{
    const struct weft__sim_ops *ops = weft__sim_here();

    if (ops != NULL)
        ops->note(what, text, first, second);
}

int64_t weft__sim_limit(int64_t until_ns)
{
    return weft__sim_here() != NULL ? INT64_MAX : until_ns;
}

uint64_t weft__sim_random(uint64_t otherwise)
{
    const struct weft__sim_ops *ops = weft__sim_here();

    return ops != NULL ? ops->draw() : otherwise;
}
