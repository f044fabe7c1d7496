#include "tools/tour/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <weft.h>

#include "tools/common/quote.h"

static void write_roots(FILE *out, const struct weft__paths *roots)
{
    fputs("\"roots\":[", out);
    for (size_t i = 0; i < roots->count; i++) {
        if (i > 0)
            putc(',', out);
        weft__quote_json(out, roots->items[i]);
    }
    fputs("],", out);
}

static void write_trouble(FILE *out, const char *name, const struct weft__trouble *trouble)
{
    fprintf(out, ",\"%s\":{\"count\":%" PRIu64 ",\"first\":[", name, trouble->count);
    for (size_t i = 0; i < weft__trouble_listed(trouble); i++) {
        fputs(i == 0 ? "{\"path\":" : ",{\"path\":", out);
        weft__quote_json(out, trouble->first[i].path);
        if (trouble->first[i].error != 0) {
            fputs(",\"error\":", out);
            weft__quote_json(out, weft_error_name(trouble->first[i].error));
        }
        putc('}', out);
    }
    fputs("]}", out);
}

/* null where the kernel does not tell. */
static void write_cache(FILE *out, const struct weft__cache *cache)
{
    if (cache->pages == 0)
        fputs("\"cache\":null", out);
    else
        fprintf(out, "\"cache\":{\"sampled_files\":%zu,\"resident_percent\":%d}", cache->sampled,
                weft__cache_percent(cache));
}

static void write_pass(FILE *out, const struct weft__pass_result *result)
{
    fprintf(out,
            "\"complete\":%s,\"files\":%" PRIu64 ",\"unreadable\":%" PRIu64 ",\"lines\":%" PRIu64
            ",\"words\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"seconds\":%.6f,\"mb_per_s\":%.3f,",
            result->complete ? "true" : "false", result->files, result->unreadable,
            result->total.lines, result->total.words, result->total.bytes,
            (double)result->ns / (double)WEFT_SECOND, weft__tour_mb_per_s(result));
    write_cache(out, &result->cache);
}

static void write_way(FILE *out, const struct weft__tour *tour, int way)
{
    const struct weft__pass_result *result = &tour->pass[way];
    double speed_up = weft__tour_speed_up(tour, way);

    fprintf(out, "%s{\"name\":\"%s\",", way == 0 ? "" : ",", weft__tour_ways[way].name);
    write_pass(out, result);
    fprintf(out,
            ",\"tasks\":%" PRIu64 ",\"steals\":%" PRIu64 ",\"switches\":%" PRIu64
            ",\"system_calls\":%" PRIu64,
            result->tasks, result->steals, result->switches, result->system_calls);
    if (speed_up > 0)
        fprintf(out, ",\"speed_up\":%.4f}", speed_up);
    else
        fputs(",\"speed_up\":null}", out);
}

static void write_walk(FILE *out, const struct weft__tour *tour)
{
    const struct weft__walk *walk = &tour->walk;

    fprintf(
        out,
        "\"files\":%zu,\"folders\":%zu,\"walk_seconds\":%.6f,\"left_out\":{\"symlinks\":%" PRIu64
        ",\"pipes\":%" PRIu64 ",\"sockets\":%" PRIu64 ",\"devices\":%" PRIu64 "},",
        walk->files.count, walk->folders.count, (double)tour->walk_ns / (double)WEFT_SECOND,
        walk->symlinks, walk->pipes, walk->sockets, walk->devices);
}

static void write_latency(FILE *out, const struct weft__histogram *latency)
{
    static const struct {
        const char *name;
        double share;
    } shares[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99.9", 0.999 } };

    fprintf(out, "\"latency_us\":{\"min\":%.3f", (double)latency->least / 1e3);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
        fprintf(out, ",\"%s\":%.3f", shares[i].name,
                (double)weft__histogram_at(latency, shares[i].share) / 1e3);
    fprintf(out, ",\"max\":%.3f},\"histogram\":[", (double)latency->largest / 1e3);
    uint64_t low = weft__histogram_first_bound(latency);
    for (int row = 0; low <= latency->largest && latency->count > 0; row++) {
        uint64_t high = weft__histogram_next_bound(low);
        fprintf(out, "%s{\"from_us\":%.3f,\"to_us\":%.3f,\"count\":%" PRIu64 "}",
                row == 0 ? "" : ",", (double)low / 1e3, (double)high / 1e3,
                weft__histogram_between(latency, low, high));
        low = high;
    }
    fputs("]", out);
}

/* null when it was left out. */
static void write_threads(FILE *out, const struct weft__threads_result *threads)
{
    if (!threads->begun) {
        fputs(",\"threads\":null", out);
        return;
    }
    fprintf(out,
            ",\"threads\":{\"files\":%zu,\"bytes\":%zu,\"whole\":%s,\"rounds\":%d,\"agree\":%s,"
            "\"ways\":[",
            threads->files, threads->bytes, threads->whole ? "true" : "false", WEFT__THREADS_ROUNDS,
            weft__threads_agree(threads) ? "true" : "false");
    for (int way = 0; way < threads->ways_done; way++) {
        const struct weft__threads_share *share = &threads->pass[way].share;
        fprintf(out,
                "%s{\"name\":\"%s\",\"lines\":%" PRIu64 ",\"words\":%" PRIu64 ",\"bytes\":%" PRIu64
                ",\"seconds\":%.9f,\"mb_per_s\":%.3f,\"speed_up\":%.4f,\"pieces\":%" PRIu64
                ",\"pieces_elsewhere\":%" PRIu64 "}",
                way == 0 ? "" : ",", weft__threads_ways[way].name, share->count.lines,
                share->count.words, share->count.bytes,
                (double)threads->pass[way].ns / (double)WEFT_SECOND,
                weft__threads_mb_per_s(threads, way), weft__threads_speed_up(threads, way),
                share->pieces, share->elsewhere);
    }
    fputs("]}", out);
}

/* null when it was left out. */
static void write_echo(FILE *out, const struct weft__echo_result *echo)
{
    if (!echo->begun) {
        fputs(",\"echo\":null", out);
        return;
    }
    fprintf(out,
            ",\"echo\":{\"clients\":%d,\"bytes\":%d,\"requests\":%" PRIu64 ",\"wrong\":%" PRIu64
            ",\"seconds\":%.6f,\"per_second\":%.1f,\"error\":",
            WEFT__ECHO_CLIENTS, WEFT__ECHO_BYTES, echo->requests, echo->wrong,
            (double)echo->ns / (double)WEFT_SECOND, weft__echo_rate(echo));
    if (echo->error < 0)
        weft__quote_json(out, weft_error_name(echo->error));
    else
        fputs("null", out);
    putc(',', out);
    write_latency(out, &echo->latency);
    putc('}', out);
}

static void write_tour(FILE *out, const struct weft__tour *tour)
{
    fputs("{\"tool\":\"weft tour\",\"version\":", out);
    weft__quote_json(out, weft_version());
    fputs(",\"about\":", out);
    weft__quote_json(out, tour->about);
    fprintf(out, ",\"workers\":%d,", tour->workers);
    write_roots(out, &tour->options.roots);
    write_walk(out, tour);
    write_cache(out, &tour->cache);
    fputs(",\"warm_up\":", out);
    if (tour->warm_up.files > 0) {
        putc('{', out);
        write_pass(out, &tour->warm_up);
        putc('}', out);
    } else {
        fputs("null", out);
    }
    fputs(",\"ways\":[", out);
    for (int way = 0; way < tour->ways_begun; way++)
        write_way(out, tour, way);
    putc(']', out);
    write_trouble(out, "unreadable_folders", &tour->walk.unreadable);
    write_trouble(out, "unreadable_files", &tour->outcome.unreadable);
    write_trouble(out, "endless_files", &tour->outcome.endless);
    write_trouble(out, "changed_files", &tour->outcome.changed);
    write_trouble(out, "wrong_files", &tour->outcome.wrong);
    write_threads(out, &tour->threads);
    write_echo(out, &tour->echo);
    const char *agree = weft__tour_agrees(tour) ? "true" : "false";
    fprintf(out, ",\"agree\":%s,\"interrupted\":%s}\n", tour->options.no_files ? "null" : agree,
            tour->interrupted ? "true" : "false");
}

/* Built in memory, so that it is written whole or not at all. */
int weft__json_print(const struct weft__tour *tour)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    if (out == NULL)
        return -ENOMEM;
    write_tour(out, tour);
    int rc = fclose(out) == 0 ? weft_printf("%s", text) : -ENOMEM;
    free(text);
    return rc < 0 ? rc : 0;
}
