/*
 * Offers of a worker.
 *
 * STATE offer: made -> lying by its maker; lying -> taken by the first worker that comes for it;
 * lying -> withdrawn by its maker. Terminal: taken, withdrawn.
 *
 * LOCK offers: guards the list and whether an offer lies. Taken with no other lock held, for a few
 * instructions. So an offer is taken or withdrawn, never both: both find it lying under this lock.
 * The count is read without it, for which ORDERING SEARCH holds: it is stored before A2.
 *
 * REJECTED a lock-free deque of what may be stolen, as fork-join systems have it: here work lies in
 * it only while somebody is idle or its task waits, so the lock is taken once a theft, and the work
 * of tasks that wait and have no worker is found like any other.
 */
#include "runtime/sched/offer.h"

#include "runtime/sched/search.h"
#include "runtime/sched/spawn.h"

void weft__offer_put(struct weft__worker *worker, struct weft__offer *offer)
{
    struct weft__offers *offers = &worker->offers;

    offer->in = offers;
    weft__lock_acquire(&offers->lock); /* pairs with weft__lock_release */
    offer->lies = true;
    weft__list_append(&offers->list, &offer->link);
    weft__bump(&offers->count); /* SEARCH A1 */
    weft__lock_release(&offers->lock);
}

static void take_out_locked(struct weft__offers *offers, struct weft__offer *offer)
{
    offer->lies = false;
    weft__list_remove(&offer->link);
    weft__bump_by(&offers->count, -1u);
}

bool weft__offer_withdraw(struct weft__offer *offer)
{
    struct weft__offers *offers = offer->in;

    weft__lock_acquire(&offers->lock); /* pairs with weft__lock_release */
    bool lay = offer->lies;
    if (lay)
        take_out_locked(offers, offer);
    weft__lock_release(&offers->lock);
    return lay;
}

static struct weft__offer *take_first(struct weft__offers *offers)
{
    struct weft__offer *offer = NULL;

    weft__lock_acquire(&offers->lock); /* pairs with weft__lock_release */
    if (!weft__list_empty(&offers->list)) {
        offer = WEFT__CONTAINER(offers->list.next, struct weft__offer, link);
        take_out_locked(offers, offer);
    }
    weft__lock_release(&offers->lock);
    return offer;
}

/* The record comes first: an offer that is taken is run. */
struct weft__task *weft__offer_take(struct weft__worker *worker, struct weft__offers *from)
{
    if (weft__load_relaxed(&from->count) == 0)
        return NULL;
    struct weft__task *task = weft__spawn_blank(worker);
    if (task == NULL)
        return NULL;
    struct weft__offer *offer = take_first(from);
    if (offer == NULL) {
        weft__spawn_undo(worker, task);
        return NULL;
    }
    weft__spawn_offered(worker, task, offer);
    return task;
}
