#include "tools/tour/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
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

static int read_option(struct weft__options *options, const char *argument)
{
    if (strcmp(argument, "--json") == 0)
        options->json = true;
    else if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
        options->help = true;
    else {
        fprintf(stderr, "weft tour: there is no option '%s'; 'weft tour --help' lists them\n",
                argument);
        return WEFT_EXIT_USAGE;
    }
    return 0;
}

int weft__options_read(struct weft__options *options, int argc, char **argv)
{
    bool names_only = false;
    size_t names = 0;
    int rc = 0;

    for (int i = 1; i < argc && rc == 0; i++) {
        if (names_only || argv[i][0] != '-') {
            rc = add_root(options, argv[i]);
            names++;
        } else if (strcmp(argv[i], "--") == 0) {
            names_only = true;
        } else {
            rc = read_option(options, argv[i]);
        }
    }
    if (rc == 0 && names == 0 && !options->help)
        rc = add_usual_roots(options);
    return rc;
}

void weft__options_release(struct weft__options *options)
{
    weft__paths_release(&options->roots);
}
