/* The calls of <weft/time.h>, and the version. */
#include <weft/base.h>
#include <weft/time.h>

#include "runtime/base/clock.h"

#define STRING_OF(number) #number
#define VERSION_OF(major, minor, patch) STRING_OF(major) "." STRING_OF(minor) "." STRING_OF(patch)

const char *weft_version(void)
{
    return VERSION_OF(WEFT_VERSION_MAJOR, WEFT_VERSION_MINOR, WEFT_VERSION_PATCH);
}

int64_t weft_clock(void)
{
    return weft__clock_now();
}

weft_deadline weft_after(int64_t ns)
{
    int64_t now = weft__clock_now();

    if (ns <= 0)
        return (weft_deadline){ now };
    return (weft_deadline){ ns > INT64_MAX - now ? INT64_MAX : now + ns };
}
