#include "tools/tour/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
#include "tools/common/flags.h"
#include "tools/tour/plain.h"

static const char *const usual_roots[] = { "/usr/include", "/usr/share/doc" };

static int refuse_folder(const char *name, const char *reason)
{
    fprintf(stderr, "weft tour: cannot walk '%s': %s\n", name, reason);
    return WEFT_EXIT_USAGE;
}

/* A symbolic link is followed when it was named on the command line, and nowhere else. */
static int add_root(struct weft__options *options, const char *name)
{
    struct stat info;
    char *real = NULL;

    int rc = weft__plain_stat(name, &info);
    if (rc < 0)
        return refuse_folder(name, strerror(-rc));
    if (!S_ISDIR(info.st_mode) && !S_ISREG(info.st_mode))
        return refuse_folder(name, "it is neither a folder nor a regular file");
    if (weft__plain_lstat(name, &info) == 0 && S_ISLNK(info.st_mode))
        real = realpath(name, NULL);
    rc = weft__paths_add(&options->roots, NULL, real == NULL ? name : real);
    free(real);
    return rc < 0 ? refuse_folder(name, strerror(-rc)) : 0;
}

static int add_usual_roots(struct weft__options *options)
{
    struct stat info;
    int rc = 0;

    for (size_t i = 0; i < sizeof(usual_roots) / sizeof(usual_roots[0]) && rc == 0; i++)
        if (weft__plain_stat(usual_roots[i], &info) == 0)
            rc = add_root(options, usual_roots[i]);
    if (rc == 0 && options->roots.count == 0)
        return refuse_folder(usual_roots[0], "it does not exist here; name a folder to walk");
    return rc;
}

enum { SECONDS_USUAL = 2, SECONDS_MOST = 3600 };

static const struct option flags[] = {
    { "help", no_argument, NULL, 'h' },
    { "json", no_argument, NULL, 'j' },
    { "only", required_argument, NULL, 'o' },
    { "seconds", required_argument, NULL, 's' },
    { NULL, 0, NULL, 0 },
};

/* Returns false when there is no such part. */
static bool choose_part(struct weft__options *options, const char *part)
{
    options->no_files = strcmp(part, "files") != 0;
    options->no_threads = strcmp(part, "threads") != 0;
    if (strcmp(part, "echo") == 0)
        return true;
    options->seconds = 0;
    if (!options->no_files || !options->no_threads)
        return true;
    fprintf(stderr, "weft tour: --only is files, threads or echo, not \"%s\"\n", part);
    return false;
}

static int read_flags(struct weft__options *options, int argc, char **argv)
{
    const char *only = NULL;
    int flag;

    weft__flags_begin();
    options->seconds = SECONDS_USUAL;
    while ((flag = weft__flags_next("tour", argc, argv, flags)) != -1) {
        switch (flag) {
        case 'h': options->help = true; break;
        case 'j': options->json = true; break;
        case 'o': only = optarg; break;
        case 's':
            options->seconds = (int64_t)weft__flags_number("tour", "--seconds", optarg, 1,
                                                           SECONDS_MOST);
            if (options->seconds == 0)
                return WEFT_EXIT_USAGE;
            break;
        default: return WEFT_EXIT_USAGE;
        }
    }
    return only == NULL || choose_part(options, only) ? 0 : WEFT_EXIT_USAGE;
}

int weft__options_read(struct weft__options *options, int argc, char **argv)
{
    int rc = read_flags(options, argc, argv);

    bool reads = !options->no_files || !options->no_threads;

    if (rc == 0 && !reads && optind < argc) {
        fprintf(stderr, "weft tour: --only echo reads no files, but got '%s'\n", argv[optind]);
        rc = WEFT_EXIT_USAGE;
    }
    if (rc != 0 || options->help || !reads)
        return rc;
    if (optind == argc)
        return add_usual_roots(options);
    for (int i = optind; i < argc && rc == 0; i++)
        rc = add_root(options, argv[i]);
    return rc;
}

void weft__options_release(struct weft__options *options)
{
    weft__paths_release(&options->roots);
}
