#include "runtime/sim/outside.h"

#include <poll.h>
#include <sys/eventfd.h>

#include "runtime/base/descriptor.h"
#include "runtime/base/sys.h"
#include "runtime/sim/crew.h"

enum { files_max = 1024 }; /* looked at together */

static int event;           /* (i) descriptor that wakes the simulation from poll(2) */
static _Atomic bool asleep; /* (a:ROUSE) in poll(2) */
static _Atomic bool roused; /* (a:ROUSE) some word may have changed */

int weft__outside_begin(void)
{
    event = weft__sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event < 0)
        return event;
    weft__descriptor_keep(event);
    return 0;
}

/* ---- words ---- */

void weft__outside_answer(void)
{
    if (!weft__load_relaxed(&roused) || !weft__swap_acqrel(&roused, false)) /* pairs with R1 */
        return;
    for (uint32_t i = 0; i < weft__crew.count; i++) {
        struct weft__coroutine *coroutine = weft__crew.all[i];
        if (weft__crew_waits(i) && coroutine->wait->word != NULL &&
            weft__load_relaxed(coroutine->wait->word) != coroutine->wait->expected)
            weft__crew_make_ready(coroutine, 0);
    }
}

/*
 * ORDERING ROUSE: a word that has changed is looked at before the simulation sleeps in poll(2).
 *   rouser                                   simulation
 *   R1 changes the word, sets roused         S1 says that it will be asleep
 *   R2 store-load fence                      S2 store-load fence
 *   R3 if it is asleep, writes the event     S3 if roused is set: does not poll
 *      descriptor                            S4 polls the event descriptor, too
 * Forbidden: R3 sees it awake and S3 sees no rouse.
 * Because:   R1, S1 are stores, R3, S3 loads, each pair split by a fence: one sees the other. A
 *            handler on the simulation's own thread stands wholly before or behind each step.
 * Without:   a word that a signal handler changes is seen after the next timer.
 * Tested by: tests/sim/run, tests/unit/notifier_test.c
 */
void weft__outside_rouse(void)
{
    (void)weft__swap_acqrel(&roused, true); /* ROUSE R1, pairs with weft__outside_answer */
    weft__fence_store_load();               /* ROUSE R2, pairs with S2 */
    if (weft__load_relaxed(&asleep))        /* ROUSE R3 */
        (void)weft__sys_write(event, &(uint64_t){ 1 }, sizeof(uint64_t));
}

/* ---- real files ---- */

/* All that waiters have named, and the event descriptor as the first. Returns how many. */
static uint32_t gather_files(struct pollfd *files)
{
    uint32_t count = 1;

    files[0] = (struct pollfd){ .fd = event, .events = POLLIN };
    for (uint32_t i = 0; i < weft__crew.count; i++) {
        const struct weft__coroutine *coroutine = weft__crew.all[i];
        if (!weft__crew_waits(i) || count + coroutine->wait->file_count > files_max)
            continue;
        for (uint32_t j = 0; j < coroutine->wait->file_count; j++)
            files[count++] = coroutine->wait->files[j];
    }
    return count;
}

/* Gives what poll has found back to those who wait. */
static void hand_out_files(const struct pollfd *files)
{
    uint32_t at = 1;

    for (uint32_t i = 0; i < weft__crew.count; i++) {
        struct weft__coroutine *coroutine = weft__crew.all[i];
        bool found = false;
        if (!weft__crew_waits(i) || at + coroutine->wait->file_count > files_max)
            continue;
        for (uint32_t j = 0; j < coroutine->wait->file_count; j++, at++) {
            coroutine->wait->files[j].revents = files[at].revents;
            found = found || files[at].revents != 0;
        }
        if (found)
            weft__crew_make_ready(coroutine, 0);
    }
}

void weft__outside_look(int ms)
{
    static struct pollfd files[files_max]; /* not on a task's stack */
    uint64_t taken;
    uint32_t count = gather_files(files);

    if (count == 1 && ms == 0)
        return;
    weft__store_relaxed(&asleep, ms != 0); /* ROUSE S1 */
    weft__fence_store_load();              /* ROUSE S2, pairs with R2 */
    if (weft__load_relaxed(&roused))       /* ROUSE S3 */
        ms = 0;
    int found = poll(files, count, ms); /* ROUSE S4 */
    weft__store_relaxed(&asleep, false);
    if (found <= 0)
        return;
    if (files[0].revents != 0)
        (void)weft__sys_read(event, &taken, sizeof(taken));
    hand_out_files(files);
}

bool weft__outside_may_act(void)
{
    for (uint32_t i = 0; i < weft__crew.count; i++)
        if (weft__crew_waits(i) && weft__crew.all[i]->wait->files_may_act)
            return true;
    return false;
}
