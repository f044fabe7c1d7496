#include "tools/tour/pass.h"

#include <weft.h>

static weft_counters read_counters(void)
{
    weft_counters counters = WEFT_COUNTERS_INIT;
    int rc = weft_counters_read(0, -1, &counters);

    (void)rc; /* it fails only outside a task, and then all are 0 */
    return counters;
}

/* The serial way has counted its own system calls; the others have made theirs through weft. */
int weft__pass_run(struct weft__pass *pass, int (*way)(struct weft__pass *pass))
{
    struct weft__pass_result *result = &pass->result;

    *result = (struct weft__pass_result){ .cache = weft__cache_sample(pass->files) };
    weft_counters before = read_counters();
    int64_t start_ns = weft_clock();

    int rc = way(pass);

    result->ns = weft_clock() - start_ns;
    weft_counters after = read_counters();
    result->tasks = after.spawned - before.spawned;
    result->steals = after.steals - before.steals;
    result->switches = after.switches - before.switches;
    if (way != weft__serial_run)
        result->system_calls = after.system_calls - before.system_calls;
    result->complete = rc == 0;
    return rc;
}

void weft__pass_note(struct weft__pass *pass, size_t file, int error,
                     const struct weft__count *count)
{
    struct weft__pass_result *result = &pass->result;

    result->files++;
    if (error < 0) {
        result->unreadable++;
    } else {
        result->total.lines += count->lines;
        result->total.words += count->words;
        result->total.bytes += count->bytes;
    }
    if (pass->outcome != NULL)
        weft__outcome_note(pass->outcome, file, error, count);
    weft__progress_step(pass->progress, result->files, pass->files->count);
}
