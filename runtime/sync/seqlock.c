/*
 * Sequence locks. A count is odd while somebody writes.
 *
 * ORDERING SEQLOCK: a load returns words of one store.
 *   writer                                   reader
 *   W1 compare-and-swap even -> odd          R1 load the count (acquire); again while it is odd
 *   W2 store each word (release)             R2 load each word (acquire)
 *   W3 store the count, even again (release) R3 load the count; all over if it is another
 * Forbidden: R2 reads a word of a store whose W1 R3 does not see, or two stores.
 * Because:   a word that R2 reads from W2 brings W1 with it (release W2, acquire R2), so R3 sees an
 *            odd count or a later one; and all words before R1's count come with it (release W3,
 *            acquire R1), so none of them is older.
 * Without:   the release on each word, W2 may pass W1; without the acquire, R3 may pass R2. Both
 *            can be seen on aarch64; x86-64 has them for nothing. Fences would do as well, but
 *            ThreadSanitizer does not know them.
 * Tested by: tests/unit/seqlock_test.c
 */
#include <errno.h>
#include <string.h>
#include <weft/seqlock.h>

#include "runtime/base/check.h"
#include "runtime/base/lock.h"
#include "runtime/task/record.h"

struct seqlock {
    _Atomic uint64_t count;
};

enum { word_bytes = sizeof(uint64_t) };

_Static_assert(sizeof(struct seqlock) <= sizeof(weft_seqlock), "it has no room");
_Static_assert(_Alignof(struct seqlock) <= _Alignof(weft_seqlock), "it stands askew");

static int check(const void *guarded, size_t bytes)
{
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD; /* who wrote at the fork does not live here */
    return bytes % word_bytes == 0 && (uintptr_t)guarded % word_bytes == 0 ? 0 : -EINVAL;
}

/* Returns the count, which is odd now. */
static uint64_t begin_store(struct seqlock *lock)
{
    uint64_t count = weft__load_relaxed(&lock->count);

    for (uint32_t looks = 0;; count = weft__load_relaxed(&lock->count)) {
        if (count % 2 == 0 && weft__cas_acquire(&lock->count, &count, count + 1)) /* SEQLOCK W1 */
            return count + 1;
        weft__lock_backoff(looks++);
    }
}

int weft_seqlock_store(weft_seqlock *lock, void *to, const void *from, size_t bytes)
{
    struct seqlock *self = (struct seqlock *)(void *)lock;
    _Atomic uint64_t *words = to;
    uint64_t word;

    WEFT_NEED(lock);
    WEFT_NEED_BYTES(to, bytes);
    WEFT_NEED_BYTES(from, bytes);
    int rc = check(to, bytes);
    if (rc < 0)
        return rc;
    uint64_t count = begin_store(self);
    for (size_t i = 0; i < bytes / word_bytes; i++) {
        memcpy(&word, (const char *)from + i * word_bytes, word_bytes);
        weft__store_release(&words[i], word); /* SEQLOCK W2, pairs with R2 */
    }
    weft__store_release(&self->count, count + 1); /* SEQLOCK W3, pairs with R1 */
    return 0;
}

static void copy_out(char *to, const _Atomic uint64_t *words, size_t bytes)
{
    for (size_t i = 0; i < bytes / word_bytes; i++) {
        uint64_t word = weft__load_acquire(&words[i]); /* SEQLOCK R2, pairs with W2 */
        memcpy(to + i * word_bytes, &word, word_bytes);
    }
}

int weft_seqlock_load(const weft_seqlock *lock, void *to, const void *from, size_t bytes)
{
    const struct seqlock *self = (const struct seqlock *)(const void *)lock;
    uint64_t count;

    WEFT_NEED(lock);
    WEFT_NEED_BYTES(to, bytes);
    WEFT_NEED_BYTES(from, bytes);
    int rc = check(from, bytes);
    if (rc < 0)
        return rc;
    for (uint32_t looks = 0;; weft__lock_backoff(looks++)) {
        count = weft__load_acquire(&self->count); /* SEQLOCK R1, pairs with W3 */
        if (count % 2 != 0)
            continue;
        copy_out(to, from, bytes);
        if (weft__load_relaxed(&self->count) == count) /* SEQLOCK R3 */
            return 0;
    }
}
