/* What the kernel gives: futexes and bells. */
#include <errno.h>

#include "tests/explore/engine/engine.h"

static bool was_woken(struct thread *thread)
{
    return thread->mark != 0;
}

/* The kernel compares under a lock of its own: it sees the newest value. */
int explore_futex_wait(const _Atomic uint32_t *word, uint32_t expected, int64_t until_ns)
{
    struct step step = {
        .operation = "futex_wait", .text = "", .function = "", .at = word, .writes = true
    };

    schedule_point(&step);
    struct thread *self = &threads[current];
    self->clock.at[current]++;
    shadow_access(word, sizeof(*word), ATOMIC_READ);
    step.value = memory_latest(word, sizeof(*word));
    step.failed = step.value != expected;
    schedule_did(&step);
    if (step.failed)
        return -EAGAIN;
    schedule_block(was_woken, "sleeps on a futex", word, 0, until_ns, &step);
    return self->timed_out ? -ETIMEDOUT : 0;
}

static struct thread *sleeper_on(const void *word)
{
    struct thread *sleepers[ACTORS];
    int count = 0;

    for (int i = 1; i < ACTORS; i++)
        if (threads[i].may_go == was_woken && threads[i].object == word && threads[i].mark == 0)
            sleepers[count++] = &threads[i];
    return count > 0 ? sleepers[schedule_choose(count)] : NULL;
}

int explore_futex_wake(const _Atomic uint32_t *word, int count)
{
    struct step step = {
        .operation = "futex_wake", .text = "", .function = "", .at = word, .writes = true
    };
    int woken = 0;
    struct thread *sleeper;

    schedule_point(&step);
    threads[current].clock.at[current]++;
    while (woken < count && (sleeper = sleeper_on(word)) != NULL) {
        sleeper->mark = 1;
        woken++;
    }
    step.value = (uint64_t)woken;
    schedule_did(&step);
    return woken;
}

void explore_bell_ring(struct explore_bell *bell)
{
    (void)explore_change(&bell->rung, sizeof(bell->rung), EXPLORE_ADD, 1, EXPLORE_SEQCST, "ring",
                         "bell", __func__, 0);
    memory_fence(&threads[current]);
}

static bool is_rung(struct thread *thread)
{
    return memory_latest(thread->object, sizeof(uint32_t)) != 0;
}

bool explore_bell_wait(struct explore_bell *bell, int64_t until_ns)
{
    struct step step = {
        .operation = "wait", .text = "", .function = "", .at = bell, .writes = true
    };

    schedule_block(is_rung, "sleeps until a bell rings", bell, 0, until_ns, &step);
    bool rung = !threads[current].timed_out;
    if (rung)
        (void)explore_change(&bell->rung, sizeof(bell->rung), EXPLORE_SWAP, 0, EXPLORE_SEQCST,
                             "woken by", "bell", __func__, 0);
    memory_fence(&threads[current]);
    return rung;
}
