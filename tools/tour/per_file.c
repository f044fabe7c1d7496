/*
 * Way (b): a task for each file opens, reads and counts it, and sends its counts over a channel.
 * The task that called collects them, and starts another task for each that has reported, so that
 * never more are under way than there may be files open.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include <weft.h>

#include "tools/tour/limits.h"
#include "tools/tour/pass.h"

struct job {
    weft_chan reports;
    const char *path;
    size_t file;
};

struct report {
    size_t file;
    int error;
    struct weft__count count;
};

static int count_blocks(weft_fd file, const char *path, struct weft__count *count)
{
    unsigned char *block = malloc(WEFT__LIMITS_BLOCK_BYTES);
    if (block == NULL)
        return -ENOMEM;

    int rc = 0;
    ssize_t got;
    while (rc == 0 && (got = weft_read(file, block, WEFT__LIMITS_BLOCK_BYTES,
                                       weft_after(WEFT__LIMITS_PATIENCE))) != 0) {
        rc = got < 0 ? (int)got
                     : weft__limits_check(path, count->bytes, count->bytes + (uint64_t)got);
        if (rc == 0)
            weft__count_add(count, block, (size_t)got);
    }
    free(block);
    return rc;
}

static int count_file(void *argument)
{
    const struct job *job = argument;
    struct report report = { .file = job->file };
    weft_fd file = weft_open(job->path, O_RDONLY | O_NOFOLLOW | O_NOCTTY, 0,
                             weft_after(WEFT__LIMITS_PATIENCE));

    report.error = file < 0 ? (int)file : count_blocks(file, job->path, &report.count);
    weft_close(file);
    if (report.error == -ECANCELED)
        return report.error; /* says nothing of the file */
    return weft_chan_put(job->reports, &report, WEFT_NEVER);
}

/*
 * The task gets its own copy of the job. Once started it stays on its worker, so that it is spread
 * over them from the start: waiting until idle workers come and steal would take longer.
 */
static int start_job(const struct weft__pass *pass, weft_scope scope, weft_chan reports,
                     size_t file)
{
    struct job job = { reports, pass->files->items[file], file };
    weft_task task = weft_spawn(
        scope, count_file, &job,
        &WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(job), .place = weft_place_spread()));

    return task < 0 ? (int)task : 0;
}

int weft__per_file_run(struct weft__pass *pass)
{
    size_t open_most = weft__limits_open_files();
    weft_chan reports = weft_chan_create(sizeof(struct report), open_most);
    weft_scope scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL, .forget = 1));
    size_t begun = 0;
    size_t ended = 0;
    int rc = 0;

    while (rc == 0 && ended < pass->files->count) {
        while (rc == 0 && begun < pass->files->count && begun - ended < open_most)
            rc = start_job(pass, scope, reports, begun++);
        struct report report;
        if (rc == 0)
            rc = weft_chan_take(reports, &report, WEFT_NEVER);
        if (rc == 0) {
            weft__pass_note(pass, report.file, report.error, &report.count);
            ended++;
        }
    }
    int joined = weft_scope_close(scope); /* the channel has room for all that are under way */
    weft_chan_release(reports);
    return rc < 0 ? rc : joined;
}
