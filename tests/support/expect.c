#include "tests/support/expect.h"

#include <CUnit/CUnit.h>
#include <inttypes.h>
#include <stdio.h>

#include "runtime/base/lock.h"

enum { kept_failures = 20, text_bytes = 240 };

static struct weft__lock lock;
static const char *about = "";               /* (l) */
static uint32_t failures;                    /* (l) */
static char kept[kept_failures][text_bytes]; /* (l) the first ones */

static void note(const char *text, const char *file, int line, const char *values)
{
    weft__lock_acquire(&lock); /* pairs with weft__lock_release */
    if (failures < kept_failures)
        (void)snprintf(kept[failures], text_bytes, "%s:%d: %s%s%s%s%s", file, line, text, values,
                       about[0] != '\0' ? " (" : "", about, about[0] != '\0' ? ")" : "");
    failures++;
    weft__lock_release(&lock);
}

bool expect_true(bool holds, const char *text, const char *file, int line)
{
    if (!holds)
        note(text, file, line, "");
    return holds;
}

bool expect_equal(int64_t got, int64_t wanted, const char *text, const char *file, int line)
{
    char values[64];

    if (got == wanted)
        return true;
    (void)snprintf(values, sizeof(values), ": %" PRId64 ", not %" PRId64, got, wanted);
    note(text, file, line, values);
    return false;
}

void expect_about(const char *what)
{
    weft__lock_acquire(&lock); /* pairs with weft__lock_release */
    about = what;
    weft__lock_release(&lock);
}

void expect_assert(void)
{
    weft__lock_acquire(&lock); /* pairs with weft__lock_release */
    uint32_t count = failures;
    for (uint32_t i = 0; i < count && i < kept_failures; i++)
        (void)fprintf(stderr, "%s\n", kept[i]);
    if (count > kept_failures)
        (void)fprintf(stderr, "and %u more\n", count - kept_failures);
    failures = 0;
    weft__lock_release(&lock);
    CU_ASSERT_EQUAL(count, 0);
}
