/* The weft command: finds the part that the first argument names and hands it the rest. */
#include "tools/command.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <weft.h>

#include "tools/common/flags.h"
#include "tools/common/nearest.h"

struct part {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

static int show_help(int argc, char **argv);
static int show_version(int argc, char **argv);

static const struct part parts[] = {
    { "tour", "reads a folder tree in three ways and compares them", weft_tool_tour },
    { "doctor", "says what of this system hinders weft, and what to change", weft_tool_doctor },
    { "topo", "shows this machine as weft sees it, and where its workers go", weft_tool_topo },
    { "bench", "measures weft, and its peers beside it", weft_tool_bench },
    { "help", "explains a part: weft help tour", show_help },
    { "version", "says which weft this is", show_version },
};

enum { PART_COUNT = sizeof(parts) / sizeof(parts[0]) };

static const struct part *find_part(const char *name)
{
    for (size_t i = 0; i < PART_COUNT; i++)
        if (strcmp(parts[i].name, name) == 0)
            return &parts[i];
    return NULL;
}

/* What may have been meant; NULL: nothing is near. */
static const char *find_nearest(const char *name)
{
    struct weft__nearest nearest = weft__nearest_begin(name, strlen(name));

    for (size_t i = 0; i < PART_COUNT; i++)
        weft__nearest_try(&nearest, parts[i].name);
    weft__nearest_try(&nearest, "--help");
    weft__nearest_try(&nearest, "--version");
    return nearest.name;
}

static void print_overview(FILE *stream)
{
    fprintf(stream,
            "weft %s: tasks on pinned workers, with all I/O through io_uring\n\n"
            "usage: weft PART [ARGUMENT]...\n\n",
            weft_version());
    for (size_t i = 0; i < PART_COUNT; i++)
        fprintf(stream, "  %-9s %s\n", parts[i].name, parts[i].summary);
    fprintf(stream, "\nweft PART --help tells what a part takes. A good first step: weft tour\n");
}

static int refuse_unknown(const char *name)
{
    const char *nearest = find_nearest(name);

    if (nearest != NULL)
        fprintf(stderr, "weft: there is no '%s'; did you mean 'weft %s'?\n", name, nearest);
    else
        fprintf(stderr, "weft: there is no '%s'; 'weft help' lists what there is\n", name);
    return WEFT_EXIT_USAGE;
}

static const struct option flags[] = {
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

/* Reads the flags of @part, which are --help alone. Returns 'h' when it is among them, '?' when
 * others are, and -1 when there is none; then optind is the first word. */
static int read_flags(const char *part, int argc, char **argv)
{
    weft__flags_begin();
    return weft__flags_next(part, argc, argv, flags);
}

static int show_help(int argc, char **argv)
{
    int flag = read_flags("help", argc, argv);

    if (flag == '?')
        return WEFT_EXIT_USAGE;
    if (flag == 'h' || optind == argc) {
        print_overview(stdout);
        return WEFT_EXIT_OK;
    }
    const struct part *part = find_part(argv[optind]);
    if (part == NULL)
        return refuse_unknown(argv[optind]);
    if (optind + 1 < argc) {
        fprintf(stderr, "weft help: takes one part, but got '%s' too\n", argv[optind + 1]);
        return WEFT_EXIT_USAGE;
    }
    if (part->run == show_help) {
        print_overview(stdout);
        return WEFT_EXIT_OK;
    }
    char help[] = "--help";
    char *arguments[] = { argv[optind], help, NULL };
    return part->run(2, arguments);
}

static int show_version(int argc, char **argv)
{
    int flag = read_flags("version", argc, argv);

    if (flag == '?')
        return WEFT_EXIT_USAGE;
    if (flag == 'h') {
        printf("usage: weft version\n\nPrints the version of the library that runs.\n");
        return WEFT_EXIT_OK;
    }
    if (optind < argc) {
        fprintf(stderr, "weft version: takes no argument, but got '%s'\n", argv[optind]);
        return WEFT_EXIT_USAGE;
    }
    printf("weft %s\n", weft_version());
    return WEFT_EXIT_OK;
}

/* A full disk or a closed pipe must not look like success; a reader that has gone wants no words
 * about it. */
static int finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    if (errno != EPIPE)
        fprintf(stderr, "weft: cannot write the output\n");
    return code == WEFT_EXIT_OK ? WEFT_EXIT_WRONG : code;
}

static bool is_one_of(const char *word, const char *one, const char *other)
{
    return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stderr);
        return WEFT_EXIT_USAGE;
    }
    if (is_one_of(argv[1], "--help", "-h"))
        return finish(show_help(1, argv));
    if (is_one_of(argv[1], "--version", "-V"))
        return finish(show_version(1, argv));

    const struct part *part = find_part(argv[1]);
    if (part == NULL)
        return refuse_unknown(argv[1]);
    return finish(part->run(argc - 1, argv + 1));
}
