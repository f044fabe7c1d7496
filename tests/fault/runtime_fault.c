/*
 * Fails the first, second, third ... call of each fault point while a runtime is started, used and
 * stopped, until a run meets no failure any more. The start fails with that error and says why, or
 * the job does its work or reports an error; either way the stop succeeds and nothing is left.
 */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <weft.h>

#include "runtime/base/fault.h"
#include "tests/support/bodies.h"
#include "tests/support/engines.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/tree.h"
#include "tests/support/unit.h"
#include "uring/probe.h"

enum { CALLS_MAX = 400, CHILDREN = 40, BYTES = 100, FILES = 3, RESULT = 200, LOCALS = 6 };

static struct tree tree;
static int given;           /* the error that one call of this run fails with */
static bool migratable;     /* whether the tasks of this run may move after a wait */
static _Atomic int refused; /* how many steps met an error */

/* A step may succeed or pass on what it met: the given error, or the lack of memory that a refused
 * mapping amounts to. */
static bool succeeds(int64_t rc, const char *what)
{
    if (rc >= 0)
        return true;
    weft__add_relaxed(&refused, 1);
    if (!EXPECT(rc == given || rc == -ENOMEM || rc == -ECANCELED))
        (void)fprintf(stderr, "%s: %lld\n", what, (long long)rc);
    return false;
}

static int give_bytes(void *argument)
{
    char bytes[RESULT];

    memset(bytes, *(const char *)argument, sizeof(bytes));
    return weft_result_give(bytes, sizeof(bytes));
}

static int count_up(void *argument)
{
    _Atomic int *sum = *(_Atomic int **)argument;

    (void)weft_yield();
    weft__add_relaxed(sum, 1);
    return weft_sleep(weft_after(WEFT_MILLISECOND));
}

/* As many children run as spawns have succeeded. */
static void spawn_and_join(void)
{
    char argument[RESULT] = { 0 }; /* too large to be kept in the record */
    _Atomic int sum = 0;
    _Atomic int *place = &sum;
    int spawned = 0;
    weft_scope scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));

    if (!succeeds(scope, "open a scope"))
        return;
    memcpy(argument, &place, sizeof(place));
    for (int i = 0; i < CHILDREN; i++)
        spawned += succeeds(weft_go_copy(scope, count_up, argument, sizeof(argument)), "spawn");
    int rc = weft_scope_close(scope);
    (void)succeeds(rc, "close the scope");
    EXPECT(rc < 0 || sum == spawned);
    EXPECT(sum <= spawned);
}

static void fetch_result(void)
{
    char letter = 'w';
    char bytes[RESULT] = { 0 };
    weft_scope scope = weft_scope_open(NULL);

    if (!succeeds(scope, "open a scope"))
        return;
    weft_task task = weft_spawn(scope, give_bytes, &letter,
                                &WEFT_SPAWN_OPTIONS(.result_bytes = RESULT, .name = "giver"));
    if (succeeds(weft_fetch(task, bytes, sizeof(bytes), WEFT_NEVER), "fetch"))
        EXPECT(bytes[0] == letter && bytes[RESULT - 1] == letter);
    else
        EXPECT_EQ(bytes[0], 0); /* untouched */
    (void)succeeds(weft_scope_close(scope), "close the scope");
}

/* ---- what hangs on tasks ---- */

static _Atomic int lent; /* values of locals and deferred functions that have not come back */

static void give_back(void *value)
{
    (void)value;
    weft__sub_relaxed(&lent, 1);
}

static void *lend_on(void *value)
{
    weft__add_relaxed(&lent, 1);
    return value;
}

/* Whoever could not hand something over keeps it. */
static int use_extras(void *argument)
{
    const weft_local *keys = argument;

    for (int i = 0; i < LOCALS; i++) {
        weft__add_relaxed(&lent, 1);
        if (!succeeds(weft_local_set(keys[i], &lent), "set a local"))
            give_back(NULL);
        weft__add_relaxed(&lent, 1);
        if (!succeeds(weft_defer_copy(give_back, &i, sizeof(i)), "defer"))
            give_back(NULL);
    }
    weft_task tasks[CHILDREN];
    weft_scope scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));
    if (!succeeds(scope, "open a scope"))
        return 0;
    int spawned = 0;
    for (int i = 0; i < CHILDREN; i++) {
        weft_task task = weft_go(scope, end_well, NULL); /* which inherits */
        if (succeeds(task, "spawn"))
            tasks[spawned++] = task;
    }
    (void)succeeds(weft_wait_all(tasks, (size_t)spawned, WEFT_ALL_ENDED, NULL, WEFT_NEVER), "wait");
    (void)succeeds(weft_scope_close(scope), "close the scope");
    return 0;
}

static int count_item(void *context, size_t index, const void *item, void *out_result)
{
    (void)index;
    (void)item;
    (void)out_result;
    weft__add_relaxed((_Atomic int *)context, 1);
    return 0;
}

static void map_items(void)
{
    _Atomic int done = 0;
    weft_map map = WEFT_MAP(.fn = count_item, .context = &done, .count = CHILDREN);

    if (succeeds(weft_map_run(&map, NULL, WEFT_NEVER), "map"))
        EXPECT_EQ(done, CHILDREN);
}

static void hang_on_tasks(void)
{
    weft_local keys[LOCALS];
    weft_local_options options = WEFT_LOCAL_OPTIONS(.destroy = give_back, .inherit = lend_on);
    int made = 0;

    lent = 0;
    for (int i = 0; i < LOCALS; i++) {
        keys[i] = weft_local_create(&options);
        made += succeeds(keys[i], "create a local");
    }
    weft_scope scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));
    if (succeeds(scope, "open a scope")) {
        if (made == LOCALS)
            (void)succeeds(weft_go(scope, use_extras, keys), "spawn");
        (void)succeeds(weft_scope_close(scope), "close the scope");
    }
    EXPECT_EQ(lent, 0);
    for (int i = 0; i < LOCALS; i++)
        if (keys[i] > 0)
            EXPECT_EQ(weft_local_release(keys[i]), 0);
    map_items();
}

static void send_messages(void)
{
    weft_chan chan = weft_chan_create(BYTES, 8);
    char sent[BYTES] = "over";
    char got[BYTES] = "";

    if (!succeeds(chan, "create a channel"))
        return;
    EXPECT_EQ(weft_chan_put(chan, sent, WEFT_NEVER), 0);
    EXPECT_EQ(weft_chan_take(chan, got, WEFT_NEVER), 0);
    EXPECT_EQ(memcmp(sent, got, sizeof(sent)), 0);
    EXPECT_EQ(weft_chan_release(chan), 0);
}

static void read_file(const char *path)
{
    char bytes[BYTES] = "";
    weft_file_info info = WEFT_FILE_INFO_INIT;
    weft_fd fd = weft_open(path, O_RDONLY, 0, WEFT_NEVER);

    if (!succeeds(fd, "open a file"))
        return;
    ssize_t count = weft_read(fd, bytes, sizeof(bytes), WEFT_NEVER);
    if (succeeds(count, "read"))
        EXPECT(count == 5 && memcmp(bytes, "hello", 5) == 0);
    if (succeeds(weft_stat_of(fd, &info, WEFT_NEVER), "stat"))
        EXPECT_EQ(info.bytes, 5);
    EXPECT_EQ(weft_close(fd), 0);
}

static void read_folder(void)
{
    char path[sizeof(tree.root) + sizeof(((weft_dir_entry *)NULL)->name) + 1];
    weft_dir_entry entry;
    int files = 0;
    int rc;
    weft_dir dir = weft_dir_open(tree.root, WEFT_NEVER);

    if (!succeeds(dir, "open a folder"))
        return;
    while ((rc = weft_dir_next(dir, &entry, WEFT_NEVER)) > 0) {
        (void)snprintf(path, sizeof(path), "%s/%s", tree.root, entry.name);
        read_file(path);
        files++;
    }
    if (succeeds(rc, "read a folder"))
        EXPECT_EQ(files, FILES);
    EXPECT_EQ(weft_dir_close(dir), 0);
}

static void use_pipe(void)
{
    weft_fd ends[2] = { -1, -1 };
    char byte = 0;

    if (!succeeds(weft_pipe(ends), "make a pipe")) {
        EXPECT(ends[0] == -1 && ends[1] == -1); /* untouched */
        return;
    }
    if (succeeds(weft_write(ends[1], "p", 1, WEFT_NEVER), "write") &&
        succeeds(weft_read(ends[0], &byte, 1, WEFT_NEVER), "read"))
        EXPECT_EQ(byte, 'p');
    EXPECT_EQ(weft_close(ends[0]), 0);
    EXPECT_EQ(weft_close(ends[1]), 0);
}

static int64_t block(void *argument)
{
    weft__add_relaxed(*(_Atomic int **)argument, 1);
    return (int64_t)1 << 40;
}

/* A call runs once, or says why it does not. */
static int call_block(void *argument)
{
    _Atomic int calls = 0;
    _Atomic int *place = &calls;
    int64_t rc = weft_blocking_call(block, &place, NULL, WEFT_NEVER);

    (void)argument;
    EXPECT_EQ(calls, succeeds(rc, "call on a helper"));
    EXPECT(rc < 0 || rc == (int64_t)1 << 40);
    return 0;
}

static void call_helpers(void)
{
    weft_scope scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));

    if (!succeeds(scope, "open a scope"))
        return;
    for (int i = 0; i < 6; i++)
        (void)succeeds(weft_go(scope, call_block, NULL), "spawn");
    (void)succeeds(weft_scope_close(scope), "close the scope");
}

static int job(void *argument)
{
    (void)argument;
    spawn_and_join();
    fetch_result();
    hang_on_tasks();
    send_messages();
    read_folder();
    use_pipe();
    call_helpers();
    return 0;
}

/* One run with the @nth call of @point failing. True when the fault was met. */
static bool run_once(enum weft__fault_point point, uint32_t nth)
{
    weft_error words = WEFT_ERROR_INIT;
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS(.workers = 2, .migratable = migratable);
    uint32_t descriptors = rig_descriptors();
    uint64_t records = rig_records();

    weft__probe_forget();
    weft__fault_arm(point, nth, given);
    weft_runtime runtime = weft_start(&options, &words);
    if (runtime > 0) {
        (void)succeeds(weft_call(runtime, job, NULL), "call");
        CU_ASSERT_EQUAL(weft_stop(runtime, weft_after(20 * WEFT_SECOND)), 0);
    } else {
        CU_ASSERT_TRUE(runtime == given || runtime == -ENOMEM);
        CU_ASSERT_EQUAL(words.code, runtime);
        CU_ASSERT_NOT_EQUAL(words.text[0], '\0');
        weft__add_relaxed(&refused, 1);
    }
    bool met = weft__fault_calls(point) == nth;
    weft__fault_arm(point, 0, 0);
    CU_ASSERT_EQUAL(rig_descriptors(), descriptors);
    CU_ASSERT_TRUE(rig_is_alone());
    CU_ASSERT_EQUAL(rig_records(), records);
    expect_assert();
    return met;
}

static void fail_each_call_once(void)
{
    static const struct {
        enum weft__fault_point point;
        int error;
        bool harmless; /* always has a fallback: nobody is refused anything */
        enum { any, ring, compat } engine;
    } rows[] = {
        { WEFT__FAULT_ALLOC, -ENOMEM, false, any },
        { WEFT__FAULT_MMAP, -ENOMEM, false, any },
        { WEFT__FAULT_THREAD, -EAGAIN, false, any },
        { WEFT__FAULT_RING_SETUP, -ENOMEM, false, ring },
        { WEFT__FAULT_RING_REGISTER, -ENOMEM, false, ring },
        { WEFT__FAULT_PIPE, -EMFILE, false, any },
        { WEFT__FAULT_GETDENTS, -EIO, false, any },
        { WEFT__FAULT_RING_ENTER, -EINTR, true, ring },
        { WEFT__FAULT_RING_ENTER, -EAGAIN, true, ring },
        { WEFT__FAULT_MADVISE, -EINVAL, true, any },
        { WEFT__FAULT_AFFINITY, -EPERM, true, any },
        { WEFT__FAULT_FUTEX, -EINTR, true, any },
        { WEFT__FAULT_EPOLL, -ENOMEM, false, compat },
    };

    for (size_t i = 0; i < WEFT__COUNT(rows); i++) {
        uint32_t nth = 1;
        if (rows[i].engine != any && (rows[i].engine == ring) != engines_use_ring())
            continue;
        given = rows[i].error;
        refused = 0;
        expect_about(weft__fault_name(rows[i].point));
        while (nth < CALLS_MAX && run_once(rows[i].point, nth))
            nth++;
        if (nth == 1 || nth == CALLS_MAX || (refused != 0) == rows[i].harmless)
            fprintf(stderr, "%s, error %d: %u calls failed, %d were refused something\n",
                    weft__fault_name(rows[i].point), given, nth - 1, refused);
        CU_ASSERT_TRUE(nth > 1); /* the point was passed at all */
        CU_ASSERT_TRUE(nth < CALLS_MAX);
        CU_ASSERT_EQUAL(refused != 0, !rows[i].harmless);
    }
}

static void test_start_use_stop_each_call_fails_once(void)
{
    migratable = false;
    fail_each_call_once();
}

static void test_start_use_stop_with_tasks_that_move(void)
{
    migratable = true;
    fail_each_call_once();
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(test_start_use_stop_each_call_fails_once),
        UNIT_TEST(test_start_use_stop_with_tasks_that_move),
    };

    tree_make(&tree);
    for (int i = 0; i < FILES; i++)
        tree_write_at(&tree, "hello", "file%d", i);
    int status = unit_run(argc, argv, "runtime_fault", tests, WEFT__COUNT(tests));
    tree_remove(&tree);
    return status;
}
