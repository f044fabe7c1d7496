#include "runtime/sched/site.h"

#include <dlfcn.h>
#include <stdio.h>

void weft__site_describe(const void *site, char *text, size_t text_bytes)
{
    Dl_info found;

    if (site == NULL || dladdr(site, &found) == 0) {
        (void)snprintf(text, text_bytes, "%p", site);
        return;
    }
    const char *name = found.dli_sname != NULL ? found.dli_sname : found.dli_fname;
    const void *base = found.dli_sname != NULL ? found.dli_saddr : found.dli_fbase;
    (void)snprintf(text, text_bytes, "%s+0x%zx", name,
                   (size_t)((const char *)site - (const char *)base));
}
