#include "tools/tour/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <weft.h>

/* The length of the UTF-8 sequence at text; 0 when it is none, as longer forms and surrogates. */
static size_t measure_sequence(const unsigned char *text)
{
    unsigned char first = text[0];
    unsigned low = 0x80;
    unsigned high = 0xbf;
    size_t more;

    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf4)
        high = 0x8f;
    for (size_t i = 1; i <= more; i++) {
        if (text[i] < low || text[i] > high)
            return 0;
        low = 0x80;
        high = 0xbf;
    }
    return more + 1;
}

/* A path may hold any byte. What is not UTF-8 becomes the replacement character U+FFFD. */
static void write_string(FILE *out, const char *string)
{
    const unsigned char *text = (const unsigned char *)string;

    putc('"', out);
    while (*text != '\0') {
        size_t bytes = measure_sequence(text);
        if (bytes == 0)
            fputs("\\ufffd", out);
        else if (*text < 0x20 || *text == 0x7f)
            fprintf(out, "\\u%04x", *text);
        else if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else
            fwrite(text, 1, bytes, out);
        text += bytes == 0 ? 1 : bytes;
    }
    putc('"', out);
}

static void write_roots(FILE *out, const struct weft__paths *roots)
{
    fputs("\"roots\":[", out);
    for (size_t i = 0; i < roots->count; i++) {
        if (i > 0)
            putc(',', out);
        write_string(out, roots->items[i]);
    }
    fputs("],", out);
}

static void write_trouble(FILE *out, const char *name, const struct weft__trouble *trouble)
{
    fprintf(out, ",\"%s\":{\"count\":%" PRIu64 ",\"first\":[", name, trouble->count);
    for (size_t i = 0; i < weft__trouble_listed(trouble); i++) {
        fputs(i == 0 ? "{\"path\":" : ",{\"path\":", out);
        write_string(out, trouble->first[i].path);
        if (trouble->first[i].error != 0) {
            fputs(",\"error\":", out);
            write_string(out, weft_error_name(trouble->first[i].error));
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

static void write_tour(FILE *out, const struct weft__tour *tour)
{
    fputs("{\"tool\":\"weft tour\",\"version\":", out);
    write_string(out, weft_version());
    fputs(",\"about\":", out);
    write_string(out, tour->about);
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
    fprintf(out, ",\"agree\":%s,\"interrupted\":%s}\n", weft__tour_agrees(tour) ? "true" : "false",
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
