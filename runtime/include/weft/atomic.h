/*
 * Atomic operations that C and C++ lack, on plain objects of a named type; the rest is in
 * <stdatomic.h>. Each returns what was there before, and is sequentially consistent, as the
 * operators of _Atomic are.
 *
 *     weft_atomic_max_i64(&longest, ns);
 *     weft_atomic_add_f64(&total, share);
 *
 *     max, min    of i8 to i64, u8 to u64, f32, f64: the larger, the smaller one stays
 *     nand        of i8 to i64, u8 to u64
 *     add, sub    of f32, f64
 *     cas         of u128, a struct of two words that is aligned to 16 bytes: in one piece. 1 and
 *                 the new value is there; or 0, and expected is what was there
 *
 * A NaN loses against a number in max and min. All of them are loops around a compare-and-swap:
 * they write only when something changes. Other threads look at the object with atomic operations,
 * too; see weft-locks(7). Without a lock, in any task, thread and signal handler; none waits.
 */
#ifndef WEFT_ATOMIC_H
#define WEFT_ATOMIC_H

#include <stdint.h>

#define WEFT__ATOMIC static inline __attribute__((unused))

/* weft_atomic_<verb>_<name>: puts what @next says of @old and @value, where @changes says so. */
#define WEFT__ATOMIC_LOOP(verb, name, type, changes, next)                                         \
    WEFT__ATOMIC type weft_atomic_##verb##_##name(type *object, type value)                        \
    {                                                                                              \
        type old;                                                                                  \
        __atomic_load(object, &old, __ATOMIC_SEQ_CST);                                             \
        while (changes) {                                                                          \
            type wanted = (type)(next);                                                            \
            if (__atomic_compare_exchange(object, &old, &wanted, 1, __ATOMIC_SEQ_CST,              \
                                          __ATOMIC_SEQ_CST))                                       \
                break;                                                                             \
        }                                                                                          \
        return old;                                                                                \
    }

#define WEFT__ATOMIC_INTEGER(name, type)                                                           \
    WEFT__ATOMIC_LOOP(max, name, type, old < value, value)                                         \
    WEFT__ATOMIC_LOOP(min, name, type, old > value, value)                                         \
    WEFT__ATOMIC_LOOP(nand, name, type, 1, ~(old & value))

/* A NaN is the only number that is not at least and not at most itself. */
#define WEFT__ATOMIC_FLOAT(name, type)                                                             \
    WEFT__ATOMIC_LOOP(max, name, type, old < value || (!(old >= old) && value >= value), value)    \
    WEFT__ATOMIC_LOOP(min, name, type, old > value || (!(old >= old) && value >= value), value)    \
    WEFT__ATOMIC_LOOP(add, name, type, 1, old + value)                                             \
    WEFT__ATOMIC_LOOP(sub, name, type, 1, old - value)

WEFT__ATOMIC_INTEGER(i8, int8_t)
WEFT__ATOMIC_INTEGER(i16, int16_t)
WEFT__ATOMIC_INTEGER(i32, int32_t)
WEFT__ATOMIC_INTEGER(i64, int64_t)
WEFT__ATOMIC_INTEGER(u8, uint8_t)
WEFT__ATOMIC_INTEGER(u16, uint16_t)
WEFT__ATOMIC_INTEGER(u32, uint32_t)
WEFT__ATOMIC_INTEGER(u64, uint64_t)
WEFT__ATOMIC_FLOAT(f32, float)
WEFT__ATOMIC_FLOAT(f64, double)

/* Two words that change as one. */
typedef struct weft_u128 {
    uint64_t low;
    uint64_t high;
} __attribute__((aligned(16))) weft_u128;

/* ThreadSanitizer does not look into assembly, and is told. */
#ifdef __SANITIZE_THREAD__
#define WEFT__ATOMIC_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT__ATOMIC_TSAN 1
#endif
#endif
#ifdef WEFT__ATOMIC_TSAN
#ifdef __cplusplus
extern "C" {
#endif
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#ifdef __cplusplus
}
#endif
#define WEFT__ATOMIC_TELL(what, object) __tsan_##what(object)
#else
#define WEFT__ATOMIC_TELL(what, object) ((void)(object))
#endif

WEFT__ATOMIC int weft_atomic_cas_u128(weft_u128 *object, weft_u128 *expected, weft_u128 wanted)
{
    int done;

    WEFT__ATOMIC_TELL(release, object);
#if defined(__x86_64__)
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@cce"(done), "+m"(*object), "+a"(expected->low), "+d"(expected->high)
                     : "b"(wanted.low), "c"(wanted.high)
                     : "memory");
#elif defined(__aarch64__)
    uint64_t low;
    uint64_t high;
    uint32_t failed;

    __asm__ volatile("1: ldaxp %[low], %[high], %[object]\n"
                     "   cmp %[low], %[old_low]\n"
                     "   ccmp %[high], %[old_high], #0, eq\n"
                     "   cset %w[done], eq\n"
                     "   csel %[low], %[new_low], %[low], eq\n"
                     "   csel %[high], %[new_high], %[high], eq\n"
                     "   stlxp %w[failed], %[low], %[high], %[object]\n"
                     "   cbnz %w[failed], 1b\n"
                     : [low] "=&r"(low), [high] "=&r"(high), [done] "=&r"(done),
                       [failed] "=&r"(failed), [object] "+Q"(*object)
                     : [old_low] "r"(expected->low), [old_high] "r"(expected->high),
                       [new_low] "r"(wanted.low), [new_high] "r"(wanted.high)
                     : "cc", "memory");
    if (!done) {
        expected->low = low;
        expected->high = high;
    }
#else
#error "weft runs on x86-64 and aarch64"
#endif
    WEFT__ATOMIC_TELL(acquire, object);
    return done;
}

#endif
