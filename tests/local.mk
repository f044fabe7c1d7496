# A unit test is one line in unit_tests: tests/unit/x_test is built from tests/unit/x_test.c, linked
# with the private library, the support library and CUnit. A stress test is one line in stress_tests:
# tests/stress/x from tests/stress/x.c.

support_sources += \
    tests/support/unit.c \
    tests/support/unit.h

unit_test_scripts += \
    tests/unit/lint_test \
    tests/unit/sanitizer_test

unit_tests += \
    tests/unit/base_test

stress_tests +=

switch_tests =

check_PROGRAMS += \
    $(unit_tests) \
    tests/unit/planted_fault
EXTRA_PROGRAMS += $(stress_tests)
CLEANFILES += $(stress_tests)
TESTS += $(unit_tests) $(unit_test_scripts)

# What every program of the tests links; jemalloc last, as a program of a user would.
LDADD = \
    libtests.a \
    libweft-private.la \
    $(CUNIT_LIBS) \
    $(LIBURING_LIBS) \
    $(NUMA_LIBS) \
    $(JEMALLOC_LIBS)

check_LIBRARIES += libtests.a
libtests_a_SOURCES = $(support_sources)

# A test that hangs is a failure, not a wait.
LOG_COMPILER = $(srcdir)/tests/run-test
AM_TESTS_ENVIRONMENT = \
    WEFT_SOURCE='$(abs_top_srcdir)'; export WEFT_SOURCE; \
    WEFT_BUILD='$(abs_top_builddir)'; export WEFT_BUILD;

# Apart from make check: minutes, not seconds. WEFT_STRESS_SCALE=n runs a nth of the full size.
check-stress: $(stress_tests)
	@$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/run-all $(stress_tests)

# All that check and check-stress would build.
programs-of-tests: $(check_PROGRAMS) $(check_LIBRARIES) $(stress_tests)

# The unit tests that tools/check runs under qemu for another architecture.
print-switch-tests:
	@echo $(switch_tests)

.PHONY: check-stress programs-of-tests print-switch-tests

EXTRA_DIST += \
    $(unit_test_scripts) \
    tests/count-tests \
    tests/install \
    tests/model \
    tests/run-all \
    tests/run-test
