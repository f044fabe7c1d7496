/* What an execution has done, for people; and the command line of a case's program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/explore/engine/engine.h"

enum { MOST_ENTRIES = 4096 };

static struct {
    int thread;
    struct step step;
} entries[MOST_ENTRIES];
static int entry_count;

void trace_reset(void)
{
    entry_count = 0;
}

void trace_add(int thread, const struct step *step)
{
    if (entry_count == MOST_ENTRIES)
        return;
    entries[entry_count].thread = thread;
    entries[entry_count++].step = *step;
}

void trace_print(void)
{
    for (int i = 0; i < entry_count; i++) {
        const struct step *step = &entries[i].step;
        printf("#   %*sthread %d: %s(%s)", 4 * entries[i].thread, "", entries[i].thread,
               step->operation, step->text);
        if (step->at != NULL)
            printf(" = %#llx%s%s", (unsigned long long)step->value,
                   step->older ? ", an old one" : "", step->failed ? ", failed" : "");
        if (step->line != 0)
            printf("   [%s:%d]", step->function, step->line);
        printf("\n");
    }
}

static void usage(const char *program)
{
    printf(
        "Usage: %s [--list] [NAME [--plant PLANT] [--replay PATH]]\n"
        "Explores the case NAME, or all, whole and with each of its plants. A failure prints the\n"
        "steps of the execution and its path.\n"
        "  --list         names the cases and their plants\n"
        "  --plant PLANT  that one alone\n"
        "  --replay PATH  that one execution, and prints it\n"
        "  --deeper N     N preemptions and N old values more than the case says\n",
        program);
}

static int number;
static int failed;
static bool whole; /* the plants are left out */

static void report(bool good, const char *name, const char *plant)
{
    failed += !good;
    printf("%s %d - %s%s%s: %llu executions\n", good ? "ok" : "not ok", ++number, name,
           plant != NULL ? ", must find: " : "", plant != NULL ? plant : "",
           (unsigned long long)executions);
    fflush(stdout);
}

static void try_plant(const struct explore_case *one, const struct explore_plant *plant)
{
    bool found = !schedule_explore(one, plant);

    if (plant_hits == 0)
        printf("# %s() has no weft__%s of %s any more: mend the plant\n", plant->function,
               plant->operation, plant->text);
    if (found)
        printf("# %s\n", failure);
    report(found && plant_hits > 0, one->name, plant->name);
}

static void try_whole(const struct explore_case *one)
{
    bool good = schedule_explore(one, NULL);

    if (!good) {
        printf("# %s\n", failure);
        trace_print();
    }
    report(good, one->name, NULL);
}

static void try_case(const struct explore_case *one, const char *wanted, bool replayed)
{
    if (wanted == NULL)
        try_whole(one);
    for (const struct explore_plant *plant = one->plants; plant != NULL && plant->name != NULL;
         plant++) {
        if (whole || (wanted != NULL && strcmp(wanted, plant->name) != 0))
            continue;
        if (wanted != NULL || !replayed)
            try_plant(one, plant);
        if (wanted != NULL)
            trace_print();
    }
}

static void list(const struct explore_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        printf("%s\n", cases[i].name);
        for (const struct explore_plant *plant = cases[i].plants;
             plant != NULL && plant->name != NULL; plant++)
            printf("    %s\n", plant->name);
    }
}

int explore_main(int argc, char **argv, const struct explore_case *cases, size_t count)
{
    const char *name = NULL, *plant = NULL, *path = NULL;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) {
            list(cases, count);
            return 0;
        }
        if (strcmp(argv[i], "--whole") == 0) {
            whole = true;
        } else if (strcmp(argv[i], "--plant") == 0 && i + 1 < argc) {
            plant = argv[++i];
        } else if (strcmp(argv[i], "--replay") == 0 && i + 1 < argc) {
            path = argv[++i];
        } else if (strcmp(argv[i], "--deeper") == 0 && i + 1 < argc) {
            deeper = atoi(argv[++i]);
        } else if (argv[i][0] != '-') {
            name = argv[i];
        } else {
            usage(argv[0]);
            return strcmp(argv[i], "--help") == 0 ? 0 : 2;
        }
    }
    for (size_t i = 0; i < count; i++)
        if (name == NULL || strcmp(name, cases[i].name) == 0) {
            if (path != NULL)
                schedule_replay(path);
            try_case(&cases[i], plant, path != NULL);
        }
    if (number == 0)
        printf("%s: no case or plant is called so; --list names them\n", argv[0]);
    return failed > 0 || number == 0;
}
