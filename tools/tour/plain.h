/*
 * The plain system calls of the serial way, counted, as negative errno. Nothing else of the command
 * reads errno.
 */
#ifndef WEFT_TOOLS_TOUR_PLAIN_H
#define WEFT_TOOLS_TOUR_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Each adds 1 to *calls. */
int weft__plain_open(const char *path, uint64_t *calls);
ssize_t weft__plain_read(int number, void *buffer, size_t bytes, uint64_t *calls);
void weft__plain_close(int number, uint64_t *calls);

/* Follows symbolic links; weft__plain_lstat does not. */
int weft__plain_stat(const char *path, struct stat *out_info);
int weft__plain_lstat(const char *path, struct stat *out_info);

/* Whether a path lies in a file system of processes; there a file may state any size. */
bool weft__plain_in_proc(const char *path);

#endif
