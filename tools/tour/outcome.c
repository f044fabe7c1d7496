#include "tools/tour/outcome.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/tour/plain.h"

struct weft__outcome_record {
    struct weft__count count; /* of the first way that noted the file */
    bool noted;
    bool failed;  /* the first way could not read it */
    bool listed;  /* some way could not read it, and it is in the list */
    bool differs; /* a later way found something else */
};

int weft__outcome_init(struct weft__outcome *outcome, const struct weft__paths *files)
{
    *outcome = (struct weft__outcome){ .files = files };
    outcome->records = calloc(files->count + 1, sizeof(*outcome->records));
    if (outcome->records == NULL)
        return -ENOMEM;
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &outcome->started);
    return 0;
}

void weft__outcome_fini(struct weft__outcome *outcome)
{
    free(outcome->records);
    outcome->records = NULL;
}

static bool same_counts(const struct weft__count *a, const struct weft__count *b)
{
    return a->lines == b->lines && a->words == b->words && a->bytes == b->bytes;
}

void weft__outcome_note(struct weft__outcome *outcome, size_t file, int error,
                        const struct weft__count *count)
{
    struct weft__outcome_record *record = &outcome->records[file];
    bool failed = error < 0;

    if (!record->noted) {
        record->noted = true;
        record->failed = failed;
        record->count = *count;
    } else if (failed != record->failed || (!failed && !same_counts(count, &record->count))) {
        record->differs = true;
    }
    if (failed && !record->listed) {
        record->listed = true;
        bool endless = error == -EFBIG; /* see weft__limits_check */
        weft__trouble_add(endless ? &outcome->endless : &outcome->unreadable,
                          outcome->files->items[file], endless ? 0 : error);
    }
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

/*
 * The change time moves with contents, size and permissions, and no program can set it back. Files
 * that the kernel makes up while they are read (/proc, /sys) state another size than they have, and
 * what is no regular file any more has taken the place of one.
 */
static bool has_changed(const struct weft__outcome *outcome, size_t file)
{
    const struct weft__outcome_record *record = &outcome->records[file];
    struct stat info;

    if (weft__plain_lstat(outcome->files->items[file], &info) < 0)
        return true;
    if (!S_ISREG(info.st_mode) || !is_before(&info.st_ctim, &outcome->started))
        return true;
    return !record->failed && (uint64_t)info.st_size != record->count.bytes;
}

void weft__outcome_settle(struct weft__outcome *outcome)
{
    for (size_t i = 0; i < outcome->files->count; i++) {
        bool excused = outcome->records[i].differs && has_changed(outcome, i);
        if (excused)
            weft__trouble_add(&outcome->changed, outcome->files->items[i], 0);
        else if (outcome->records[i].differs)
            weft__trouble_add(&outcome->wrong, outcome->files->items[i], 0);
    }
}
