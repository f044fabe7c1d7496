/*
 * weft tour: one real job, done in three ways, so that a newcomer sees what tasks, channels and
 * rings bring on his own machine, and that they bring the same counts; then the same text in
 * memory, counted by all workers at once; then a server and its clients.
 */
#include "tools/tour/tour.h"

#include <errno.h>
#include <string.h>

#include <weft.h>

#include "tools/command.h"
#include "tools/tour/json.h"
#include "tools/tour/text.h"

const struct weft__tour_way weft__tour_ways[WEFT__TOUR_WAYS] = {
    { "serial", "(a) serial", "one file after the other, with plain open, read and close",
      weft__serial_run },
    { "task_per_file", "(b) task per file",
      "a task for each file reads and counts it, and sends its counts over a channel",
      weft__per_file_run },
    { "reader_and_pool", "(c) reader and pool",
      "one task reads all files, and a pool of tasks counts the blocks it hands out",
      weft__pool_run },
};

/* weft_main hands main's arguments to the first task and nothing more: the options wait here. */
static struct weft__tour the_tour;

bool weft__tour_agrees(const struct weft__tour *tour)
{
    return tour->ways_begun == WEFT__TOUR_WAYS && !tour->interrupted &&
           tour->outcome.wrong.count == 0;
}

bool weft__tour_is_good(const struct weft__tour *tour)
{
    if (!tour->options.no_files && !weft__tour_agrees(tour))
        return false;
    if (!tour->options.no_threads && !weft__threads_agree(&tour->threads))
        return false;
    return tour->options.seconds == 0 || weft__echo_agrees(&tour->echo);
}

double weft__tour_speed_up(const struct weft__tour *tour, int way)
{
    const struct weft__pass_result *serial = &tour->pass[0];
    const struct weft__pass_result *result = &tour->pass[way];

    if (!serial->complete || !result->complete || result->ns == 0)
        return 0;
    return (double)serial->ns / (double)result->ns;
}

double weft__tour_mb_per_s(const struct weft__pass_result *result)
{
    if (result->ns == 0)
        return 0;
    return (double)result->total.bytes / 1e6 / ((double)result->ns / (double)WEFT_SECOND);
}

static int walk(struct weft__tour *tour)
{
    int64_t start_ns = weft_clock();

    weft__progress_begin(&tour->progress, "walking");
    int rc = weft__walk_run(&tour->walk, &tour->options.roots, &tour->progress);
    weft__progress_wipe(&tour->progress);
    tour->walk_ns = weft_clock() - start_ns;
    if (!tour->options.json)
        weft__text_walk(tour);
    return rc;
}

static int run_way(struct weft__tour *tour, struct weft__outcome *outcome, const char *what,
                   int (*way)(struct weft__pass *pass), struct weft__pass_result *out_result)
{
    struct weft__pass pass = {
        .files = &tour->walk.files,
        .outcome = outcome,
        .progress = &tour->progress,
    };

    weft__progress_begin(&tour->progress, what);
    int rc = weft__pass_run(&pass, way);
    weft__progress_wipe(&tour->progress);
    *out_result = pass.result;
    return rc;
}

/* Whatever is cold would be charged to the way that runs first. */
static int warm_up(struct weft__tour *tour)
{
    int rc = 0;

    tour->cache = weft__cache_sample(&tour->walk.files);
    if (!weft__cache_is_warm(&tour->cache))
        rc = run_way(tour, NULL, "reading once", weft__per_file_run, &tour->warm_up);
    if (!tour->options.json)
        weft__text_warm_up(tour);
    return rc;
}

static int run_ways(struct weft__tour *tour)
{
    int rc = weft__outcome_init(&tour->outcome, &tour->walk.files);

    for (int way = 0; way < WEFT__TOUR_WAYS && rc == 0; way++) {
        const struct weft__tour_way *this_way = &weft__tour_ways[way];
        tour->ways_begun = way + 1;
        rc = run_way(tour, &tour->outcome, this_way->title, this_way->run, &tour->pass[way]);
        if (!tour->options.json)
            weft__text_way(tour, way);
    }
    if (rc == 0)
        weft__outcome_settle(&tour->outcome);
    return rc;
}

/* Finds the files and reads them; what can't go on is an error, a file that can't be read none. */
static int run_files(struct weft__tour *tour)
{
    int rc = walk(tour);

    if (rc == 0 && !tour->options.no_files)
        rc = warm_up(tour);
    if (rc == 0 && !tour->options.no_files)
        rc = run_ways(tour);
    tour->interrupted = rc == -ECANCELED;
    return rc;
}

/* Returns 0 or the error of writing. */
static int run_threads(struct weft__tour *tour)
{
    weft__progress_begin(&tour->progress, "holding");
    int rc = weft__threads_run(&tour->threads, &tour->walk.files, &tour->progress);
    weft__progress_wipe(&tour->progress);
    tour->interrupted = rc == -ECANCELED;
    return tour->options.json ? 0 : weft__text_threads(tour);
}

/* Returns 0 or the error of writing. */
static int run_echo(struct weft__tour *tour)
{
    if (!tour->options.json)
        weft__text_echo_intro();
    weft__progress_begin(&tour->progress, "echo");
    int rc = weft__echo_run(&tour->echo, tour->options.seconds);
    weft__progress_wipe(&tour->progress);
    tour->interrupted = rc == -ECANCELED;
    return tour->options.json ? 0 : weft__text_echo(tour);
}

static int finish(const struct weft__tour *tour, int written)
{
    int rc = written >= 0 && tour->options.json ? weft__json_print(tour) : written;

    if (rc == -EPIPE)
        return WEFT_EXIT_WRONG; /* the reader has seen enough, and wants no words about it */
    if (rc < 0)
        return weft_fail(rc, NULL, "cannot write the report");
    if (tour->interrupted)
        return WEFT_EXIT_OK; /* weft_main makes 130 of it */
    return weft__tour_is_good(tour) ? WEFT_EXIT_OK : WEFT_EXIT_WRONG;
}

static int run_tour(void *arguments)
{
    struct weft__tour *tour = &the_tour;
    int written = 0;
    int rc = 0;

    (void)arguments;
    tour->progress = weft__progress_make();
    tour->workers = weft_worker_count(0);
    weft_runtime_about(0, tour->about, sizeof(tour->about));
    if (!tour->options.json)
        weft__text_intro(tour);

    if (!tour->options.no_files || !tour->options.no_threads)
        rc = run_files(tour);
    if (rc < 0 && !tour->interrupted)
        return weft_fail(rc, NULL, "the tour could not go on");
    if ((!tour->options.no_files || tour->interrupted) && !tour->options.json)
        written = weft__text_end(tour);
    if (!tour->options.no_threads && !tour->interrupted && written >= 0)
        written = run_threads(tour);
    if (tour->options.seconds > 0 && !tour->interrupted && written >= 0)
        written = run_echo(tour);
    return finish(tour, written);
}

int weft_tool_tour(int argc, char **argv)
{
    struct weft__tour *tour = &the_tour;
    int code = weft__options_read(&tour->options, argc, argv);

    if (code == 0 && tour->options.help)
        weft__text_help();
    else if (code == 0)
        code = weft_main(argc, argv, run_tour, NULL);
    weft__outcome_fini(&tour->outcome);
    weft__walk_release(&tour->walk);
    weft__options_release(&tour->options);
    return code;
}
