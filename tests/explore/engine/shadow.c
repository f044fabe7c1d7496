/*
 * Plain accesses. The code under test is compiled as for ThreadSanitizer, whose calls end here: so
 * every access is looked at, marked or not. Two accesses of different threads to one byte, one of
 * them a write and one of them plain, are a race unless one happens before the other.
 */
#include <string.h>

#include "tests/explore/engine/engine.h"

enum { WORDS = 1 << 14, WORD = 8, MOST_IGNORED = 8 };

/* An access to some bytes of a word; once more in a row it says nothing new. */
struct last {
    uint16_t clock;
    uint8_t actor, access, first, end;
};

/* A clock for each byte of a word; compared all at once. */
typedef uint16_t lanes __attribute__((vector_size(2 * WORD)));

/* When each actor has last accessed each byte in each way: his clock then; 0: not yet. */
struct word {
    uintptr_t at;
    uint32_t execution; /* else it is of an earlier one */
    uint8_t freed;      /* bit n: byte n is nobody's */
    struct last last;
    uint8_t actors; /* bit n: actor n has accessed it */
    lanes when[ACCESSES][ACTORS];
};

static struct word words[WORDS];
static uint32_t execution = 1;
static struct {
    uintptr_t at, end;
} ignored[MOST_IGNORED];
static int ignored_count;

static const char *const names[ACCESSES] = { "read", "written", "read (atomic)",
                                             "written (atomic)" };

void shadow_reset(void)
{
    execution++;
    ignored_count = 0;
}

static struct word *word_of(uintptr_t at)
{
    unsigned slot = (unsigned)((at / WORD * UINT64_C(0x9E3779B97F4A7C15)) >> 40) % WORDS;

    for (int looks = 0; looks < WORDS; looks++) {
        struct word *word = &words[slot];
        if (word->execution != execution) {
            memset(word, 0, sizeof(*word));
            word->execution = execution;
            word->at = at;
        }
        if (word->at == at)
            return word;
        slot = (slot + 1) % WORDS;
    }
    explore_fail("the explorer: an execution touches more memory than it keeps");
}

static bool is_ignored(uintptr_t at)
{
    for (int i = 0; i < ignored_count; i++)
        if (at >= ignored[i].at && at < ignored[i].end)
            return true;
    return false;
}

/* Which kinds of access race with @access. */
static unsigned rivals(enum access access)
{
    switch (access) {
    case PLAIN_READ: return 1u << PLAIN_WRITE | 1u << ATOMIC_WRITE;
    case PLAIN_WRITE: return (1u << ACCESSES) - 1;
    case ATOMIC_READ: return 1u << PLAIN_WRITE;
    case ATOMIC_WRITE: return 1u << PLAIN_READ | 1u << PLAIN_WRITE;
    case ACCESSES:
    default: return 0;
    }
}

static const char *name_of(int actor)
{
    static const char *const actors[ACTORS] = { "the case", "thread 0", "thread 1", "thread 2",
                                                "thread 3" };
    return actors[actor];
}

/* All bits of the bytes [first, end). */
static lanes lanes_of(unsigned first, unsigned end)
{
    const lanes number = { 0, 1, 2, 3, 4, 5, 6, 7 };

    return (lanes)(number >= (uint16_t)first) & (lanes)(number < (uint16_t)end);
}

static bool is_any(lanes these)
{
    uint64_t halves[2];

    memcpy(halves, &these, sizeof(halves));
    return (halves[0] | halves[1]) != 0;
}

_Noreturn static void fail_freed(enum access access)
{
    const struct step *pending = &threads[current].pending;

    explore_fail("used after it was freed: %s by %s after %s(), line %d", names[access],
                 name_of(current), pending->function, pending->line);
}

_Noreturn static void fail_race(const struct word *word, lanes late, enum access access, int other,
                                int kind)
{
    const struct step *pending = &threads[current].pending;
    unsigned byte = 0;

    while (late[byte] == 0)
        byte++;
    explore_fail("data race at %p: %s by %s after %s(), line %d, and %s by %s",
                 (void *)(word->at + byte), names[access], name_of(current), pending->function,
                 pending->line, names[kind], name_of(other));
}

static void check(const struct word *word, lanes bytes, enum access access)
{
    unsigned kinds = rivals(access);

    for (int other = 0; other < ACTORS; other++) {
        if (other == current || (word->actors >> other & 1) == 0)
            continue;
        for (int kind = 0; kind < ACCESSES; kind++) {
            if ((kinds >> kind & 1) == 0)
                continue;
            lanes late = bytes &
                         (lanes)(word->when[kind][other] > threads[current].clock.at[other]);
            if (is_any(late))
                fail_race(word, late, access, other, kind);
        }
    }
}

static void access_word(struct word *word, unsigned first, unsigned end, enum access access)
{
    uint16_t clock = threads[current].clock.at[current];
    struct last last = { clock, (uint8_t)current, (uint8_t)access, (uint8_t)first, (uint8_t)end };

    if (memcmp(&word->last, &last, sizeof(last)) == 0)
        return;
    lanes bytes = lanes_of(first, end);
    lanes *when = &word->when[access][current];
    if ((word->freed >> first & ((1u << (end - first)) - 1)) != 0)
        fail_freed(access);
    word->last = last;
    word->actors |= (uint8_t)(1u << current);
    check(word, bytes, access);
    *when = (*when & ~bytes) | (bytes & clock);
}

void shadow_access(const void *at, size_t bytes, enum access access)
{
    uintptr_t address = (uintptr_t)at;
    uintptr_t end = address + bytes;

    if (current == 0 || is_ignored(address)) /* the case runs before all others, or after them */
        return;
    while (address < end) {
        uintptr_t start = address / WORD * WORD;
        unsigned last = end - start < WORD ? (unsigned)(end - start) : WORD;
        access_word(word_of(start), (unsigned)(address - start), last, access);
        address = start + WORD;
    }
}

static void set_freed(const void *at, size_t bytes, bool freed)
{
    for (size_t i = 0; i < bytes; i++) {
        uintptr_t address = (uintptr_t)at + i;
        struct word *word = word_of(address / WORD * WORD);
        uint8_t bit = (uint8_t)(1u << address % WORD);
        word->last = (struct last){ .clock = 0 };
        word->freed = freed ? word->freed | bit : word->freed & (uint8_t)~bit;
    }
}

void explore_free(const void *address, size_t bytes)
{
    shadow_access(address, bytes, PLAIN_WRITE);
    set_freed(address, bytes, true);
}

void explore_alloc(const void *address, size_t bytes)
{
    set_freed(address, bytes, false);
    memory_overwritten(address, bytes);
}

void explore_ignore(const void *address, size_t bytes)
{
    EXPLORE_NEED(ignored_count < MOST_IGNORED, "the explorer: too much to ignore");
    ignored[ignored_count].at = (uintptr_t)address;
    ignored[ignored_count++].end = (uintptr_t)address + bytes;
}

/* ---- what a compiler calls for each plain access ---- */

static void plain_read(const void *at, size_t bytes)
{
    shadow_access(at, bytes, PLAIN_READ);
}

static void plain_write(const void *at, size_t bytes)
{
    shadow_access(at, bytes, PLAIN_WRITE);
    memory_overwritten(at, bytes);
}

#define CALLS(bytes)                                                                       \
    void __tsan_read##bytes(const void *at);                                               \
    void __tsan_write##bytes(const void *at);                                              \
    void __tsan_unaligned_read##bytes(const void *at);                                     \
    void __tsan_unaligned_write##bytes(const void *at);                                    \
    void __tsan_read##bytes(const void *at) { plain_read(at, bytes); }                     \
    void __tsan_write##bytes(const void *at) { plain_write(at, bytes); }                   \
    void __tsan_unaligned_read##bytes(const void *at) { plain_read(at, bytes); }           \
    void __tsan_unaligned_write##bytes(const void *at) { plain_write(at, bytes); }
CALLS(1)
CALLS(2)
CALLS(4)
CALLS(8)
CALLS(16)

void __tsan_init(void);
void __tsan_func_entry(const void *caller);
void __tsan_func_exit(void);
void __tsan_read_range(const void *at, unsigned long bytes);
void __tsan_write_range(const void *at, unsigned long bytes);
void *__tsan_memcpy(void *to, const void *from, unsigned long bytes);
void *__tsan_memset(void *at, int value, unsigned long bytes);

void __tsan_init(void)
{
}

void __tsan_func_entry(const void *caller)
{
    (void)caller;
}

void __tsan_func_exit(void)
{
}

void __tsan_read_range(const void *at, unsigned long bytes)
{
    plain_read(at, bytes);
}

void __tsan_write_range(const void *at, unsigned long bytes)
{
    plain_write(at, bytes);
}

void *__tsan_memcpy(void *to, const void *from, unsigned long bytes)
{
    plain_read(from, bytes);
    plain_write(to, bytes);
    return memcpy(to, from, bytes);
}

void *__tsan_memset(void *at, int value, unsigned long bytes)
{
    plain_write(at, bytes);
    return memset(at, value, bytes);
}
