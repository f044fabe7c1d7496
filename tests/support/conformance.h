/*
 * Conformance tests: one for each row of the table of features that weft promises, in the order of
 * the table, named after the row, against <weft.h> alone. The body of a test is a task of a fresh
 * runtime with one, with two and with four workers. Where weft answers otherwise than Julia the
 * test is of what weft does, and a comment says why.
 */
#ifndef WEFT_TESTS_SUPPORT_CONFORMANCE_H
#define WEFT_TESTS_SUPPORT_CONFORMANCE_H

#include <errno.h>
#include <stdbool.h>
#include <weft.h>

#include "tests/support/bodies.h"
#include "tests/support/expect.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

/* Begins the body of a row's test; it returns 0. */
#define CONFORMANCE(row)                       \
    static int body_##row(void *argument);     \
    static void test_conformance_##row(void)   \
    {                                          \
        rig_each(body_##row);                  \
    }                                          \
    static int body_##row(__attribute__((unused)) void *argument)

#define CONFORMANCE_TEST(row) { "test_conformance_" #row, test_conformance_##row }

#define CONFORMANCE_RUN(argc, argv, suite, tests) \
    unit_run((argc), (argv), (suite), (tests), sizeof(tests) / sizeof((tests)[0]))

#endif
