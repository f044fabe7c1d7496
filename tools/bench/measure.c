#include "tools/bench/measure.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/child.h"
#include "tools/bench/data.h"
#include "tools/bench/peers.h"
#include "tools/bench/statistics.h"

enum {
    pairs_default = 15,
    quick_runs = 3,
    limit_s = 180, /* a million Go tasks on a slow machine take a sixth of it */
    quick_limit_s = 30,
};

static unsigned runs_of(const struct weft__measure_plan *plan, unsigned usual)
{
    return plan->runs != 0 ? plan->runs : plan->quick ? quick_runs : usual;
}

/* One for each worker, and one for a client; 0: all. */
static uint32_t cpus_of(const struct weft__metric *metric)
{
    return metric->workers + (metric->connections != 0 ? 1 : 0);
}

/* A metric of several workers says nothing where they share a CPU. */
static bool enough_cpus(const struct weft__metric *metric, struct weft__report *report)
{
    if (cpus_of(metric) <= weft__child_cpus())
        return true;
    weft__report_remark(report, "not measured: %s, which needs %" PRIu32 " CPUs", metric->name,
                        cpus_of(metric));
    return false;
}

/* The file that the metric reads, if it reads one, is there before anybody's clock starts. */
static bool has_file(const struct weft__metric *metric, const struct weft__measure_plan *plan,
                     struct weft__report *report)
{
    const char *folder = NULL;

    if (metric->file_blocks == NULL)
        return true;
    uint64_t count = weft__metric_operations(metric, NULL, plan->quick);
    int rc = weft__data_make(metric->file_blocks(count), &folder);
    if (rc < 0)
        weft__report_wrong(report, "%s: no file to read in %s (TMPDIR names another folder): %s",
                           metric->name, folder, weft_error_name(rc));
    return rc == 0;
}

/* Which engine runs weft stands above the table already. */
static bool says_engine_alone(const char *notes)
{
    static const char notice[] = "weft: the compat engine is used in place of io_uring";
    return strncmp(notes, notice, sizeof(notice) - 1) == 0 && strchr(notes, '\n') == NULL;
}

/* One run of ours (@program NULL) or of a peer's program. Returns whether it gave a true figure. */
static bool run_once(struct weft__series *series, const char *program, bool quick,
                     struct weft__report *report, double *out_value)
{
    const struct weft__metric *metric = series->metric;
    const char *who = series->peer != NULL ? series->peer->name : "weft";
    uint64_t count = weft__metric_operations(metric, series->peer, quick);
    char count_text[24];
    const char *how = metric->connections != 0 ? "--serve" : "--body";
    const char *const ours[] = { "/proc/self/exe", "bench", how, metric->name,
                                 count_text,       program, NULL };
    const char *const theirs[] = { program, metric->name, count_text, NULL };
    bool alone = program != NULL && metric->connections == 0; /* a client starts its server */
    struct weft__child_answer answer;

    (void)snprintf(count_text, sizeof(count_text), "%" PRIu64, count);
    if (!weft__child_run(alone ? theirs : ours, metric->name, cpus_of(metric),
                         quick ? quick_limit_s : limit_s, &answer)) {
        weft__report_wrong(report, "%s of %s: %s", metric->name, who, answer.notes);
        return false;
    }
    if (answer.checksum != metric->checksum(count)) {
        weft__report_wrong(report,
                           "%s of %s: wrong checksum, it did not do the work: %" PRIu64
                           " instead of %" PRIu64,
                           metric->name, who, answer.checksum, metric->checksum(count));
        return false;
    }
    if (answer.notes[0] != '\0' && !says_engine_alone(answer.notes))
        weft__report_remark(report, "%s of %s said: %s", metric->name, who, answer.notes);
    series->workers = answer.workers != 0    ? answer.workers
                      : metric->workers != 0 ? metric->workers
                                             : weft__child_cpus();
    series->parks_per_wake = answer.parks_per_wake;
    *out_value = answer.value;
    return true;
}

/* Returns whether @series has room for @runs runs and as many ratios. */
static bool series_init(struct weft__series *series, const struct weft__metric *metric,
                        const struct weft__metric_peer *peer, size_t runs)
{
    *series = (struct weft__series){
        .metric = metric,
        .peer = peer,
        .values = calloc(runs, sizeof(double)),
        .ratios = calloc(runs, sizeof(double)),
    };
    return series->values != NULL && series->ratios != NULL;
}

static void series_fini(struct weft__series *series)
{
    free(series->values);
    free(series->ratios);
}

void weft__measure_ours(const struct weft__metric *metric, const struct weft__measure_plan *plan,
                        struct weft__report *report)
{
    unsigned runs = runs_of(plan, metric->samples);
    struct weft__series series;

    if (!enough_cpus(metric, report) || !has_file(metric, plan, report))
        return;
    bool good = series_init(&series, metric, NULL, runs);
    for (unsigned i = 0; good && i < runs; i++) {
        weft__report_progress(report, metric, "weft", i, runs);
        good = run_once(&series, NULL, plan->quick, report, &series.values[i]);
        series.count += good ? 1 : 0;
    }
    weft__report_series(report, &series);
    series_fini(&series);
}

/* @ours gets a figure from each pair too, up to weft__statistics_values_max. */
static bool run_pairs(struct weft__series *ours, struct weft__series *theirs, const char *program,
                      const struct weft__measure_plan *plan, struct weft__report *report)
{
    unsigned pairs = runs_of(plan, pairs_default);

    for (unsigned i = 0; i < pairs; i++) {
        double our_value;
        double their_value;
        weft__report_progress(report, ours->metric, theirs->peer->name, i, pairs);
        if (!run_once(ours, NULL, plan->quick, report, &our_value) ||
            !run_once(theirs, program, plan->quick, report, &their_value))
            return false;
        if (ours->count < weft__statistics_values_max)
            ours->values[ours->count++] = our_value;
        theirs->values[theirs->count++] = their_value;
        theirs->ratios[theirs->ratio_count++] = our_value / their_value;
    }
    return true;
}

/* The program of a peer that is wanted and there, else NULL. */
static const char *find_program(const struct weft__metric_peer *peer,
                                const struct weft__measure_plan *plan, struct weft__report *report)
{
    const char *reason = NULL;

    if (plan->only != NULL && strcmp(plan->only, peer->name) != 0)
        return NULL;
    const char *program = weft__peers_program(plan->folder, peer->name, &reason);
    if (program == NULL)
        weft__report_remark(report, "not available: %s: %s", peer->name, reason);
    return program;
}

/* Ours stands above the peers in the table, so all is measured before anything is printed. */
void weft__measure_pairs(const struct weft__metric *metric, const struct weft__measure_plan *plan,
                         struct weft__report *report)
{
    struct weft__series theirs[weft__metric_peers_max];
    struct weft__series ours;
    size_t measured = 0;

    if (!enough_cpus(metric, report) || !has_file(metric, plan, report))
        return;
    bool good = series_init(&ours, metric, NULL, weft__statistics_values_max);
    for (const struct weft__metric_peer *peer = metric->peers; good && peer->name != NULL; peer++) {
        const char *program = find_program(peer, plan, report);
        if (program == NULL)
            continue;
        good = series_init(&theirs[measured], metric, peer, runs_of(plan, pairs_default));
        if (good)
            (void)run_pairs(&ours, &theirs[measured], program, plan, report);
        measured++;
    }
    weft__report_series(report, &ours);
    for (size_t i = 0; i < measured; i++) {
        weft__report_series(report, &theirs[i]);
        series_fini(&theirs[i]);
    }
    series_fini(&ours);
}
