#include "tests/support/engines.h"

#include <stdlib.h>
#include <string.h>

#include "uring/choice.h"

const char *engines_refusal(void)
{
    static struct weft__choice choice;
    struct weft__setup_error error = { 0 };

    if (weft__choice_make(WEFT__CHOICE_FREE, &choice, &error) < 0)
        return "the ring can't be tried just now";
    return choice.compat ? choice.why : NULL;
}

bool engines_use_ring(void)
{
    const char *wish = getenv("WEFT_ENGINE");

    if (wish != NULL && strcmp(wish, "compat") == 0)
        return false;
    return engines_refusal() == NULL;
}

const char *engines_skip_notice(const char *said)
{
    static const char notice[] = "weft: the compat engine is used";

    if (strncmp(said, notice, sizeof(notice) - 1) != 0)
        return said;
    const char *end = strchr(said, '\n');
    return end != NULL ? end + 1 : said + strlen(said);
}
