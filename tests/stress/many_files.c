/*
 * Many tasks with files of their own (the S4 of the old runtimes: there a loop that opened, read
 * and wrote a file in each iteration ended in bus errors and wrong sizes, and left the loops after
 * it on one thread). Each of 1,000 tasks creates, writes, syncs, reads again, renames and deletes
 * its files; one variant has all of them write records to one shared stream, with O_APPEND and by
 * the position. Contents are identical, no record is lost or torn, and afterwards tasks still run
 * on all workers.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/support/stress.h"

enum {
    own_bytes_most = 20000,
    files_each = 2,
    record_bytes = 32,
    path_bytes = 128,
    meeting = 64,
    workers_most = 64
};

static char root[] = "/tmp/weft-many-files-XXXXXX";

static void path_of(char path[path_bytes], const char *name, uint32_t number)
{
    (void)snprintf(path, path_bytes, "%s/%s-%u", root, name, number);
}

static void fill(char *bytes, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (char)(number * 37 + i * 11 + i / 251);
}

static bool holds(const char *bytes, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != (char)(number * 37 + i * 11 + i / 251))
            return false;
    return true;
}

/* In pieces of random sizes, by every way there is. */
static void write_own(weft_fd fd, const char *bytes, size_t count)
{
    size_t at = 0;

    while (at < count) {
        size_t piece = 1 + stress_below((uint32_t)(count - at));
        struct iovec parts[] = { { (void *)(uintptr_t)(bytes + at), piece / 2 },
                                 { (void *)(uintptr_t)(bytes + at + piece / 2),
                                   piece - piece / 2 } };
        if (stress_below(2) == 0)
            STRESS_EQUAL(weft_write_all(fd, bytes + at, piece, NULL, WEFT_NEVER), 0);
        else
            STRESS_EQUAL(weft_write_vector_all(fd, parts, 2, NULL, WEFT_NEVER), 0);
        at += piece;
        stress_maybe_yield();
    }
}

static void check_own(const char *path, uint32_t number, size_t count)
{
    weft_content content = WEFT_CONTENT_INIT;
    weft_file_info info = WEFT_FILE_INFO_INIT;

    STRESS_EQUAL(weft_stat(path, &info, WEFT_NEVER), 0);
    STRESS_EQUAL(info.bytes, count);
    STRESS_EQUAL(weft_file_load(path, own_bytes_most, &content, WEFT_NEVER), 0);
    STRESS_EQUAL(content.count, count);
    STRESS_CHECK(holds(content.bytes, count, number));
    weft_content_release(&content);
}

/* One file from its beginning to its end. */
static void live_through(uint32_t number, char *bytes)
{
    char path[path_bytes];
    char renamed[path_bytes];
    size_t count = stress_below(own_bytes_most + 1);

    path_of(path, "file", number);
    path_of(renamed, "renamed", number);
    fill(bytes, count, number);
    weft_fd fd = weft_open(path, O_RDWR | O_CREAT | O_EXCL, 0600, WEFT_NEVER);
    STRESS_CHECK(fd > 0);
    write_own(fd, bytes, count);
    STRESS_EQUAL(weft_fdatasync(fd, WEFT_NEVER), 0);
    memset(bytes, 0, count);
    STRESS_EQUAL(weft_pread_exactly(fd, bytes, count, 0, NULL, WEFT_NEVER), 0);
    STRESS_CHECK(holds(bytes, count, number));
    STRESS_EQUAL(weft_close(fd), 0);
    STRESS_EQUAL(weft_rename(path, renamed, 0, WEFT_NEVER), 0);
    check_own(renamed, number, count);
    if (stress_below(4) == 0) {
        fill(bytes, count / 2, number + 1);
        STRESS_EQUAL(weft_file_replace(renamed, bytes, count / 2, 0600, WEFT_NEVER), 0);
        check_own(renamed, number + 1, count / 2);
    }
    STRESS_EQUAL(weft_unlink(renamed, WEFT_NEVER), 0);
}

static int live_through_some(void *argument)
{
    uint32_t number = *(const uint32_t *)argument;
    char *bytes = malloc(own_bytes_most);

    STRESS_CHECK(bytes != NULL);
    for (uint32_t i = 0; i < files_each; i++)
        live_through(number * files_each + i, bytes);
    free(bytes);
    return 0;
}

static uint32_t tasks; /* of the present run */

static int spawn_numbered(weft_task_fn body)
{
    weft_scope scope = weft_scope_open(NULL);

    for (uint32_t i = 0; i < tasks; i++) {
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());
        options.migratable = i % 2;
        options.copy_bytes = sizeof(i);
        STRESS_CHECK(weft_spawn(scope, body, &i, &options) > 0);
    }
    return weft_scope_close(scope);
}

/* Tasks that do not end before all of them are there, spread over the workers. */
static struct {
    weft_barrier barrier;
    _Atomic uint32_t seen[workers_most];
} meet;

static int meet_others(void *argument)
{
    (void)argument;
    weft__store_relaxed(&meet.seen[weft_worker_self() % workers_most], 1);
    return weft_barrier_wait(&meet.barrier, WEFT_NEVER) < 0 ? -EIO : 0;
}

static void check_all_workers(void)
{
    int workers = weft_worker_count(0);
    int seen = 0;
    weft_scope scope = weft_scope_open(NULL);

    STRESS_EQUAL(weft_barrier_init(&meet.barrier, meeting), 0);
    memset(meet.seen, 0, sizeof(meet.seen));
    for (int i = 0; i < meeting; i++) {
        weft_spawn_options options = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());
        STRESS_CHECK(weft_spawn(scope, meet_others, NULL, &options) > 0);
    }
    STRESS_EQUAL(weft_scope_close(scope), 0);
    for (int i = 0; i < workers; i++)
        seen += (int)weft__load_relaxed(&meet.seen[i]);
    STRESS_EQUAL(seen, workers);
    weft_barrier_fini(&meet.barrier);
}

static int own_files(void *argument)
{
    (void)argument;
    STRESS_EQUAL(spawn_numbered(live_through_some), 0);
    check_all_workers();
    return 0;
}

/* ---- one stream that all write to ---- */

static weft_fd stream;

static void make_record(char record[record_bytes + 1], uint32_t number)
{
    (void)snprintf(record, record_bytes + 1, "record %08u of many files\n", number);
    memset(record + strlen(record), '.', record_bytes - strlen(record));
    record[record_bytes] = '\0';
}

static int add_records(void *argument)
{
    char record[record_bytes + 1];
    uint32_t first = *(const uint32_t *)argument * files_each;

    for (uint32_t i = 0; i < files_each; i++) {
        make_record(record, first + i);
        STRESS_EQUAL(weft_write_all(stream, record, record_bytes, NULL, WEFT_NEVER), 0);
        stress_maybe_yield();
    }
    return 0;
}

static void check_stream(const char *path)
{
    char wanted[record_bytes + 1];
    size_t count = (size_t)tasks * files_each;
    weft_content content = WEFT_CONTENT_INIT;
    bool *found = calloc(count, sizeof(bool));

    STRESS_EQUAL(weft_file_load(path, SIZE_MAX, &content, WEFT_NEVER), 0);
    STRESS_EQUAL(content.count, count * record_bytes);
    for (size_t i = 0; i < content.count / record_bytes; i++) {
        const char *record = content.bytes + i * record_bytes;
        uint32_t number = (uint32_t)strtoul(record + strlen("record "), NULL, 10);
        make_record(wanted, number);
        STRESS_CHECK(number < count && memcmp(record, wanted, record_bytes) == 0);
        STRESS_CHECK(number >= count || !found[number]);
        found[number < count ? number : 0] = true;
    }
    free(found);
    weft_content_release(&content);
}

static int one_stream(void *argument)
{
    static const int flags[] = { 0, O_APPEND };
    char path[path_bytes];

    (void)argument;
    for (size_t i = 0; i < WEFT__COUNT(flags); i++) {
        path_of(path, "stream", (uint32_t)i);
        stream = weft_open(path, O_WRONLY | O_CREAT | O_TRUNC | flags[i], 0600, WEFT_NEVER);
        STRESS_EQUAL(spawn_numbered(add_records), 0);
        STRESS_EQUAL(weft_close(stream), 0);
        check_stream(path);
        STRESS_EQUAL(weft_unlink(path, WEFT_NEVER), 0);
    }
    check_all_workers();
    return 0;
}

static void run_in_folder(uint32_t workers, weft_task_fn body)
{
    uint32_t files = stress_open_files();
    char made[sizeof(root)];

    memcpy(made, root, sizeof(root));
    STRESS_CHECK(mkdtemp(root) != NULL);
    tasks = stress_live(stress_size(1000, 20));
    for (uint32_t round = 0; round < stress_size(20, 1); round++) {
        stress_round(round);
        stress_run(workers, NULL, body, NULL);
    }
    STRESS_EQUAL(rmdir(root), 0); /* nothing is left in it */
    memcpy(root, made, sizeof(root));
    STRESS_EQUAL(stress_open_files(), files);
}

static void many_files(uint32_t workers)
{
    run_in_folder(workers, own_files);
}

static void shared_stream(uint32_t workers)
{
    run_in_folder(workers, one_stream);
}

static const struct stress_case cases[] = { STRESS_CASE(many_files), STRESS_CASE(shared_stream) };

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
