/*
 * runtime/io/notifier.c: sends against waits of tasks and threads, deadlines and the release. Each
 * send is heard, and nobody writes to a descriptor that is closed.
 * SOURCES: runtime/io/notifier.c runtime/sched/self.c runtime/sched/task.c runtime/sched/wheel.c
 * SOURCES: runtime/task/record.c
 * SOURCES: tests/explore/support/foreign.c tests/explore/support/home.c
 * WRAPS: weft__thread_self weft__record_new weft__record_free_locked
 */
#include <errno.h>
#include <weft/notifier.h>

#include "runtime/io/operation.h"
#include "tests/explore/support/foreign.h"
#include "tests/explore/support/home.h"

enum { RECORDS = 2, RECORD_BYTES = 128, DESCRIPTORS = 3 };

static _Alignas(RECORD_BYTES) char records[RECORDS][RECORD_BYTES];
static struct weft__record_cache cache; /* of all: what orders its users is record.c's */
static struct explore_bell events[DESCRIPTORS];
static bool is_open[DESCRIPTORS]; /* plain: a close must not race with a read or a write */
static int descriptors;

static weft_notifier notifier;
static uint32_t notes[2]; /* plain: written before a send */
static _Atomic uint32_t sent[2];
static int waited[2], send_rc, release_rc;

static const weft_deadline soon = { 50000000 };

/* ---- doubles: an event descriptor is a bell ---- */

int weft__sys_eventfd(unsigned initial, int flags)
{
    (void)initial;
    (void)flags;
    EXPLORE_NEED(descriptors < DESCRIPTORS, "the explorer: too many descriptors");
    is_open[descriptors] = true;
    return descriptors++;
}

static void need_open(int fd, const char *what)
{
    EXPLORE_NEED(is_open[fd], "a descriptor is %s that is closed", what);
}

int weft__sys_close(int fd)
{
    need_open(fd, "closed");
    is_open[fd] = false;
    return 0;
}

ssize_t weft__sys_write(int fd, const void *buffer, size_t bytes)
{
    (void)buffer;
    need_open(fd, "written to");
    explore_bell_ring(&events[fd]);
    need_open(fd, "written to"); /* until the end: the bell orders what came before it */
    return (ssize_t)bytes;
}

int weft__operation_run(const struct weft__request *request, weft_deadline until, unsigned flags,
                        struct weft__operation_watch *watch)
{
    (void)flags;
    (void)watch;
    need_open(request->fd, "read");
    return explore_bell_wait(&events[request->fd], until.ns) ? (int)request->bytes : -ETIMEDOUT;
}

struct weft__record *__real_weft__record_new(enum weft__kind kind,
                                             struct weft__record_cache *unused);
void __real_weft__record_free_locked(struct weft__record *record,
                                     struct weft__record_cache *unused);
struct weft__record *__wrap_weft__record_new(enum weft__kind kind,
                                             struct weft__record_cache *unused);
void __wrap_weft__record_free_locked(struct weft__record *record,
                                     struct weft__record_cache *unused);

struct weft__record *__wrap_weft__record_new(enum weft__kind kind,
                                             struct weft__record_cache *unused)
{
    (void)unused;
    return __real_weft__record_new(kind, &cache);
}

void __wrap_weft__record_free_locked(struct weft__record *record, struct weft__record_cache *unused)
{
    (void)unused;
    __real_weft__record_free_locked(record, &cache);
}

/* ---- set-up: workers wait as tasks, other threads as threads ---- */

static void setup_for(int workers)
{
    foreign_setup();
    home_setup(workers);
    foreign_spare(2, records, RECORD_BYTES, RECORDS, WEFT__KIND_NOTIFIER);
    cache = (struct weft__record_cache){ .count = { 0 } };
    for (size_t i = RECORDS; i-- > 0;)
        weft__record_put((struct weft__record *)(void *)records[i], &cache);
    explore_ignore(&cache, sizeof(cache));
    for (size_t i = 0; i < DESCRIPTORS; i++)
        events[i].rung = is_open[i] = 0;
    descriptors = 0;
    for (size_t i = 0; i < 2; i++) {
        notes[i] = 0;
        weft__store_relaxed(&sent[i], 0);
    }
    waited[0] = waited[1] = send_rc = release_rc = -EBUSY;
    notifier = weft_notifier_create();
}

static void setup_task(void)
{
    setup_for(1);
}

static void setup_tasks(void)
{
    setup_for(2);
}

static void setup_threads(void)
{
    setup_for(0);
}

/* ---- threads ---- */

static void waits(void)
{
    waited[0] = weft_notifier_wait(notifier, WEFT_NEVER);
    EXPLORE_NEED(notes[0] == 9, "what was written before the send is not seen");
}

static void waits_hastily(void)
{
    waited[0] = weft_notifier_wait(notifier, soon);
    if (waited[0] == 0)
        EXPLORE_NEED(notes[0] == 9, "what was written before the send is not seen");
}

/* A sender whose send was merged is heard with the other one. */
static void waits_for_both(void)
{
    while (weft__load_relaxed(&sent[0]) == 0 || weft__load_relaxed(&sent[1]) == 0)
        EXPLORE_NEED(weft_notifier_wait(notifier, WEFT_NEVER) == 0, "a wait fails");
    waited[0] = 0;
}

static void wait_until_released(size_t i)
{
    do
        waited[i] = weft_notifier_wait(notifier, WEFT_NEVER);
    while (waited[i] == 0);
}

static void waits_to_the_end(void)
{
    wait_until_released(0);
}

static void waits_to_the_end_too(void)
{
    wait_until_released(1);
}

static void sends(void)
{
    notes[0] = 9;
    send_rc = weft_notifier_send(notifier);
}

static void send_as(size_t i)
{
    weft__store_relaxed(&sent[i], 1);
    EXPLORE_NEED(weft_notifier_send(notifier) == 0, "a send fails");
}

static void sends_as_first(void)
{
    send_as(0);
}

static void sends_as_second(void)
{
    send_as(1);
}

static void releases(void)
{
    release_rc = weft_notifier_release(notifier);
}

static void sends_and_releases(void)
{
    sends();
    releases();
}

/* The record and the next notifier are one; the old handle's send is not for it. */
static void releases_and_makes_another(void)
{
    releases();
    weft_notifier other = weft_notifier_create();
    EXPLORE_NEED(weft_notifier_wait(other, WEFT_NOW) == -ETIMEDOUT,
                 "a send has come that was another notifier's");
    EXPLORE_NEED(weft_notifier_release(other) == 0, "it can't be released");
}

/* ---- judges ---- */

static void judge_closed(void)
{
    for (int i = 0; i < descriptors; i++)
        EXPLORE_NEED(!is_open[i], "a descriptor is left open");
    EXPLORE_NEED(cache.count[WEFT__KIND_NOTIFIER] == RECORDS, "a record is lost");
}

static void judge_wait(void)
{
    EXPLORE_NEED(waited[0] == 0, "the wait says %d", waited[0]);
    EXPLORE_NEED(weft_notifier_release(notifier) == 0, "it can't be released");
    judge_closed();
}

static void judge_hasty(void)
{
    EXPLORE_NEED(waited[0] == 0 || waited[0] == -ETIMEDOUT, "the wait says %d", waited[0]);
    EXPLORE_NEED(weft_notifier_wait(notifier, WEFT_NOW) == (waited[0] == 0 ? -ETIMEDOUT : 0),
                 "the send is lost, or heard twice");
    waited[0] = 0;
    judge_wait();
}

static void judge_released(void)
{
    EXPLORE_NEED(waited[0] == -EPIPE || waited[0] == -ESRCH || waited[0] == -EBUSY,
                 "the first wait says %d", waited[0]);
    EXPLORE_NEED(waited[1] == -EPIPE || waited[1] == -ESRCH || waited[1] == -EBUSY,
                 "the second wait says %d", waited[1]);
    EXPLORE_NEED(send_rc == 0 || send_rc == -ESRCH || send_rc == -EBUSY, "the send says %d",
                 send_rc);
    EXPLORE_NEED(release_rc == 0, "the release says %d", release_rc);
    judge_closed();
}

/* ---- cases ---- */

static const struct explore_plant send_plants[] = {
    { "a send is made relaxed", "begin_send", "cas_acqrel", "&notifier->state" },
    { "a send is taken relaxed", "take", "and_acqrel", "&notifier->state" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_plant release_plants[] = {
    { "a sender goes relaxed", "weft_notifier_send", "sub_acqrel", "&found->state" },
    { "who frees it looks relaxed", "end_locked", "load_acquire", "&notifier->state" },
    { NULL, NULL, NULL, NULL }
};

static const struct explore_case cases[] = {
    { .name = "notifier: a send and a task",
      .setup = setup_task,
      .threads = { waits, sends },
      .judge = judge_wait,
      .resumed = home_resumed,
      .preemptions = 4,
      .stale = 3,
      .plants = send_plants },
    { .name = "notifier: a send and a thread",
      .setup = setup_threads,
      .threads = { waits, sends },
      .judge = judge_wait,
      .resumed = home_resumed,
      .preemptions = 4,
      .stale = 3,
      .plants = send_plants },
    { .name = "notifier: a send and a deadline",
      .setup = setup_task,
      .threads = { waits_hastily, sends },
      .judge = judge_hasty,
      .resumed = home_resumed,
      .preemptions = 4,
      .stale = 2 },
    { .name = "notifier: a send and a thread's deadline",
      .setup = setup_threads,
      .threads = { waits_hastily, sends },
      .judge = judge_hasty,
      .resumed = home_resumed,
      .preemptions = 4,
      .stale = 2 },
    { .name = "notifier: two senders and a task",
      .setup = setup_task,
      .threads = { waits_for_both, sends_as_first, sends_as_second },
      .judge = judge_wait,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 1 },
    { .name = "notifier: two senders and a thread",
      .setup = setup_threads,
      .threads = { waits_for_both, sends_as_first, sends_as_second },
      .judge = judge_wait,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 1 },
    { .name = "notifier: a send and the release",
      .setup = setup_threads,
      .threads = { sends, releases_and_makes_another },
      .judge = judge_released,
      .resumed = home_resumed,
      .preemptions = 4,
      .stale = 3,
      .plants = release_plants },
    { .name = "notifier: two tasks wait, and the release",
      .setup = setup_tasks,
      .threads = { waits_to_the_end, waits_to_the_end_too, releases },
      .judge = judge_released,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0 },
    { .name = "notifier: a task and a thread wait, a send and the release",
      .setup = setup_task,
      .threads = { waits_to_the_end, waits_to_the_end_too, sends_and_releases },
      .judge = judge_released,
      .resumed = home_resumed,
      .preemptions = 2,
      .stale = 0 },
};

int main(int argc, char **argv)
{
    return explore_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
