#include "tools/bench/data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/bench/randread.h"

enum { at_once = 256 }; /* blocks of one write */

static struct {
    int number; /* 0: not made */
    uint64_t blocks;
} data;

static const char *folder(void)
{
    const char *place = getenv("TMPDIR");

    return place != NULL && *place != '\0' ? place : "/var/tmp";
}

static int make_file(void)
{
    char path[64];
    int number = open(folder(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (number < 0)
        return -errno;
    (void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), number);
    if (setenv(WEFT__RANDREAD_FILE, path, 1) < 0) {
        (void)close(number);
        return -ENOMEM;
    }
    data.number = number;
    return 0;
}

/* Blocks from @first on. */
static int write_blocks(uint64_t first)
{
    static char room[at_once][weft__randread_bytes];

    for (uint64_t i = 0; i < at_once; i++) {
        uint64_t number = first + i;
        memcpy(room[i], &number, sizeof(number));
    }
    ssize_t count = pwrite(data.number, room, sizeof(room), (off_t)first * weft__randread_bytes);
    if (count == (ssize_t)sizeof(room))
        return 0;
    return count < 0 ? -errno : -ENOSPC;
}

int weft__data_make(uint64_t blocks, const char **out_folder)
{
    int rc = data.number > 0 ? 0 : make_file();

    while (rc == 0 && data.blocks < blocks) {
        rc = write_blocks(data.blocks);
        data.blocks += rc == 0 ? at_once : 0;
    }
    if (rc == 0 && fsync(data.number) < 0) /* dirty pages would be written while others read */
        rc = -errno;
    *out_folder = folder();
    return rc;
}
