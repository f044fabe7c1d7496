#include "tests/support/tree.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/unit.h"

enum { path_bytes = 512, open_folders = 8 };

static void need(bool worked, const char *what)
{
    if (worked)
        return;
    (void)fprintf(stderr, "test tree: %s failed\n", what);
    exit(unit_broken);
}

void tree_make(struct tree *tree)
{
    const char *place = getenv("TMPDIR");
    int length = snprintf(tree->root, sizeof(tree->root), "%s/weft-test-XXXXXX",
                          place != NULL ? place : "/tmp");

    need(length > 0 && (size_t)length < sizeof(tree->root), "the name of the folder");
    need(mkdtemp(tree->root) != NULL, "mkdtemp");
}

/* Makes every folder that @path names before its last slash. */
static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0777);
        *slash = '/';
    }
}

void tree_write(const struct tree *tree, const char *path, const char *text)
{
    char full[path_bytes];
    int length = snprintf(full, sizeof(full), "%s/%s", tree->root, path);

    need(length > 0 && (size_t)length < sizeof(full), "the name of a file");
    make_folders(full);
    FILE *file = fopen(full, "w");
    need(file != NULL, full);
    need(fputs(text, file) >= 0 && fclose(file) == 0, full);
}

void tree_write_at(const struct tree *tree, const char *text, const char *path_format, ...)
{
    char path[path_bytes / 2];
    va_list arguments;

    va_start(arguments, path_format);
    (void)vsnprintf(path, sizeof(path), path_format, arguments);
    va_end(arguments);
    tree_write(tree, path, text);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

void tree_remove(const struct tree *tree)
{
    need(nftw(tree->root, remove_entry, open_folders, FTW_DEPTH | FTW_PHYS) == 0, "removing");
}
