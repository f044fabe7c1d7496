#include "tools/tour/hold.h"

#include <errno.h>
#include <stdlib.h>
#include <weft.h>

#include "tools/tour/limits.h"
#include "tools/tour/plain.h"

/* Reads to the end of the file or of the room. Returns 0 or a negative errno. */
static int read_all(struct weft__hold *hold, const char *path, int number)
{
    size_t start = hold->size;
    uint64_t calls = 0;
    int rc = 0;

    while (rc == 0 && hold->size < WEFT__HOLD_MOST_BYTES) {
        size_t room = WEFT__HOLD_MOST_BYTES - hold->size;
        size_t wanted = room < WEFT__LIMITS_BLOCK_BYTES ? room : WEFT__LIMITS_BLOCK_BYTES;
        ssize_t got = weft__plain_read(number, hold->bytes + hold->size, wanted, &calls);
        if (got <= 0)
            return (int)got;
        rc = weft_poll();
        if (rc == 0)
            rc = weft__limits_check(path, hold->size - start, hold->size - start + (size_t)got);
        hold->size += (size_t)got;
    }
    return rc;
}

/* A file that can't be read leaves nothing behind. */
static int add_file(struct weft__hold *hold, const char *path)
{
    size_t start = hold->size;
    uint64_t calls = 0;
    int number = weft__plain_open(path, &calls);

    if (number < 0)
        return 0;
    int rc = read_all(hold, path, number);
    weft__plain_close(number, &calls);
    if (rc < 0) {
        hold->size = start;
        return rc == -ECANCELED ? rc : 0;
    }
    hold->bytes[hold->size++] = ' ';
    hold->files++;
    return 0;
}

int weft__hold_load(struct weft__hold *hold, const struct weft__paths *files,
                    struct weft__progress *progress)
{
    int rc = 0;
    size_t i;

    *hold = (struct weft__hold){ .bytes = malloc(WEFT__HOLD_MOST_BYTES + 1) };
    if (hold->bytes == NULL)
        return -ENOMEM;
    for (i = 0; i < files->count && rc == 0 && hold->size < WEFT__HOLD_MOST_BYTES; i++) {
        rc = add_file(hold, files->items[i]);
        weft__progress_step(progress, i, files->count);
    }
    hold->whole = i == files->count && hold->size <= WEFT__HOLD_MOST_BYTES;
    return rc;
}

void weft__hold_release(struct weft__hold *hold)
{
    free(hold->bytes);
    *hold = (struct weft__hold){ .bytes = NULL };
}
