#include "tools/common/flags.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/common/nearest.h"

void weft__flags_begin(void)
{
    optind = 0;
    opterr = 0;
}

/* The flag that @word is nearest to; NULL when none is near. */
static const char *find_nearest(const char *word, size_t length, const struct option *flags)
{
    struct weft__nearest nearest = weft__nearest_begin(word, length);

    for (; flags->name != NULL; flags++)
        weft__nearest_try(&nearest, flags->name);
    return nearest.name;
}

static void refuse_unknown(const char *part, const char *word, const struct option *flags)
{
    const char *nearest = NULL;

    if (strncmp(word, "--", 2) == 0)
        nearest = find_nearest(word + 2, strcspn(word + 2, "="), flags);
    if (nearest != NULL)
        (void)fprintf(stderr, "weft %s: there is no option '%s'; did you mean '--%s'?\n", part,
                      word, nearest);
    else
        (void)fprintf(stderr, "weft %s: there is no option '%s'; 'weft %s --help' lists them\n",
                      part, word, part);
}

/* getopt_long knows @value, yet refuses: the flag takes no argument, and was given one. */
static void refuse_argument(const char *part, int value, const struct option *flags)
{
    while (flags->name != NULL && flags->val != value)
        flags++;
    (void)fprintf(stderr, "weft %s: --%s takes no argument\n", part,
                  flags->name != NULL ? flags->name : "?");
}

int weft__flags_next(const char *part, int argc, char **argv, const struct option *flags)
{
    char letter[] = { '-', '?', '\0' };

    int value = getopt_long(argc, argv, ":h", flags, NULL);
    const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
    if (value == ':') {
        (void)fprintf(stderr, "weft %s: %s needs an argument\n", part, word);
        return '?';
    }
    if (value != '?')
        return value;
    if (strncmp(word, "--", 2) == 0 && optopt != 0) {
        refuse_argument(part, optopt, flags);
    } else if (strncmp(word, "--", 2) == 0) {
        refuse_unknown(part, word, flags);
    } else {
        letter[1] = (char)optopt;
        refuse_unknown(part, letter, flags);
    }
    return '?';
}

uint64_t weft__flags_number(const char *part, const char *flag, const char *text, uint64_t min,
                            uint64_t max)
{
    char *end;
    uint64_t number = strtoumax(text, &end, 10);

    if (*text >= '0' && *text <= '9' && *end == '\0' && number >= min && number <= max)
        return number;
    (void)fprintf(stderr, "weft %s: %s is %" PRIu64 " to %" PRIu64 ", not \"%s\"\n", part, flag,
                  min, max, text);
    return 0;
}
