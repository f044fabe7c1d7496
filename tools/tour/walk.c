/*
 * Each folder is read by a task of its own, which sends what it finds in batches over one channel.
 * The task that called collects: it alone touches the lists, so that there is nothing to lock, and
 * it decides when the next folder is opened.
 */
#include "tools/tour/walk.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft.h>

#include "tools/tour/limits.h"
#include "tools/tour/plain.h"

enum { BATCH_BYTES = 4096, BATCHES = 64, OPEN_MOST = 64 };

struct visit {
    weft_chan batches;
    const char *path;
    size_t folder; /* index in the list of folders */
};

/* The message of the channel. A record is a kind, an errno and a name with its zero byte. */
struct batch {
    size_t folder;
    size_t used;
    int error; /* of the folder itself */
    bool last;
    char records[BATCH_BYTES];
};

enum { RECORD_KIND, RECORD_ERROR, RECORD_NAME };

static int send_batch(const struct visit *visit, struct batch *batch)
{
    int rc = weft_chan_put(visit->batches, batch, WEFT_NEVER);

    batch->used = 0;
    return rc;
}

/* Not every file system tells the kind of an entry while listing it. */
static int find_kind(const struct visit *visit, weft_dir_entry *entry)
{
    weft_file_info info = WEFT_FILE_INFO_INIT;
    char *path;

    if (entry->kind != WEFT_FILE_UNKNOWN)
        return 0;
    if (asprintf(&path, "%s/%s", visit->path, entry->name) < 0)
        return -ENOMEM;
    int rc = weft_stat(path, &info, WEFT_NEVER);
    free(path);
    if (rc == 0)
        entry->kind = info.kind;
    return rc;
}

static int add_record(const struct visit *visit, struct batch *batch, weft_dir_entry *entry)
{
    size_t bytes = RECORD_NAME + strlen(entry->name) + 1;
    int error = find_kind(visit, entry);

    if (error == -ECANCELED)
        return error;
    if (BATCH_BYTES - batch->used < bytes) {
        int rc = send_batch(visit, batch);
        if (rc < 0)
            return rc;
    }
    char *record = batch->records + batch->used;
    record[RECORD_KIND] = (char)entry->kind;
    record[RECORD_ERROR] = (char)-error;
    memcpy(record + RECORD_NAME, entry->name, bytes - RECORD_NAME);
    batch->used += bytes;
    return 0;
}

static int list_folder(const struct visit *visit, struct batch *batch)
{
    weft_dir_entry entry;
    weft_dir folder = weft_dir_open(visit->path, WEFT_NEVER);
    int rc = weft_dir_next(folder, &entry, WEFT_NEVER);

    while (rc > 0) {
        rc = add_record(visit, batch, &entry);
        if (rc == 0)
            rc = weft_dir_next(folder, &entry, WEFT_NEVER);
    }
    weft_dir_close(folder);
    return rc;
}

static int visit_folder(void *argument)
{
    const struct visit *visit = argument;
    struct batch *batch = calloc(1, sizeof(*batch));

    if (batch == NULL)
        return weft_chan_close(visit->batches, -ENOMEM);
    batch->folder = visit->folder;
    batch->error = list_folder(visit, batch);
    batch->last = true;
    int rc = send_batch(visit, batch);
    free(batch);
    return rc;
}

static int note_stray(struct weft__walk *walk, const char *folder, const char *name, int error)
{
    int rc = weft__paths_add(&walk->strays, folder, name);

    if (rc == 0)
        weft__trouble_add(&walk->unreadable, walk->strays.items[walk->strays.count - 1], error);
    return rc;
}

static int note_entry(struct weft__walk *walk, const char *folder, const char *record)
{
    const char *name = record + RECORD_NAME;

    switch ((weft_file_kind)record[RECORD_KIND]) {
    case WEFT_FILE_REGULAR: return weft__paths_add(&walk->files, folder, name);
    case WEFT_FILE_DIRECTORY: return weft__paths_add(&walk->folders, folder, name);
    case WEFT_FILE_SYMLINK: walk->symlinks++; return 0;
    case WEFT_FILE_PIPE: walk->pipes++; return 0;
    case WEFT_FILE_SOCKET: walk->sockets++; return 0;
    case WEFT_FILE_CHARACTER:
    case WEFT_FILE_BLOCK: walk->devices++; return 0;
    case WEFT_FILE_UNKNOWN: break;
    }
    return note_stray(walk, folder, name, -(int)record[RECORD_ERROR]);
}

static int note_batch(struct weft__walk *walk, const struct batch *batch)
{
    const char *folder = walk->folders.items[batch->folder];
    int rc = 0;

    for (size_t at = 0; at < batch->used && rc == 0;) {
        const char *record = batch->records + at;
        rc = note_entry(walk, folder, record);
        at += RECORD_NAME + strlen(record + RECORD_NAME) + 1;
    }
    if (batch->error < 0)
        weft__trouble_add(&walk->unreadable, folder, batch->error);
    return rc;
}

static int add_roots(struct weft__walk *walk, const struct weft__paths *roots)
{
    struct stat info;
    int rc = 0;

    for (size_t i = 0; i < roots->count && rc == 0; i++) {
        bool file = weft__plain_stat(roots->items[i], &info) == 0 && S_ISREG(info.st_mode);
        rc = weft__paths_add(file ? &walk->files : &walk->folders, NULL, roots->items[i]);
    }
    return rc;
}

static int start_visit(const struct weft__walk *walk, weft_scope scope, weft_chan batches,
                       size_t folder)
{
    struct visit visit = { batches, walk->folders.items[folder], folder };
    weft_task task = weft_go_copy(scope, visit_folder, &visit, sizeof(visit));

    return task < 0 ? (int)task : 0;
}

static int collect(struct weft__walk *walk, weft_scope scope, weft_chan batches,
                   struct batch *batch, struct weft__progress *progress)
{
    size_t open_most = weft__limits_open_files() < OPEN_MOST ? weft__limits_open_files()
                                                             : OPEN_MOST;
    size_t begun = 0;
    size_t ended = 0;
    int rc = 0;

    while (rc == 0 && ended < walk->folders.count) {
        while (rc == 0 && begun < walk->folders.count && begun - ended < open_most)
            rc = start_visit(walk, scope, batches, begun++);
        if (rc == 0)
            rc = weft_chan_take(batches, batch, WEFT_NEVER);
        if (rc == 0) {
            rc = note_batch(walk, batch);
            ended += batch->last;
        }
        weft__progress_step(progress, walk->files.count, 0);
    }
    return rc;
}

int weft__walk_run(struct weft__walk *walk, const struct weft__paths *roots,
                   struct weft__progress *progress)
{
    struct batch *batch = malloc(sizeof(*batch));
    if (batch == NULL)
        return -ENOMEM;
    weft_chan batches = weft_chan_create(sizeof(*batch), BATCHES);
    weft_scope scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL, .forget = 1));

    int rc = add_roots(walk, roots);
    if (rc == 0)
        rc = collect(walk, scope, batches, batch, progress);
    if (rc < 0)
        weft_scope_cancel(scope); /* nobody takes their batches any more */
    int joined = weft_scope_close(scope);
    weft_chan_release(batches);
    free(batch);
    return rc < 0 ? rc : joined;
}

void weft__walk_release(struct weft__walk *walk)
{
    weft__paths_release(&walk->files);
    weft__paths_release(&walk->folders);
    weft__paths_release(&walk->strays);
}
