/* Way (a): one file after the other with plain system calls, as any program would. */
#include <errno.h>
#include <stdlib.h>

#include <weft.h>

#include "tools/tour/limits.h"
#include "tools/tour/pass.h"
#include "tools/tour/plain.h"

/* Plain calls do not know of cancellation, so the loop asks: that is how Ctrl-C gets in. */
static int count_file(const char *path, unsigned char *block, struct weft__count *count,
                      uint64_t *calls)
{
    int number = weft__plain_open(path, calls);
    if (number < 0)
        return number;

    int rc = 0;
    ssize_t got;
    while (rc == 0 &&
           (got = weft__plain_read(number, block, WEFT__LIMITS_BLOCK_BYTES, calls)) != 0) {
        rc = got < 0 ? (int)got : weft_poll();
        if (rc == 0)
            rc = weft__limits_check(path, count->bytes, count->bytes + (uint64_t)got);
        if (rc == 0)
            weft__count_add(count, block, (size_t)got);
    }
    weft__plain_close(number, calls);
    return rc;
}

int weft__serial_run(struct weft__pass *pass)
{
    unsigned char *block = malloc(WEFT__LIMITS_BLOCK_BYTES);
    if (block == NULL)
        return -ENOMEM;

    int rc = 0;
    for (size_t i = 0; i < pass->files->count && rc == 0; i++) {
        struct weft__count count = { .bytes = 0 };
        int error = count_file(pass->files->items[i], block, &count, &pass->result.system_calls);
        if (error == -ECANCELED)
            rc = error;
        else
            weft__pass_note(pass, i, error, &count);
    }
    free(block);
    return rc;
}
