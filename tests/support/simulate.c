#include "tests/support/simulate.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support/rig.h"

enum { no_runtime = 3, file_room = 1 << 22 };

char simulate_said[simulate_room];

static void set(const char *name, const char *value)
{
    if (value != NULL)
        (void)setenv(name, value, 1);
    else
        (void)unsetenv(name);
}

int simulate(const char *role, const char *seed, const char *trace)
{
    set("WEFT_ENGINE", "sim");
    set("WEFT_SEED", seed);
    set("WEFT_TRACE", trace);
    int status = rig_respawn(role, simulate_said, sizeof(simulate_said));
    set("WEFT_ENGINE", NULL);
    set("WEFT_SEED", NULL);
    set("WEFT_TRACE", NULL);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run_role(weft_task_fn body)
{
    weft_error error = WEFT_ERROR_INIT;
    weft_runtime runtime = weft_start(NULL, &error);

    if (runtime < 0) {
        fprintf(stderr, "%s\n", error.text);
        return no_runtime;
    }
    int rc = weft_call(runtime, body, NULL);
    return weft_stop(runtime, WEFT_NEVER) == 0 && rc == 0 ? 0 : 1;
}

void simulate_as_told(int argc, char **argv, const struct simulate_role *roles, size_t count)
{
    if (argc != 3 || strcmp(argv[1], "--as") != 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (strcmp(argv[2], roles[i].name) == 0)
            exit(run_role(roles[i].body));
}

char *simulate_slurp(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, file_room);

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    size_t count = fread(text, 1, file_room - 1, file);
    CU_ASSERT_TRUE(count > 0);
    (void)fclose(file);
    return text;
}
