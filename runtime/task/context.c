#include "runtime/task/context.h"

#include <stdint.h>
#include <string.h>

/* The frame that weft__switch pops; see switch_*.S. */
#if defined(__x86_64__)
enum { default_mxcsr = 0x1F80, default_x87 = 0x037F };

struct switch_frame {
    uint32_t mxcsr;
    uint16_t x87;
    uint16_t unused;
    uint64_t r15, r14, r13, r12, rbx, rbp;
    uint64_t return_address;
    uint64_t padding[2]; /* keeps the call in weft__switch_entry aligned to 16 */
};

static void fill_frame(struct switch_frame *frame, weft__context_fn fn, void *argument)
{
    frame->mxcsr = default_mxcsr;
    frame->x87 = default_x87;
    frame->rbx = (uint64_t)(uintptr_t)fn;
    frame->r12 = (uint64_t)(uintptr_t)argument;
    frame->return_address = (uint64_t)(uintptr_t)weft__switch_entry;
}

void weft__context_reset_fp(void)
{
    uint32_t mxcsr = default_mxcsr;
    uint16_t x87 = default_x87;
    __asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(x87));
}
#elif defined(__aarch64__)
struct switch_frame {
    uint64_t x19, x20, x21_to_x28[8];
    uint64_t d8_to_d15[8];
    uint64_t fpcr;
    uint64_t padding;
    uint64_t x29, x30;
};

static void fill_frame(struct switch_frame *frame, weft__context_fn fn, void *argument)
{
    frame->x19 = (uint64_t)(uintptr_t)fn;
    frame->x20 = (uint64_t)(uintptr_t)argument;
    frame->x30 = (uint64_t)(uintptr_t)weft__switch_entry;
}

void weft__context_reset_fp(void)
{
    uint64_t fpcr = 0;
    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr));
}
#endif

void weft__context_make(struct weft__context *context, void *low, void *top, weft__context_fn fn,
                        void *argument)
{
    struct switch_frame *frame = (struct switch_frame *)top - 1;

    /* first: what was here before may have left for good, with its frames marked as such */
    weft__fiber_make(&context->fiber, low, (size_t)((char *)top - (char *)low));
    memset(frame, 0, sizeof(*frame));
    fill_frame(frame, fn, argument);
    context->sp = frame;
}

void weft__context_adopt(struct weft__context *context)
{
    context->sp = NULL;
    weft__fiber_adopt(&context->fiber);
}
