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

void engines_each(void (*run)(void))
{
    const char *wish = getenv("WEFT_ENGINE");

    if (wish != NULL && wish[0] != '\0') {
        run();
        return;
    }
    if (engines_refusal() == NULL) {
        (void)setenv("WEFT_ENGINE", "kernel", 1);
        run();
    }
    (void)setenv("WEFT_ENGINE", "compat", 1);
    run();
    (void)unsetenv("WEFT_ENGINE");
}

const char *engines_skip_notice(const char *said)
{
    static const char notice[] = "weft: the compat engine is used";

    if (strncmp(said, notice, sizeof(notice) - 1) != 0)
        return said;
    const char *end = strchr(said, '\n');
    return end != NULL ? end + 1 : said + strlen(said);
}
