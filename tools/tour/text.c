#include "tools/tour/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weft.h>

enum { NUMBER_BYTES = 32, PATH_SHOWN = 240 };

struct number {
    char text[NUMBER_BYTES];
};

/* 1234567 becomes 1,234,567. */
static struct number show_number(uint64_t value)
{
    struct number shown;
    size_t at = NUMBER_BYTES - 1;

    shown.text[at] = '\0';
    for (int digits = 0; digits == 0 || value > 0; digits++) {
        if (digits > 0 && digits % 3 == 0)
            shown.text[--at] = ',';
        shown.text[--at] = (char)('0' + value % 10);
        value /= 10;
    }
    memmove(shown.text, shown.text + at, NUMBER_BYTES - at);
    return shown;
}

#define NUMBER(value) (show_number(value).text)

static struct number show_seconds(int64_t ns)
{
    struct number shown;

    (void)snprintf(shown.text, sizeof(shown.text), "%.3f s", (double)ns / (double)WEFT_SECOND);
    return shown;
}

#define SECONDS(ns) (show_seconds(ns).text)

struct shown_path {
    char text[PATH_SHOWN + 1];
};

/* Control characters in a name must not reach a terminal. A long path loses its head. */
static struct shown_path show_path(const char *path)
{
    struct shown_path shown;
    size_t bytes = strlen(path);
    const char *from = bytes > PATH_SHOWN ? path + bytes - PATH_SHOWN : path;
    size_t i;

    for (i = 0; from[i] != '\0'; i++) {
        unsigned char byte = (unsigned char)from[i];
        shown.text[i] = byte < 0x20 || byte == 0x7f ? '?' : from[i];
    }
    shown.text[i] = '\0';
    if (from != path)
        memcpy(shown.text, "...", 3);
    return shown;
}

#define PATH(path) (show_path(path).text)

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

void weft__text_help(void)
{
    weft_printf(
        "usage: weft tour [--json] [--only PART] [--seconds N] [DIR]...\n"
        "\n"
        "Walks each DIR (when none is named: /usr/include and /usr/share/doc) and counts the\n"
        "lines, words and bytes of every regular file in three ways: serially with plain reads,\n"
        "with a task for each file, and with one reader and a pool of counting tasks. Then it\n"
        "compares the counts, which must be the same, and the times. The same files are held in\n"
        "memory, up to 64 MiB, and counted by one task, by forks, by a parallel loop and by a\n"
        "reduction. In the end a server on loopback echoes what 64 client tasks send it over "
        "TCP.\n");
    weft_printf(
        "\n"
        "  --json       print one JSON object at the end, and nothing else\n"
        "  --only PART  of it: files, threads (the same in memory) or echo\n"
        "  --seconds N  how long the clients ask the server, 1 to 3600 (2)\n"
        "  --help       print this\n"
        "\n"
        "A DIR may be a file. Symbolic links are not followed, unless named as DIR. A word starts\n"
        "at a byte from 0x21 to 0x7e and ends at white space, as for wc in the C locale. Files "
        "that\n"
        "can't be read or have vanished are listed and counted. WEFT_WORKERS=N sets the number of\n"
        "workers, which is one for each CPU that the process may use.\n");
    weft_printf("\n"
                "Exit status: 0 the counts agree and each reply was right, 1 they do not, 2 wrong\n"
                "usage or no such DIR, 130 after Ctrl-C, with the results so far.\n");
}

void weft__text_intro(const struct weft__tour *tour)
{
    weft_printf("weft %s: %s\n", weft_version(), tour->about);
}

static void print_roots(const struct weft__paths *roots)
{
    for (size_t i = 0; i < roots->count; i++) {
        const char *before = i == 0 ? "" : i + 1 == roots->count ? " and " : ", ";
        weft_printf("%s%s", before, PATH(roots->items[i]));
    }
}

static void print_left_out(uint64_t count, const char *what, const char **before)
{
    if (count == 0)
        return;
    weft_printf("%s%s %s%s", *before, NUMBER(count), what, plural(count));
    *before = ", ";
}

void weft__text_walk(const struct weft__tour *tour)
{
    const struct weft__walk *walk = &tour->walk;
    const char *before = "Left out: ";

    weft_printf("Walked ");
    print_roots(&tour->options.roots);
    weft_printf(" with a task for each folder: %s file%s in %s folder%s, %s\n",
                NUMBER(walk->files.count), plural(walk->files.count), NUMBER(walk->folders.count),
                plural(walk->folders.count), SECONDS(tour->walk_ns));
    print_left_out(walk->symlinks, "symbolic link", &before);
    print_left_out(walk->pipes, "named pipe", &before);
    print_left_out(walk->sockets, "socket", &before);
    print_left_out(walk->devices, "device", &before);
    if (walk->symlinks + walk->pipes + walk->sockets + walk->devices > 0)
        weft_printf("\n");
}

static void print_cache(const char *before, const struct weft__cache *cache)
{
    int percent = weft__cache_percent(cache);
    const char *state = percent <= 1 ? "cold" : "partly warm";

    if (percent < 0)
        weft_printf("%spage cache: the kernel does not show this user what it holds\n", before);
    else
        weft_printf("%spage cache: %s, %d %% of %zu sampled file%s in memory\n", before,
                    weft__cache_is_warm(cache) ? "warm" : state, percent, cache->sampled,
                    plural(cache->sampled));
}

void weft__text_warm_up(const struct weft__tour *tour)
{
    if (tour->walk.files.count == 0)
        return;
    print_cache("Before the start, ", &tour->cache);
    if (tour->warm_up.files > 0)
        weft_printf("Read everything once, so that no way pays for the others: "
                    "%s, %s MB/s\n",
                    SECONDS(tour->warm_up.ns),
                    NUMBER((uint64_t)weft__tour_mb_per_s(&tour->warm_up)));
}

static void print_effort(const struct weft__tour *tour, int way)
{
    const struct weft__pass_result *result = &tour->pass[way];

    weft_printf("    %s, %s MB/s, %s system call%s", SECONDS(result->ns),
                NUMBER((uint64_t)weft__tour_mb_per_s(result)), NUMBER(result->system_calls),
                plural(result->system_calls));
    if (way > 0)
        weft_printf(", %s task%s, %s stolen, %s switch%s", NUMBER(result->tasks),
                    plural(result->tasks), NUMBER(result->steals), NUMBER(result->switches),
                    result->switches == 1 ? "" : "es");
    weft_printf("\n");
}

void weft__text_way(const struct weft__tour *tour, int way)
{
    const struct weft__pass_result *result = &tour->pass[way];

    weft_printf("\n%s: %s\n", weft__tour_ways[way].title, weft__tour_ways[way].meaning);
    weft_printf("    %s line%s, %s word%s, %s byte%s\n", NUMBER(result->total.lines),
                plural(result->total.lines), NUMBER(result->total.words),
                plural(result->total.words), NUMBER(result->total.bytes),
                plural(result->total.bytes));
    print_effort(tour, way);
    if (result->files > result->unreadable)
        print_cache("    before it, ", &result->cache);
}

static void print_row(const struct weft__tour *tour, int way)
{
    const struct weft__pass_result *result = &tour->pass[way];
    char speed_up[NUMBER_BYTES];

    (void)snprintf(speed_up, sizeof(speed_up), "%.2f", weft__tour_speed_up(tour, way));
    weft_printf("%-20s %10s %8s %9s %9s %8s %13s\n", weft__tour_ways[way].title,
                SECONDS(result->ns), NUMBER((uint64_t)weft__tour_mb_per_s(result)),
                tour->pass[0].complete && result->complete ? speed_up : "-",
                way == 0 ? "-" : NUMBER(result->tasks), way == 0 ? "-" : NUMBER(result->steals),
                NUMBER(result->system_calls));
}

static void print_table(const struct weft__tour *tour)
{
    weft_printf("\n%-20s %10s %8s %9s %9s %8s %13s\n", "way", "time", "MB/s", "speed-up", "tasks",
                "steals", "system calls");
    for (int way = 0; way < tour->ways_begun; way++)
        print_row(tour, way);
}

static void print_trouble(const char *what, const struct weft__trouble *trouble)
{
    if (trouble->count == 0)
        return;
    weft_printf("\n%s: %s\n", what, NUMBER(trouble->count));
    for (size_t i = 0; i < weft__trouble_listed(trouble); i++) {
        int error = trouble->first[i].error;
        weft_printf("    %s%s%s\n", PATH(trouble->first[i].path), error == 0 ? "" : ": ",
                    error == 0 ? "" : weft_error_name(error));
    }
    if (trouble->count > WEFT__TROUBLE_LISTED)
        weft_printf("    and %s more\n", NUMBER(trouble->count - WEFT__TROUBLE_LISTED));
}

static int print_interrupted(const struct weft__tour *tour)
{
    int running = tour->ways_begun - 1;

    if (running < 0)
        return weft_printf("\nInterrupted before the first way began; %s file%s had been found.\n",
                           NUMBER(tour->walk.files.count), plural(tour->walk.files.count));
    return weft_printf("\nInterrupted: %s had counted %s of %s files. The ways are not compared.\n",
                       weft__tour_ways[running].title, NUMBER(tour->pass[running].files),
                       NUMBER(tour->walk.files.count));
}

static int print_verdict(const struct weft__tour *tour)
{
    const struct weft__count *total = &tour->pass[0].total;

    if (!weft__tour_agrees(tour))
        return weft_printf("\nThe three ways do NOT agree: this is a defect of weft.\n");
    if (tour->outcome.changed.count > 0)
        return weft_printf(
            "\nThe three ways agree on all files but those that changed meanwhile.\n");
    return weft_printf("\nAll three agree: %s lines, %s words, %s bytes.\n", NUMBER(total->lines),
                       NUMBER(total->words), NUMBER(total->bytes));
}

int weft__text_end(const struct weft__tour *tour)
{
    if (tour->ways_begun > 0)
        print_table(tour);
    print_trouble("Folders that could not be read", &tour->walk.unreadable);
    print_trouble("Files that could not be read, or vanished", &tour->outcome.unreadable);
    print_trouble("Files without an end, given up after 16 MiB and not counted",
                  &tour->outcome.endless);
    print_trouble("Files that changed while the tour ran", &tour->outcome.changed);
    print_trouble("Files that were counted differently", &tour->outcome.wrong);
    return tour->interrupted ? print_interrupted(tour) : print_verdict(tour);
}

static struct number show_time(uint64_t ns)
{
    struct number shown;

    if (ns < 1000)
        (void)snprintf(shown.text, sizeof(shown.text), "%u ns", (unsigned)ns);
    else if (ns < 1000000)
        (void)snprintf(shown.text, sizeof(shown.text), "%.3g us", (double)ns / 1e3);
    else if (ns < 1000000000)
        (void)snprintf(shown.text, sizeof(shown.text), "%.3g ms", (double)ns / 1e6);
    else
        (void)snprintf(shown.text, sizeof(shown.text), "%.3g s", (double)ns / 1e9);
    return shown;
}

#define TIME(ns) (show_time(ns).text)

static void print_threads_row(const struct weft__threads_result *threads, int way)
{
    const struct weft__threads_pass *pass = &threads->pass[way];

    weft_printf("    %-16s %10s %8s %9.2f %9s %18s\n", weft__threads_ways[way].title,
                TIME((uint64_t)pass->ns), NUMBER((uint64_t)weft__threads_mb_per_s(threads, way)),
                weft__threads_speed_up(threads, way), NUMBER(pass->share.pieces),
                NUMBER(pass->share.elsewhere));
}

static int print_threads_verdict(const struct weft__threads_result *threads)
{
    const struct weft__count *total = &threads->pass[0].share.count;

    if (threads->error == -ECANCELED)
        return weft_printf("\nInterrupted: %d of %d ways had counted the text.\n",
                           threads->ways_done, WEFT__THREADS_WAYS);
    if (threads->error < 0)
        return weft_printf("\nThe text could not be counted: %s\n",
                           weft_error_name(threads->error));
    if (!weft__threads_agree(threads))
        return weft_printf("\nThe four ways do NOT agree: this is a defect of weft.\n");
    return weft_printf("\nAll four agree: %s lines, %s words, %s bytes.\n", NUMBER(total->lines),
                       NUMBER(total->words), NUMBER(total->bytes));
}

int weft__text_threads(const struct weft__tour *tour)
{
    const struct weft__threads_result *threads = &tour->threads;

    weft_printf("\n(d) threads: %s file%s held in memory as one text, %s bytes%s, counted by %d "
                "worker%s\n",
                NUMBER(threads->files), plural(threads->files), NUMBER(threads->bytes),
                threads->whole ? "" : " (there is more)", tour->workers,
                plural((uint64_t)tour->workers));
    for (int way = 0; way < WEFT__THREADS_WAYS; way++)
        weft_printf("    %-16s %s\n", weft__threads_ways[way].title,
                    weft__threads_ways[way].meaning);
    weft_printf("\n    %-16s %10s %8s %9s %9s %18s\n", "way", "median", "MB/s", "speed-up",
                "pieces", "on other workers");
    for (int way = 0; way < threads->ways_done; way++)
        print_threads_row(threads, way);
    return print_threads_verdict(threads);
}

void weft__text_echo_intro(void)
{
    weft_printf("\n(e) echo: %d client tasks send %d bytes over TCP on loopback and wait for the "
                "reply\n",
                WEFT__ECHO_CLIENTS, WEFT__ECHO_BYTES);
}

static uint64_t find_most(const struct weft__histogram *latency)
{
    uint64_t low = weft__histogram_first_bound(latency);
    uint64_t most = 0;

    while (low <= latency->largest) {
        uint64_t high = weft__histogram_next_bound(low);
        uint64_t count = weft__histogram_between(latency, low, high);
        most = count > most ? count : most;
        low = high;
    }
    return most;
}

/* A row for each step of 1, 2, 5, 10; what is there at all gets a mark. */
static void draw(const struct weft__histogram *latency)
{
    static const char bar[] = "##################################################";
    uint64_t low = weft__histogram_first_bound(latency);
    uint64_t most = find_most(latency);

    while (low <= latency->largest) {
        uint64_t high = weft__histogram_next_bound(low);
        uint64_t count = weft__histogram_between(latency, low, high);
        uint64_t marks = (count * (sizeof(bar) - 1) + most - 1) / most;
        weft_printf("    %7s to %-7s %6.2f %% %.*s\n", TIME(low), TIME(high),
                    100.0 * (double)count / (double)latency->count, (int)marks, bar);
        low = high;
    }
}

static int print_echo_verdict(const struct weft__echo_result *echo)
{
    if (echo->error == -ECANCELED)
        return weft_printf("\nInterrupted: the clients had more to ask.\n");
    if (echo->error < 0)
        return weft_printf("\nThe echo could not go on: %s\n", weft_error_name(echo->error));
    if (!weft__echo_agrees(echo))
        return weft_printf("\n%s replies were wrong: this is a defect of weft.\n",
                           NUMBER(echo->wrong));
    return weft_printf("\nEach reply was what its client had sent.\n");
}

int weft__text_echo(const struct weft__tour *tour)
{
    const struct weft__echo_result *echo = &tour->echo;
    const struct weft__histogram *latency = &echo->latency;

    weft_printf("    %s requests in %s: %s a second\n", NUMBER(echo->requests), SECONDS(echo->ns),
                NUMBER((uint64_t)weft__echo_rate(echo)));
    if (latency->count > 0) {
        weft_printf(
            "    a reply took 50 %%: %s, 90 %%: %s, 99 %%: %s, 99.9 %%: %s, the longest %s\n",
            TIME(weft__histogram_at(latency, 0.5)), TIME(weft__histogram_at(latency, 0.9)),
            TIME(weft__histogram_at(latency, 0.99)), TIME(weft__histogram_at(latency, 0.999)),
            TIME(latency->largest));
        draw(latency);
    }
    return print_echo_verdict(echo);
}
