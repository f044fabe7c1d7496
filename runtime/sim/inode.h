/* Which file a name or a descriptor stands for, for the journals of a simulated disk. */
#ifndef WEFT_SIM_INODE_H
#define WEFT_SIM_INODE_H

#include <stdbool.h>
#include <stdint.h>

struct weft__inode {
    uint64_t device, number;
    uint32_t mode;  /* S_IFMT and permissions */
    uint32_t links; /* names of it */
    int64_t bytes;  /* its length */
};

/* @flags: AT_* of statx(2). 0 or a negative errno. */
int weft__inode_find(int folder, const char *path, int flags, struct weft__inode *out_inode);

/* The one of an open file. */
int weft__inode_of(int fd, struct weft__inode *out_inode);

bool weft__inode_is(const struct weft__inode *one, const struct weft__inode *other);

enum { WEFT__INODE_PATH = 32 };

/* A path of an open file, whose names may all be gone. */
void weft__inode_path(int fd, char out_path[WEFT__INODE_PATH]);

#endif
