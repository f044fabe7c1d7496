/* What the compiler can be told: hints, attributes and the sanitizer it builds for. */
#ifndef WEFT_BASE_COMPILER_H
#define WEFT_BASE_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#define WEFT__LIKELY(condition) __builtin_expect(!!(condition), 1)
#define WEFT__UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define WEFT__NOINLINE __attribute__((noinline))
#define WEFT__COLD __attribute__((cold, noinline))
#define WEFT__PRINTF(format_index, first_index) \
    __attribute__((format(printf, format_index, first_index)))
#define WEFT__CACHE_LINE 64
#define WEFT__ALIGNED_LINE _Alignas(WEFT__CACHE_LINE)
#define WEFT__COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The object that holds @member at @pointer. */
#define WEFT__CONTAINER(pointer, type, member) \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

#if defined(__SANITIZE_ADDRESS__)
#define WEFT__ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT__ASAN 1
#endif
#endif
#ifndef WEFT__ASAN
#define WEFT__ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define WEFT__TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT__TSAN 1
#endif
#endif
#ifndef WEFT__TSAN
#define WEFT__TSAN 0
#endif

#if defined(__clang__)
#define WEFT__NOIPA __attribute__((noinline, optnone))
#else
#define WEFT__NOIPA __attribute__((noipa))
#endif

/* For the few functions that read what sanitizers must take for a mistake; each says why it is
 * none. */
#if WEFT__ASAN
#define WEFT__UNSANITIZED __attribute__((no_sanitize("address"), noinline))
#elif WEFT__TSAN
#define WEFT__UNSANITIZED __attribute__((no_sanitize("thread"), noinline))
#else
#define WEFT__UNSANITIZED
#endif

/* Asks the cache for what will be read or written soon; any address will do, NULL too. */
static inline void weft__prefetch_lines(const void *address, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += WEFT__CACHE_LINE)
        __builtin_prefetch((const char *)address + at, 1);
}

/* A pause between two looks at a word that another CPU will change. */
static inline void weft__pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("yield");
#endif
}

#endif
