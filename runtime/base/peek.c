/*
 * REJECTED plain loads of records, stacks and workers: a runtime that stops unmaps its stacks and
 * frees its workers meanwhile, and a handler for the fault would be one more signal to share.
 * REJECTED /proc/self/mem: containers may have no /proc, and a chroot often has none.
 */
#include "runtime/base/peek.h"

#include <errno.h>
#include <fcntl.h>

#include "runtime/base/fallback.h"
#include "runtime/base/sys.h"

enum { piece = 4096 }; /* what an empty pipe takes at once */

void weft__peek_open(struct weft__peek *peek)
{
    *peek = (struct weft__peek){ .ends = { -1, -1 } };
}

void weft__peek_close(struct weft__peek *peek)
{
    for (int i = 0; i < 2; i++)
        if (peek->ends[i] >= 0)
            (void)weft__sys_close(peek->ends[i]);
    weft__peek_open(peek);
}

/* A write from memory that is not there fails with -EFAULT, as any system call does. */
WEFT__COLD static bool copy_through_pipe(struct weft__peek *peek, const char *from, char *to,
                                         size_t bytes)
{
    WEFT__FALLBACK(PEEK_BY_PIPE);
    if (peek->ends[0] < 0 && weft__sys_pipe(peek->ends, O_CLOEXEC) < 0)
        return false;
    while (bytes > 0) {
        ssize_t count = weft__sys_peek_through(peek->ends, from, to, bytes < piece ? bytes : piece);
        if (count <= 0)
            return false;
        from += count;
        to += count;
        bytes -= (size_t)count;
    }
    return true;
}

bool weft__peek_copy(struct weft__peek *peek, const void *from, void *to, size_t bytes)
{
    if (!peek->refused) {
        ssize_t count = weft__sys_peek(from, to, bytes);
        if (count >= 0 || count == -EFAULT)
            return count == (ssize_t)bytes;
        peek->refused = true;
    }
    return copy_through_pipe(peek, from, to, bytes);
}
