/* Small files of /proc and /sys, below a root that tests choose. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/doctor/doctor.h"

bool weft__doctor_read(const char *root, const char *path, char *out_text, size_t text_bytes)
{
    char full[512];
    int length = snprintf(full, sizeof(full), "%s%s", root, path);

    if (length < 0 || (size_t)length >= sizeof(full))
        return false;
    int fd = open(full, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t count = read(fd, out_text, text_bytes - 1);
    (void)close(fd);
    if (count < 0)
        return false;
    if (count > 0 && out_text[count - 1] == '\n')
        count--;
    out_text[count] = '\0';
    return true;
}

long weft__doctor_number(const char *root, const char *path, long missing)
{
    char text[64];
    char *end;

    if (!weft__doctor_read(root, path, text, sizeof(text)))
        return missing;
    long number = strtol(text, &end, 10);
    return end == text ? missing : number;
}
