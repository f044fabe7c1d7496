# A unit test is one line in unit_tests: tests/unit/x_test is built from tests/unit/x_test.c, linked
# with the private library, the support library and CUnit. A stress test is one line in stress_tests:
# tests/stress/x from tests/stress/x.c; a conformance test one in conformance_tests.

support_sources += \
    tests/support/bed.c \
    tests/support/bed.h \
    tests/support/beside.c \
    tests/support/beside.h \
    tests/support/bodies.c \
    tests/support/bodies.h \
    tests/support/conformance.h \
    tests/support/dumped.c \
    tests/support/dumped.h \
    tests/support/engines.c \
    tests/support/engines.h \
    tests/support/expect.c \
    tests/support/expect.h \
    tests/support/fatal.c \
    tests/support/fatal.h \
    tests/support/heap.c \
    tests/support/heap.h \
    tests/support/lines.c \
    tests/support/lines.h \
    tests/support/machine.c \
    tests/support/machine.h \
    tests/support/orphan.c \
    tests/support/orphan.h \
    tests/support/rig.c \
    tests/support/rig.h \
    tests/support/simulate.c \
    tests/support/simulate.h \
    tests/support/sockets.c \
    tests/support/sockets.h \
    tests/support/stress.c \
    tests/support/stress.h \
    tests/support/tree.c \
    tests/support/tree.h \
    tests/support/turns.c \
    tests/support/turns.h \
    tests/support/unit.c \
    tests/support/unit.h

unit_test_scripts += \
    tests/unit/broken_rules_test \
    tests/unit/lint_test \
    tests/unit/sandbox_test \
    tests/unit/sanitizer_test \
    tests/unit/warnings_test

unit_tests += \
    tests/unit/acceptor_test \
    tests/unit/address_test \
    tests/unit/atomic_test \
    tests/unit/base_test \
    tests/unit/blocking_test \
    tests/unit/blocking_wait_test \
    tests/unit/cancel_test \
    tests/unit/cached_test \
    tests/unit/capture_test \
    tests/unit/cgroup_test \
    tests/unit/chaos_test \
    tests/unit/chan_look_test \
    tests/unit/chan_race_test \
    tests/unit/chan_size_test \
    tests/unit/chan_test \
    tests/unit/chan_typed_test \
    tests/unit/close_race_test \
    tests/unit/compat_test \
    tests/unit/condition_test \
    tests/unit/counters_test \
    tests/unit/cpuset_test \
    tests/unit/deadlock_test \
    tests/unit/defer_test \
    tests/unit/descriptor_test \
    tests/unit/dir_test \
    tests/unit/disk_test \
    tests/unit/doorbell_test \
    tests/unit/doorbell_threads_test \
    tests/unit/dump_signal_test \
    tests/unit/dump_test \
    tests/unit/engine_test \
    tests/unit/event_test \
    tests/unit/faults_test \
    tests/unit/file_race_test \
    tests/unit/file_test \
    tests/unit/for_each_test \
    tests/unit/fork_child_test \
    tests/unit/fork_join_test \
    tests/unit/fork_start_test \
    tests/unit/fork_test \
    tests/unit/future_test \
    tests/unit/gather_test \
    tests/unit/give_way_test \
    tests/unit/handle_test \
    tests/unit/handover_test \
    tests/unit/hold_test \
    tests/unit/inbox_test \
    tests/unit/interactive_test \
    tests/unit/local_test \
    tests/unit/main_test \
    tests/unit/loop_test \
    tests/unit/map_test \
    tests/unit/memory_test \
    tests/unit/misuse_test \
    tests/unit/mutex_test \
    tests/unit/notice_test \
    tests/unit/notifier_test \
    tests/unit/op_test \
    tests/unit/openmp_test \
    tests/unit/operation_test \
    tests/unit/options_test \
    tests/unit/overflow_host_test \
    tests/unit/overflow_test \
    tests/unit/park_test \
    tests/unit/path_test \
    tests/unit/pin_test \
    tests/unit/policy_test \
    tests/unit/pipe_test \
    tests/unit/plan_test \
    tests/unit/pool_test \
    tests/unit/print_test \
    tests/unit/probe_test \
    tests/unit/random_test \
    tests/unit/ready_test \
    tests/unit/record_test \
    tests/unit/retry_test \
    tests/unit/ring_test \
    tests/unit/runtime_test \
    tests/unit/rwlock_test \
    tests/unit/scan_test \
    tests/unit/scope_error_test \
    tests/unit/scope_test \
    tests/unit/select_test \
    tests/unit/seqlock_test \
    tests/unit/serve_test \
    tests/unit/shield_test \
    tests/unit/sim_disk_test \
    tests/unit/sim_net_test \
    tests/unit/sim_test \
    tests/unit/socket_race_test \
    tests/unit/socket_test \
    tests/unit/sort_test \
    tests/unit/spinlock_test \
    tests/unit/stack_test \
    tests/unit/stop_test \
    tests/unit/stream_test \
    tests/unit/switch_test \
    tests/unit/synthetic_test \
    tests/unit/task_life_test \
    tests/unit/task_test \
    tests/unit/temporary_test \
    tests/unit/thread_test \
    tests/unit/tiles_test \
    tests/unit/timer_test \
    tests/unit/together_test \
    tests/unit/topology_test \
    tests/unit/transfer_test \
    tests/unit/turn_test \
    tests/unit/watchdog_test \
    tests/unit/wheel_test \
    tests/unit/whole_file_test

# The engine's upcalls belong to the scheduler. Tests of uring link the stand-in as an object: from an
# archive the linker might take the scheduler's.
engine_stand_in = \
    tests/support/engine_log.c \
    tests/support/engine_log.h
tests_fault_engine_fault_SOURCES = tests/fault/engine_fault.c $(engine_stand_in)
tests_unit_compat_test_SOURCES = tests/unit/compat_test.c $(engine_stand_in)
tests_unit_doorbell_test_SOURCES = tests/unit/doorbell_test.c $(engine_stand_in)
tests_unit_doorbell_threads_test_SOURCES = tests/unit/doorbell_threads_test.c $(engine_stand_in)
tests_unit_engine_test_SOURCES = tests/unit/engine_test.c $(engine_stand_in)
tests_unit_print_kernel_facts_SOURCES = tests/unit/print_kernel_facts.c $(engine_stand_in)
tests_unit_switch_test_LDADD = $(LDADD) -lm
tests_unit_openmp_test_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS)
tests_sandbox_confine_CPPFLAGS = $(AM_CPPFLAGS) $(SECCOMP_CFLAGS)
tests_sandbox_confine_LDADD = $(SECCOMP_LIBS)
tests_unit_probe_test_SOURCES = tests/unit/probe_test.c $(engine_stand_in)

# One for each section of the features that weft promises, against <weft.h> alone.
conformance_tests += \
    tests/conformance/cancellation \
    tests/conformance/channels \
    tests/conformance/guarantees \
    tests/conformance/loops \
    tests/conformance/state \
    tests/conformance/switching \
    tests/conformance/tasks \
    tests/conformance/waitables \
    tests/conformance/waiting

# Each fails the first, second, third ... call of every system call that it uses.
fault_tests += \
    tests/fault/calls_fault \
    tests/fault/engine_fault \
    tests/fault/fallbacks_fault \
    tests/fault/runtime_fault \
    tests/fault/socket_fault

stress_tests += \
    tests/stress/blocking_calls \
    tests/stress/busy_waker \
    tests/stress/cancel_storm \
    tests/stress/capture \
    tests/stress/close_races \
    tests/stress/divide \
    tests/stress/dump \
    tests/stress/errors \
    tests/stress/fairness \
    tests/stress/foreign_threads \
    tests/stress/fork_edges \
    tests/stress/forks \
    tests/stress/gather \
    tests/stress/hidden_state \
    tests/stress/idle \
    tests/stress/locked_io \
    tests/stress/locks \
    tests/stress/many_files \
    tests/stress/parked_million \
    tests/stress/parking \
    tests/stress/print_storm \
    tests/stress/rendezvous \
    tests/stress/select \
    tests/stress/signals \
    tests/stress/sleepers \
    tests/stress/sockets \
    tests/stress/sockets_idle \
    tests/stress/spawn_join \
    tests/stress/start_stop \
    tests/stress/steal \
    tests/stress/tidy \
    tests/stress/timers \
    tests/stress/together \
    tests/stress/torture
tests_stress_torture_LDADD = $(LDADD) -lm

switch_tests = tests/unit/switch_test

check_PROGRAMS += \
    $(unit_tests) \
    $(conformance_tests) \
    $(fault_tests) \
    tests/sandbox/confine \
    tests/sandbox/hello \
    tests/unit/broken_rules \
    tests/unit/planted_fault \
    tests/unit/print_kernel_facts
EXTRA_PROGRAMS += $(stress_tests)
CLEANFILES += $(stress_tests)
TESTS += $(unit_tests) $(conformance_tests) $(fault_tests) $(unit_test_scripts)

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
    tests/README.md \
    tests/count-tests \
    tests/explore \
    tests/install \
    tests/model \
    tests/planted \
    tests/run-all \
    tests/run-test \
    tests/sim
