#include "tests/support/unit.h"

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* By the arguments: the names of some, or all but those with a "-" before them. */
static bool is_wanted(const char *name, char **arguments)
{
    bool wanted = arguments[0] == NULL || arguments[0][0] == '-';

    for (; *arguments != NULL; arguments++)
        if (strcmp(*arguments + (**arguments == '-' ? 1 : 0), name) == 0)
            wanted = **arguments != '-';
    return wanted;
}

static bool add_tests(CU_pSuite suite, const struct unit_test *tests, size_t count,
                      char **arguments)
{
    bool added = false;

    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(tests[i].name, arguments))
            continue;
        if (CU_add_test(suite, tests[i].name, tests[i].run) == NULL)
            return false;
        added = true;
    }
    return added;
}

int unit_run(int argc, char **argv, const char *suite, const struct unit_test *tests, size_t count)
{
    int status = unit_broken;

    if (CU_initialize_registry() != CUE_SUCCESS)
        return status;
    CU_pSuite registered = CU_add_suite(suite, NULL, NULL);
    if (registered == NULL)
        goto out;
    if (!add_tests(registered, tests, count, argv + 1)) {
        (void)fprintf(stderr, "%s: no test%s%s\n", suite, argc > 1 ? " named " : "",
                      argc > 1 ? argv[1] : "");
        goto out;
    }
    CU_basic_set_mode(CU_BRM_NORMAL);
    if (CU_basic_run_tests() == CUE_SUCCESS)
        status = CU_get_number_of_failures() == 0 ? 0 : 1;
out:
    CU_cleanup_registry();
    return status;
}
