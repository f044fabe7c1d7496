/*
 * Locks, conditions, semaphores, events, barriers, once and futures between tasks of all workers
 * and threads that are none, with deadlines and cancels. Whoever is told that it has something has
 * it alone (or with as many as there may be), nobody waits for what is free, and all that was
 * handed out comes back.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "tests/support/stress.h"

enum { most_tasks = 12, threads = 2, visits = 60, permits = 3, meetings = 40 };

/* What is visited: by one at a time, by readers or a writer, by up to three. */
enum room_kind { room_mutex, room_rwlock, room_semaphore, room_kinds };

static struct {
    weft_mutex mutex;
    weft_rwlock rwlock;
    weft_semaphore semaphore;
    enum room_kind kind;
    bool disturbed; /* cancels and deadlines */
    _Atomic int32_t readers;
    _Atomic int32_t writers;
    _Atomic int64_t visits;
    int64_t plain; /* written by writers alone */
} room;

static weft_deadline some_deadline(void)
{
    switch (room.disturbed ? stress_below(4) : 3) {
    case 0: return WEFT_NOW;
    case 1: return weft_after(stress_below(300) * WEFT_MICROSECOND);
    default: return WEFT_NEVER;
    }
}

static int enter(bool writes)
{
    bool tries = stress_below(8) == 0;
    weft_deadline until = some_deadline();

    if (room.kind == room_mutex)
        return tries ? weft_mutex_try_lock(&room.mutex) : weft_mutex_lock(&room.mutex, until);
    if (room.kind == room_semaphore)
        return tries ? weft_semaphore_try_acquire(&room.semaphore)
                     : weft_semaphore_acquire(&room.semaphore, until);
    if (writes)
        return tries ? weft_rwlock_try_lock_write(&room.rwlock)
                     : weft_rwlock_lock_write(&room.rwlock, until);
    return tries ? weft_rwlock_try_lock_read(&room.rwlock)
                 : weft_rwlock_lock_read(&room.rwlock, until);
}

static int leave(void)
{
    return room.kind == room_mutex    ? weft_mutex_unlock(&room.mutex)
           : room.kind == room_rwlock ? weft_rwlock_unlock(&room.rwlock)
                                      : weft_semaphore_release(&room.semaphore);
}

static void look_around(bool writes)
{
    int32_t most = room.kind == room_semaphore ? permits : INT32_MAX;

    STRESS_CHECK(weft__load_relaxed(&room.readers) <= (writes ? 0 : most));
    STRESS_EQUAL(weft__load_relaxed(&room.writers), writes ? 1 : 0);
}

static void be_inside(bool writes, bool task)
{
    weft__add_relaxed(writes ? &room.writers : &room.readers, 1);
    look_around(writes);
    int64_t before = room.plain;
    if (task)
        stress_maybe_yield();
    if (writes)
        room.plain = before + 1;
    else if (room.kind == room_rwlock)
        STRESS_EQUAL(room.plain, before);
    look_around(writes);
    weft__sub_relaxed(writes ? &room.writers : &room.readers, 1);
    if (writes)
        weft__add_relaxed(&room.visits, 1);
}

static void visit_often(bool task)
{
    for (int i = 0; i < visits; i++) {
        bool writes = room.kind == room_mutex || (room.kind == room_rwlock && stress_below(3) == 0);
        int rc = enter(writes);
        STRESS_CHECK(rc == 0 || rc == -EAGAIN || rc == -ETIMEDOUT || (task && rc == -ECANCELED));
        STRESS_CHECK(rc == 0 || rc == -EAGAIN || room.disturbed);
        if (rc == -ECANCELED)
            break;
        if (rc != 0)
            continue;
        be_inside(writes, task);
        STRESS_EQUAL(leave(), 0);
        if (task)
            stress_maybe_yield();
    }
}

static int visit_in_task(void *argument)
{
    (void)argument;
    visit_often(true);
    return 0;
}

static void *visit_in_thread(void *argument)
{
    visit_often(false);
    return argument;
}

static weft_task spawn_somewhere(weft_scope scope, weft_task_fn fn, void *argument)
{
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());

    options.migratable = stress_below(4) == 0;
    return weft_spawn(scope, fn, argument, &options);
}

/* The body of one round: tasks come, and some are cancelled. */
static int hold_visit(void *argument)
{
    weft_task tasks[most_tasks];
    uint32_t count = 2 + stress_below(most_tasks - 1);
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (uint32_t i = 0; i < count; i++)
        tasks[i] = spawn_somewhere(scope, visit_in_task, NULL);
    for (uint32_t i = 0; room.disturbed && i < 10; i++) {
        stress_maybe_yield();
        if (stress_below(4) == 0) {
            int rc = weft_cancel(tasks[stress_below(count)]);
            STRESS_CHECK(rc == 0 || rc == -ESRCH);
        }
    }
    return weft_scope_close(scope);
}

static void visit_with(weft_runtime runtime, uint32_t round)
{
    pthread_t crew[threads];
    uint32_t members = round % 3 == 0 ? threads : 0;

    room.disturbed = round % 2 == 0;
    room.plain = 0;
    weft__store_relaxed(&room.visits, 0);
    for (uint32_t i = 0; i < members; i++)
        STRESS_EQUAL(pthread_create(&crew[i], NULL, visit_in_thread, NULL), 0);
    STRESS_EQUAL(weft_call(runtime, hold_visit, NULL), 0);
    for (uint32_t i = 0; i < members; i++)
        STRESS_EQUAL(pthread_join(crew[i], NULL), 0);
    STRESS_EQUAL(room.plain, weft__load_relaxed(&room.visits));
}

/* All is given back: it is free at once, and may go. */
static void end_room(void)
{
    for (int i = 0; i < permits; i++)
        STRESS_EQUAL(weft_semaphore_try_acquire(&room.semaphore), 0);
    weft_semaphore_fini(&room.semaphore);
    weft_mutex_fini(&room.mutex);
    weft_rwlock_fini(&room.rwlock);
}

static void visit(uint32_t workers, enum room_kind kind)
{
    weft_runtime runtime = stress_start(workers, NULL);
    uint32_t rounds = stress_size(1500, STRESS_SANITIZED ? 6 : 30);

    for (uint32_t round = 0; round < rounds; round++) {
        stress_round(round);
        weft_mutex_init(&room.mutex, round % 5 == 0);
        weft_rwlock_init(&room.rwlock);
        STRESS_EQUAL(weft_semaphore_init(&room.semaphore, permits, permits), 0);
        room.kind = kind;
        visit_with(runtime, round);
        end_room();
    }
    stress_stop(runtime);
}

static void mutexes(uint32_t workers)
{
    visit(workers, room_mutex);
}

static void rwlocks(uint32_t workers)
{
    visit(workers, room_rwlock);
}

static void semaphores(uint32_t workers)
{
    visit(workers, room_semaphore);
}

/* ---- a queue made of a mutex and two conditions ---- */

static struct {
    weft_mutex mutex;
    weft_condition filled;
    weft_condition emptied;
    int32_t length; /* up to 2 */
    _Atomic int64_t put;
    _Atomic int64_t taken;
    _Atomic int32_t putters; /* still at work */
} queue;

/* Waits until there is room, or something; false: it gave up. The mutex is held either way. */
static bool await(weft_condition *condition, bool puts)
{
    int rc = 0;

    while (rc == 0 && (puts ? queue.length == 2 : queue.length == 0)) {
        rc = weft_condition_wait(condition, &queue.mutex,
                                 weft_after(stress_below(400) * WEFT_MICROSECOND));
        STRESS_CHECK(rc == 0 || rc == -ETIMEDOUT || rc == -ECANCELED);
        STRESS_EQUAL(weft_mutex_is_locked(&queue.mutex), 1);
    }
    return rc == 0;
}

static int move(bool puts)
{
    int rc = weft_mutex_lock(&queue.mutex, WEFT_NEVER);

    STRESS_CHECK(rc == 0 || rc == -ECANCELED);
    if (rc < 0)
        return rc;
    if (!await(puts ? &queue.emptied : &queue.filled, puts)) {
        STRESS_EQUAL(weft_mutex_unlock(&queue.mutex), 0);
        return -EAGAIN;
    }
    queue.length += puts ? 1 : -1;
    STRESS_CHECK(queue.length >= 0 && queue.length <= 2);
    weft__add_relaxed(puts ? &queue.put : &queue.taken, 1);
    STRESS_CHECK(weft_condition_signal(puts ? &queue.filled : &queue.emptied) >= 0);
    STRESS_EQUAL(weft_mutex_unlock(&queue.mutex), 0);
    return 0;
}

static int put_all(void *argument)
{
    (void)argument;
    for (int i = 0; i < visits && move(true) != -ECANCELED; i++)
        stress_maybe_yield();
    weft__sub_acqrel(&queue.putters, 1); /* pairs with take_all */
    return 0;
}

static int take_all(void *argument)
{
    int rc = 0;

    (void)argument;
    while (rc != -ECANCELED && (rc == 0 || /* pairs with put_all */
                                weft__load_acquire(&queue.putters) > 0)) {
        rc = move(false);
        stress_maybe_yield();
    }
    return 0;
}

static int hold_queue(void *argument)
{
    weft_task tasks[4];
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    weft__store_relaxed(&queue.putters, 2);
    for (int i = 0; i < 4; i++)
        tasks[i] = spawn_somewhere(scope, i % 2 == 0 ? put_all : take_all, NULL);
    stress_maybe_yield();
    if (stress_below(3) == 0)
        (void)weft_cancel(tasks[stress_below(4)]);
    return weft_scope_close(scope);
}

static void conditions(uint32_t workers)
{
    weft_runtime runtime = stress_start(workers, NULL);
    uint32_t rounds = stress_size(800, STRESS_SANITIZED ? 6 : 20);

    for (uint32_t round = 0; round < rounds; round++) {
        stress_round(round);
        memset(&queue, 0, sizeof(queue));
        STRESS_EQUAL(weft_call(runtime, hold_queue, NULL), 0);
        STRESS_EQUAL(queue.put - queue.taken, queue.length);
        weft_condition_fini(&queue.filled);
        weft_condition_fini(&queue.emptied);
        weft_mutex_fini(&queue.mutex);
    }
    stress_stop(runtime);
}

/* ---- a barrier whose members give up and come again; an event that resets itself ---- */

static struct {
    weft_barrier barrier;
    weft_event event;
    _Atomic int32_t leaders;
    _Atomic int32_t let_through;
    _Atomic int32_t sets;
} meeting;

static int meet(void *argument)
{
    (void)argument;
    for (int i = 0; i < meetings;) {
        int rc = weft_barrier_wait(&meeting.barrier,
                                   weft_after(stress_below(200) * WEFT_MICROSECOND));
        STRESS_CHECK(rc == 0 || rc == 1 || rc == -ETIMEDOUT);
        if (rc == 1)
            weft__add_relaxed(&meeting.leaders, 1);
        if (rc >= 0)
            i++;
        stress_maybe_yield();
    }
    return 0;
}

static int be_let_through(void *argument)
{
    int rc = 0;

    (void)argument;
    while (rc != -ECANCELED) {
        rc = weft_event_wait(&meeting.event, some_deadline());
        STRESS_CHECK(rc == 0 || rc == -ETIMEDOUT || rc == -ECANCELED);
        if (rc == 0)
            weft__add_relaxed(&meeting.let_through, 1);
        (void)weft_yield();
    }
    return 0;
}

/* Each set lets exactly one through: the next is made when that has been seen. */
static int let_through_one_by_one(void *argument)
{
    (void)argument;
    for (int i = 1; i <= meetings; i++) {
        int rc = weft_event_set(&meeting.event);
        STRESS_CHECK(rc == 0 || rc == 1);
        while (weft__load_relaxed(&meeting.let_through) < i)
            stress_maybe_yield();
        STRESS_EQUAL(weft__load_relaxed(&meeting.let_through), i);
        STRESS_EQUAL(weft_event_is_set(&meeting.event), 0);
    }
    return 0;
}

static int hold_meeting(void *argument)
{
    uint32_t members = *(const uint32_t *)argument;
    weft_scope scope = weft_scope_open(NULL);
    weft_scope crowd = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));

    for (uint32_t i = 0; i < members; i++)
        (void)spawn_somewhere(scope, meet, NULL);
    for (int i = 0; i < 3; i++)
        (void)spawn_somewhere(crowd, be_let_through, NULL);
    (void)spawn_somewhere(scope, let_through_one_by_one, NULL);
    STRESS_EQUAL(weft_scope_join(scope, WEFT_NEVER), 0);
    (void)weft_scope_cancel(crowd);
    STRESS_EQUAL(weft_scope_close(crowd), 0);
    return weft_scope_close(scope);
}

static void barriers_and_events(uint32_t workers)
{
    weft_runtime runtime = stress_start(workers, NULL);
    uint32_t rounds = stress_size(300, STRESS_SANITIZED ? 4 : 10);

    room.disturbed = true;
    for (uint32_t round = 0; round < rounds; round++) {
        uint32_t members = 1 + stress_below(5);
        stress_round(round);
        memset(&meeting, 0, sizeof(meeting));
        STRESS_EQUAL(weft_barrier_init(&meeting.barrier, members), 0);
        weft_event_init(&meeting.event, 1);
        STRESS_EQUAL(weft_call(runtime, hold_meeting, &members), 0);
        STRESS_EQUAL(meeting.leaders, meetings);
        weft_barrier_fini(&meeting.barrier);
        weft_event_fini(&meeting.event);
    }
    stress_stop(runtime);
}

/* ---- once, which fails sometimes, and the future that it sets ---- */

static struct {
    weft_once once;
    weft_future future;
    uint64_t table[16];
    _Atomic int32_t done;
    _Atomic int32_t inside;
} well;

static int fill(void *argument)
{
    (void)argument;
    STRESS_EQUAL(weft__add_relaxed(&well.inside, 1), 0);
    stress_maybe_yield();
    bool fails = stress_below(2) == 0;
    if (!fails) {
        for (uint64_t i = 0; i < 16; i++)
            well.table[i] = i + 1;
        weft__add_relaxed(&well.done, 1);
    }
    weft__sub_relaxed(&well.inside, 1);
    return fails ? -EIO : 0;
}

static int draw(void *argument)
{
    int rc = -EIO;
    uint64_t value = 0;

    (void)argument;
    while (rc == -EIO || rc == -ETIMEDOUT) {
        rc = weft_once_run(&well.once, fill, NULL, some_deadline());
        STRESS_CHECK(rc == 0 || rc == -EIO || rc == -ETIMEDOUT);
        stress_maybe_yield();
    }
    for (uint64_t i = 0; i < 16; i++)
        STRESS_EQUAL(well.table[i], i + 1);
    rc = weft_future_set(well.future, &well.table[7]);
    STRESS_CHECK(rc >= 0 || rc == -EALREADY);
    STRESS_EQUAL(weft_future_fetch(well.future, &value, WEFT_NEVER), 0);
    STRESS_EQUAL(value, 8);
    return 0;
}

static int look_forward(void *argument)
{
    uint64_t value = 0;
    int rc = -ETIMEDOUT;

    (void)argument;
    while (rc == -ETIMEDOUT) {
        rc = weft_future_fetch(well.future, &value, some_deadline());
        STRESS_CHECK(rc == 0 ? value == 8 : value == 0);
        stress_maybe_yield();
    }
    STRESS_EQUAL(rc, 0);
    return 0;
}

static int hold_well(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < most_tasks; i++)
        (void)spawn_somewhere(scope, i % 2 == 0 ? draw : look_forward, NULL);
    return weft_scope_close(scope);
}

static void once_and_futures(uint32_t workers)
{
    weft_runtime runtime = stress_start(workers, NULL);
    uint32_t rounds = stress_size(2000, STRESS_SANITIZED ? 10 : 50);

    room.disturbed = true;
    for (uint32_t round = 0; round < rounds; round++) {
        stress_round(round);
        memset(&well, 0, sizeof(well));
        well.future = weft_future_create(sizeof(uint64_t));
        STRESS_EQUAL(weft_call(runtime, hold_well, NULL), 0);
        STRESS_EQUAL(well.done, 1);
        weft_once_fini(&well.once);
        STRESS_EQUAL(weft_future_release(well.future), 0);
    }
    stress_stop(runtime);
}

static const struct stress_case cases[] = {
    STRESS_CASE(mutexes),
    STRESS_CASE(rwlocks),
    STRESS_CASE(semaphores),
    STRESS_CASE(conditions),
    STRESS_CASE(barriers_and_events),
    STRESS_CASE(once_and_futures),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
