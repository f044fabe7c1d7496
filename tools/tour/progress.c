#include "tools/tour/progress.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft.h>

#define PAUSE (100 * WEFT_MILLISECOND)

struct weft__progress weft__progress_make(void)
{
    const char *terminal = getenv("TERM");
    bool dumb = terminal == NULL || strcmp(terminal, "dumb") == 0;

    return (struct weft__progress){
        .shown = !dumb && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO),
        .what = "",
    };
}

void weft__progress_begin(struct weft__progress *progress, const char *what)
{
    weft__progress_wipe(progress);
    progress->what = what;
    progress->next_ns = 0;
}

/* The escape sequence wipes what a longer line left behind. */
void weft__progress_step(struct weft__progress *progress, size_t done, size_t total)
{
    if (!progress->shown)
        return;
    int64_t now_ns = weft_clock();
    if (now_ns < progress->next_ns)
        return;
    progress->next_ns = now_ns + PAUSE;
    progress->on_screen = true;
    if (total > 0)
        weft_eprintf("\r%s: %zu of %zu files, %zu %%\033[K", progress->what, done, total,
                     done * 100 / total);
    else
        weft_eprintf("\r%s: %zu files\033[K", progress->what, done);
}

void weft__progress_wipe(struct weft__progress *progress)
{
    if (progress->on_screen)
        weft_eprintf("\r\033[K");
    progress->on_screen = false;
}
