/*
 * The main function of a unit test: a table of tests, run by CUnit on the main thread.
 * A program given the name of a test runs that one alone.
 */
#ifndef WEFT_TESTS_SUPPORT_UNIT_H
#define WEFT_TESTS_SUPPORT_UNIT_H

#include <stddef.h>

enum { unit_skip = 77, unit_broken = 99 }; /* exit statuses that the test drivers know */

struct unit_test {
    const char *name; /* test_<function>_<situation>_<outcome> */
    void (*run)(void);
};

#define UNIT_TEST(function) { #function, function }

/* Runs @tests, or the one that argv[1] names. Returns the exit status of the program. */
int unit_run(int argc, char **argv, const char *suite, const struct unit_test *tests, size_t count);

#endif
