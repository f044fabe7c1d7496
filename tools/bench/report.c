#include "tools/bench/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/bench/machine.h"
#include "tools/bench/statistics.h"

enum { figure_bytes = 32 };

static void clear_progress(struct weft__report *report)
{
    if (report->progress_shown)
        (void)fputs("\r\033[K", stderr);
    report->progress_shown = false;
}

void weft__report_progress(struct weft__report *report, const struct weft__metric *metric,
                           const char *who, size_t done, size_t all)
{
    if (isatty(STDERR_FILENO) != 1)
        return;
    (void)fprintf(stderr, "\r\033[K%s, %s: run %zu of %zu", metric->name, who, done + 1, all);
    report->progress_shown = true;
}

/* Four digits, as many as such a figure is good for, and never an exponent. */
static const char *figure_text(double value, char out_text[figure_bytes])
{
    double size = value < 0 ? -value : value;
    int decimals = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4;

    (void)snprintf(out_text, figure_bytes, "%.*f", decimals, value);
    return out_text;
}

static void print_header(struct weft__report *report)
{
    if (report->header_shown)
        return;
    report->header_shown = true;
    weft__machine_print_text(stdout, weft__machine_look());
    printf("\n%-26s %-6s %-9s %11s %11s %11s %5s  %7s  %s\n", "metric", "unit", "who", "median",
           "min", "max", "runs", "ratio", "95 % interval, aim");
}

static const char *who_of(const struct weft__series *series)
{
    return series->peer != NULL ? series->peer->name : "weft";
}

static void print_aim(const struct weft__report *report, const struct weft__series *series,
                      double figure, double bound, const char *before)
{
    if (bound > 0 && !report->quick)
        printf("%saim %.5g %s", before, bound,
               weft__metric_keeps(series->metric, figure, bound) ? "reached" : "MISSED");
}

static void print_ratio(struct weft__report *report, const struct weft__series *series,
                        const struct weft__statistics *ratio)
{
    bool few = ratio->confidence < 0.95;

    printf("  %7.3f  %.3f to %.3f%s", ratio->median, ratio->low, ratio->high, few ? " *" : "");
    report->few_pairs |= few;
    print_aim(report, series, ratio->median, series->peer->bound, ", ");
}

static void print_row(struct weft__report *report, const struct weft__series *series,
                      const struct weft__statistics *figures, const struct weft__statistics *ratio)
{
    const struct weft__metric *metric = series->metric;
    char median[figure_bytes];
    char min[figure_bytes];
    char max[figure_bytes];

    print_header(report);
    printf("%-26s %-6s %-9s %11s %11s %11s %5zu", series->peer == NULL ? metric->name : "",
           series->peer == NULL ? metric->unit : "", who_of(series),
           figure_text(figures->median, median), figure_text(figures->min, min),
           figure_text(figures->max, max), series->count);
    if (ratio != NULL)
        print_ratio(report, series, ratio);
    if (series->peer == NULL)
        print_aim(report, series, figures->median, metric->bound, "           ");
    if (series->parks_per_wake > 0)
        printf("           %.2f sleeps for each wake", series->parks_per_wake);
    printf("\n");
}

static void print_object(const struct weft__series *series, const struct weft__statistics *figures,
                         const struct weft__statistics *ratio)
{
    printf("{\"metric\": \"%s\", \"unit\": \"%s\", \"median\": %.9g, \"min\": %.9g, "
           "\"max\": %.9g, \"samples\": %zu, \"workers\": %u, \"peer\": \"%s\"",
           series->metric->name, series->metric->unit, figures->median, figures->min, figures->max,
           series->count, series->workers, who_of(series));
    if (ratio != NULL)
        printf(", \"ratio\": %.6g, \"ratio_low\": %.6g, \"ratio_high\": %.6g", ratio->median,
               ratio->low, ratio->high);
    if (series->parks_per_wake > 0)
        printf(", \"parks_per_wake\": %.4g", series->parks_per_wake);
    printf(", \"machine\": ");
    weft__machine_print_json(stdout, weft__machine_look());
    printf("}\n");
}

void weft__report_series(struct weft__report *report, struct weft__series *series)
{
    struct weft__statistics figures;
    struct weft__statistics ratio;
    bool paired = series->ratio_count > 0;

    clear_progress(report);
    if (series->count == 0)
        return;
    weft__statistics_describe(series->values, series->count, &figures);
    if (paired)
        weft__statistics_describe(series->ratios, series->ratio_count, &ratio);
    if (report->json)
        print_object(series, &figures, paired ? &ratio : NULL);
    else
        print_row(report, series, &figures, paired ? &ratio : NULL);
    (void)fflush(stdout);
}

void weft__report_wrong(struct weft__report *report, const char *format, ...)
{
    va_list arguments;

    clear_progress(report);
    report->wrong++;
    (void)fputs("weft bench: ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
}

void weft__report_remark(struct weft__report *report, const char *format, ...)
{
    if (report->remark_count == weft__report_remarks_max)
        return;
    char *remark = report->remarks[report->remark_count];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(remark, weft__report_remark_bytes, format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < report->remark_count; i++)
        if (strcmp(report->remarks[i], remark) == 0)
            return;
    report->remark_count++;
}

void weft__report_end(struct weft__report *report)
{
    FILE *stream = report->json ? stderr : stdout; /* JSON lines stay JSON lines */

    clear_progress(report);
    if (!report->json && report->few_pairs)
        printf("\n* fewer than 6 pairs: minimum to maximum, no interval of 95 %%\n");
    if (report->remark_count > 0)
        (void)fputc('\n', stream);
    for (size_t i = 0; i < report->remark_count; i++)
        (void)fprintf(stream, "%s\n", report->remarks[i]);
    (void)fflush(stream);
}
