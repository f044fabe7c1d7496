#include "runtime/task/fiber.h"

#if WEFT__ASAN

#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#include <sanitizer/asan_interface.h>

void weft__fiber_make(struct weft__fiber *fiber, const void *low, size_t bytes)
{
    if (fiber->low == NULL)
        __lsan_register_root_region(low, bytes);
    fiber->fake_stack = NULL;
    fiber->low = low;
    fiber->bytes = bytes;
    __asan_unpoison_memory_region(low, bytes);
}

/* A thread's own stack: its bounds come from the thread library. */
void weft__fiber_adopt(struct weft__fiber *fiber)
{
    pthread_attr_t attributes;
    void *low = NULL;

    fiber->fake_stack = NULL;
    fiber->bytes = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        (void)pthread_attr_getstack(&attributes, &low, &fiber->bytes);
        (void)pthread_attr_destroy(&attributes);
    }
    fiber->low = low;
}

/* The memory may be mapped for something else next: the marks of its last frames go, too. */
void weft__fiber_destroy(struct weft__fiber *fiber)
{
    if (fiber->low != NULL) {
        __lsan_unregister_root_region(fiber->low, fiber->bytes);
        __asan_unpoison_memory_region(fiber->low, fiber->bytes);
    }
    fiber->low = NULL;
}

void weft__fiber_leave(struct weft__fiber *from, struct weft__fiber *to, int from_ends)
{
    __sanitizer_start_switch_fiber(from_ends ? NULL : &from->fake_stack, to->low, to->bytes);
}

void weft__fiber_arrive(struct weft__fiber *self)
{
    __sanitizer_finish_switch_fiber(self->fake_stack, NULL, NULL);
}

#elif WEFT__TSAN

#include <sanitizer/tsan_interface.h>

void weft__fiber_make(struct weft__fiber *fiber, const void *low, size_t bytes)
{
    (void)low;
    (void)bytes;
    if (fiber->tsan == NULL)
        fiber->tsan = __tsan_create_fiber(0);
}

void weft__fiber_adopt(struct weft__fiber *fiber)
{
    fiber->tsan = __tsan_get_current_fiber();
}

void weft__fiber_destroy(struct weft__fiber *fiber)
{
    if (fiber->tsan != NULL)
        __tsan_destroy_fiber(fiber->tsan);
    fiber->tsan = NULL;
}

#endif
