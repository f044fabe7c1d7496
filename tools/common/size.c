#include "tools/common/size.h"

#include <inttypes.h>
#include <stdio.h>

struct weft__size weft__size_show(uint64_t bytes)
{
    static const char units[] = "BKMGTPE";
    struct weft__size shown;
    double value = (double)bytes;
    int unit = 0;

    while (value >= 1023.5) {
        value /= 1024;
        unit++;
    }
    uint64_t tenths = (uint64_t)(value * 10 + 0.5);
    int decimals = tenths >= 100 || tenths % 10 == 0 ? 0 : 1;
    if (unit == 0)
        (void)snprintf(shown.text, sizeof(shown.text), "%" PRIu64 " B", bytes);
    else
        (void)snprintf(shown.text, sizeof(shown.text), "%.*f %ciB", decimals, value, units[unit]);
    return shown;
}
