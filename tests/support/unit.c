#include "tests/support/unit.h"

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool add_tests(CU_pSuite suite, const struct unit_test *tests, size_t count,
                      const char *wanted)
{
    bool added = false;

    for (size_t i = 0; i < count; i++) {
        if (wanted != NULL && strcmp(tests[i].name, wanted) != 0)
            continue;
        if (CU_add_test(suite, tests[i].name, tests[i].run) == NULL)
            return false;
        added = true;
    }
    return added;
}

int unit_run(int argc, char **argv, const char *suite, const struct unit_test *tests, size_t count)
{
    const char *wanted = argc > 1 ? argv[1] : NULL;
    int status = unit_broken;

    if (CU_initialize_registry() != CUE_SUCCESS)
        return status;
    CU_pSuite registered = CU_add_suite(suite, NULL, NULL);
    if (registered == NULL)
        goto out;
    if (!add_tests(registered, tests, count, wanted)) {
        (void)fprintf(stderr, "%s: no test%s%s\n", suite, wanted != NULL ? " named " : "",
                      wanted != NULL ? wanted : "");
        goto out;
    }
    CU_basic_set_mode(CU_BRM_NORMAL);
    if (CU_basic_run_tests() == CUE_SUCCESS)
        status = CU_get_number_of_failures() == 0 ? 0 : 1;
out:
    CU_cleanup_registry();
    return status;
}
