/*
 * A bed for tests of engines: opens one per row of variants. A row hides something that the kernel
 * can do, so that every fallback passes the same test as the feature that it stands for; the last
 * one is the compat engine. Where there is no ring it is the only one.
 */
#ifndef WEFT_TESTS_SUPPORT_BED_H
#define WEFT_TESTS_SUPPORT_BED_H

#include <CUnit/CUnit.h>
#include <stdio.h>

#include "tests/support/engine_log.h"

#define BED_WITHOUT(name) (UINT32_C(1) << WEFT__FEATURE_##name)

struct bed_variant {
    const char *label;
    uint32_t hidden;
    bool compat;
};

extern const struct bed_variant *bed_variant; /* of the present run */

/* An assertion that names the variant that broke it. */
#define CHECK(condition)                                                                     \
    do {                                                                                     \
        bool check_ok = (condition);                                                         \
        if (!check_ok)                                                                       \
            fprintf(stderr, "line %d, %s: %s\n", __LINE__, bed_variant->label, #condition);  \
        CU_ASSERT_TRUE(check_ok);                                                            \
    } while (0)

/* An engine of the present variant. A failure ends the test. */
struct weft__engine *bed_open(uint32_t sq, uint32_t cq, struct engine_log *log);

/* The same for @ops in flight. */
struct weft__engine *bed_open_for(uint32_t ops, uint32_t sq, uint32_t cq, struct engine_log *log);

/* Runs @body once per variant, with a new *engine and an empty *log. */
void bed_each(uint32_t sq, uint32_t cq, struct weft__engine **engine, struct engine_log *log,
              void (*body)(void));

/* The same for the rows of the ring alone. */
void bed_each_ring(uint32_t sq, uint32_t cq, struct weft__engine **engine, struct engine_log *log,
                   void (*body)(void));

/* Whether there is a ring; says on standard error why not. For tests of the ring alone. */
bool bed_has_ring(void);

/* Submits and hands back the op; a failure is an assertion. */
weft__op_id bed_submit(struct weft__engine *engine, struct weft__request request, void *waiter);

/* Waits until no op is in flight, or nothing ends for a second. */
void bed_drain(struct weft__engine *engine);

struct weft__request bed_poll_in(int fd, bool multishot);
void bed_pipe(int ends[2]);
void bed_pipe_close(const int ends[2]);
void bed_write_byte(int fd);

static inline uint64_t bed_count(_Atomic uint64_t *counter)
{
    return weft__load_relaxed(counter);
}

#endif
