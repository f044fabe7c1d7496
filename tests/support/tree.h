/*
 * A folder tree for one test, in a fresh temporary folder: sysfs and cgroup trees of machines that
 * nobody has, folders to walk. A tree that can't be made ends the program: the harness is broken.
 */
#ifndef WEFT_TESTS_SUPPORT_TREE_H
#define WEFT_TESTS_SUPPORT_TREE_H

#include "runtime/base/compiler.h"

struct tree {
    char root[128]; /* absolute, no slash at its end */
};

void tree_make(struct tree *tree);

/* Writes the file at @path below the root, and the folders above it. */
void tree_write(const struct tree *tree, const char *path, const char *text);

/* The same with a path made by printf. */
WEFT__PRINTF(3, 4)
void tree_write_at(const struct tree *tree, const char *text, const char *path_format, ...);

void tree_remove(const struct tree *tree);

#endif
