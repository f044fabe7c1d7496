#include "runtime/task/walk.h"

#include <string.h>

/* Where weft__switch leaves the frame pointer and the return address, behind each other, above the
 * saved stack pointer; see switch_*.S. */
#if defined(__x86_64__)
enum { saved_frame = 48 };
#else
enum { saved_frame = 160 };
#endif

enum { frame_bytes = 2 * sizeof(uintptr_t), window_bytes = 512 };

/* A piece of the stack, so that not each frame takes a system call. */
struct window {
    struct weft__peek *peek;
    uintptr_t high;
    uintptr_t from;
    uintptr_t to;
    char bytes[window_bytes];
};

void weft__walk(const struct weft__walk_start *start, weft__walk_read_cb read_cb, void *context,
                struct weft__frames *out_frames)
{
    uintptr_t fp = start->fp;
    uintptr_t above = start->low;
    uintptr_t words[2];

    out_frames->at[0] = start->pc;
    out_frames->count = 1;
    out_frames->end = WEFT__WALK_FULL;
    while (out_frames->count < WEFT__FRAMES) {
        if (fp == 0) { /* weft__switch_entry set it so */
            out_frames->end = WEFT__WALK_WHOLE;
            return;
        }
        if (fp < above || fp % sizeof(uintptr_t) != 0 || fp > start->high - frame_bytes ||
            !read_cb(context, fp, words) || words[1] == 0) {
            out_frames->end = WEFT__WALK_BROKEN;
            return;
        }
        out_frames->at[out_frames->count++] = words[1];
        above = fp + frame_bytes;
        fp = words[0];
    }
}

static bool read_window(void *context, uintptr_t address, uintptr_t out_words[2])
{
    struct window *window = context;

    if (address < window->from || address + frame_bytes > window->to) {
        uintptr_t to = window->high - address < window_bytes ? window->high
                                                             : address + window_bytes;
        window->from = window->to = 0;
        if (!weft__peek_copy(window->peek, (const void *)address, window->bytes, to - address))
            return false;
        window->from = address;
        window->to = to;
    }
    memcpy(out_words, window->bytes + (address - window->from), frame_bytes);
    return true;
}

void weft__walk_peek(const struct weft__walk_start *start, struct weft__peek *peek,
                     struct weft__frames *out_frames)
{
    struct window window = { .peek = peek, .high = start->high };

    weft__walk(start, read_window, &window, out_frames);
}

/* A frame pointer that is none may point to any word of the stack: also to those that
 * AddressSanitizer guards, and that ThreadSanitizer saw another task write. */
WEFT__UNSANITIZED static bool read_word_pair(void *context, uintptr_t address,
                                             uintptr_t out_words[2])
{
    const uintptr_t *words = (const uintptr_t *)address;

    (void)context;
    out_words[0] = words[0];
    out_words[1] = words[1];
    return true;
}

void weft__walk_own(const struct weft__walk_start *start, struct weft__frames *out_frames)
{
    weft__walk(start, read_word_pair, NULL, out_frames);
}

bool weft__walk_parked(struct weft__peek *peek, const struct weft__stack *stack,
                       struct weft__walk_start *out_start)
{
    uintptr_t low = (uintptr_t)stack->low;
    uintptr_t high = (uintptr_t)stack->top;
    uintptr_t sp = (uintptr_t)stack->context.sp;
    uintptr_t saved[2];

    if (sp < low || sp > high || high - sp < saved_frame + frame_bytes ||
        !weft__peek_copy(peek, (const void *)(sp + saved_frame), saved, sizeof(saved)))
        return false;
    /* where it was switched away is of no interest, and differs with what ran next: equal waits are
     * to have equal stacks; one that has never run has nothing else */
    if (saved[0] >= sp && saved[0] <= high - frame_bytes &&
        !weft__peek_copy(peek, (const void *)saved[0], saved, sizeof(saved)))
        return false;
    *out_start = (struct weft__walk_start){
        .pc = saved[1], .fp = saved[0], .low = sp, .high = high
    };
    return true;
}
