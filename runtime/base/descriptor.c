#include "runtime/base/descriptor.h"

#include <errno.h>

#include "runtime/base/atomic.h"
#include "runtime/base/lock.h"
#include "runtime/base/sys.h"

enum { chunk_numbers = 4096, chunk_count = 1 << 19 }; /* together all that an int can name */

typedef _Atomic(int64_t) entry; /* (a:OWNER) */

static entry first_chunk[chunk_numbers]; /* few programs need another */
static _Atomic(entry *) chunks[chunk_count];

/* The entry of a number; NULL: its chunk was never needed. */
static entry *find(int number)
{
    if (WEFT__LIKELY(number < chunk_numbers))
        return &first_chunk[number];
    entry *chunk = weft__load_acquire(&chunks[number / chunk_numbers]); /* pairs with make */
    return chunk != NULL ? &chunk[number % chunk_numbers] : NULL;
}

/* The same, its chunk mapped when it is not there yet; NULL: no memory. */
static entry *make(int number)
{
    _Atomic(entry *) *place = &chunks[number / chunk_numbers];
    entry *none = NULL;
    entry *found = find(number);

    if (found != NULL)
        return found;
    entry *chunk = weft__sys_map(chunk_numbers * sizeof(entry));
    if (chunk == NULL)
        return NULL;
    if (!weft__cas_acqrel(place, &none, chunk)) /* pairs with find; another thread was first */
        (void)weft__sys_unmap(chunk, chunk_numbers * sizeof(entry));
    return find(number);
}

/* N2, as far as the entry goes. */
static int claim(entry *place, int64_t owner)
{
    uint32_t looks = 0;

    for (;;) {
        int64_t now = 0;
        if (weft__cas_acqrel(place, &now, owner)) /* OWNER N2 */
            return 0;
        if (now > 0)
            return -EEXIST;
        weft__lock_backoff(looks++); /* a close(2) is under way */
    }
}

int weft__descriptor_adopt(int number, int64_t owner)
{
    int rc = number < 0 ? -EBADF : weft__sys_is_open(number);

    if (rc < 0)
        return rc; /* so only numbers that the kernel has handed out take room in the table */
    entry *place = make(number);
    if (place == NULL)
        return -ENOMEM;
    rc = claim(place, owner);
    if (rc < 0)
        return rc;
    rc = weft__sys_is_open(number); /* it may have been closed before it was claimed */
    if (rc < 0)
        (void)weft__cas_acqrel(place, &owner, 0); /* OWNER C3 */
    return rc;
}

int weft__descriptor_own(int number, int64_t owner)
{
    entry *place = make(number);

    if (place == NULL)
        return -ENOMEM;
    (void)weft__swap_acqrel(place, owner); /* OWNER N3 */
    return 0;
}

bool weft__descriptor_begin_close(int number, int64_t owner)
{
    entry *place = find(number);
    return place != NULL && weft__cas_acqrel(place, &owner, -owner); /* OWNER C1 */
}

void weft__descriptor_end_close(int number, int64_t owner)
{
    entry *place = find(number);
    int64_t closing = -owner;

    if (place != NULL)
        (void)weft__cas_acqrel(place, &closing, 0); /* OWNER C3 */
}

int weft__descriptor_close(int number, int64_t owner)
{
    if (!weft__descriptor_begin_close(number, owner))
        return -EBADF;
    int rc = weft__sys_close(number);
    weft__descriptor_end_close(number, owner);
    return rc;
}

void weft__descriptor_keep(int number)
{
    (void)weft__descriptor_own(number, WEFT__DESCRIPTOR_INTERNAL);
}

void weft__descriptor_close_kept(int number)
{
    (void)weft__descriptor_begin_close(number, WEFT__DESCRIPTOR_INTERNAL);
    (void)weft__sys_close(number);
    weft__descriptor_end_close(number, WEFT__DESCRIPTOR_INTERNAL);
}

bool weft__descriptor_is_owned(int number, int64_t owner)
{
    const entry *place = find(number);
    return place != NULL && weft__load_relaxed(place) == owner;
}
