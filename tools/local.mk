# The weft command, built at the root of the build folder, and what builds and checks the tree.

EXTRA_DIST += \
    tools/check \
    tools/lib \
    tools/lint \
    tools/man \
    tools/quickstart

# doctor and topo look inside the library: what they use of it, the readers of numa and the probe of
# uring, comes from the private one. Everything else comes from the shared one, which stands first.
bin_PROGRAMS += weft
weft_LDADD = \
    libweft.la \
    libweft-private.la \
    $(LIBURING_LIBS) \
    $(NUMA_LIBS) \
    $(JEMALLOC_LIBS)
weft_SOURCES = \
    tools/bench/bench.c \
    tools/bench/body.c \
    tools/bench/body.h \
    tools/bench/body_blocking.c \
    tools/bench/body_divide.c \
    tools/bench/body_echo.c \
    tools/bench/body_field.c \
    tools/bench/body_fork.c \
    tools/bench/body_mutex.c \
    tools/bench/body_parked.c \
    tools/bench/body_pingpong.c \
    tools/bench/body_randread.c \
    tools/bench/body_select.c \
    tools/bench/body_sleep.c \
    tools/bench/body_spawn.c \
    tools/bench/body_spread.c \
    tools/bench/body_stream.c \
    tools/bench/body_switch.c \
    tools/bench/checksum.c \
    tools/bench/checksum.h \
    tools/bench/child.c \
    tools/bench/child.h \
    tools/bench/data.c \
    tools/bench/data.h \
    tools/bench/divide.h \
    tools/bench/client.c \
    tools/bench/client.h \
    tools/bench/load.c \
    tools/bench/load.h \
    tools/bench/machine.c \
    tools/bench/machine.h \
    tools/bench/measure.c \
    tools/bench/measure.h \
    tools/bench/memory.h \
    tools/bench/metric.c \
    tools/bench/metric.h \
    tools/bench/metric_divide.c \
    tools/bench/metric_rows.h \
    tools/bench/metric_table.c \
    tools/bench/peers.c \
    tools/bench/peers.h \
    tools/bench/randread.h \
    tools/bench/report.c \
    tools/bench/report.h \
    tools/bench/server.c \
    tools/bench/server.h \
    tools/bench/statistics.c \
    tools/bench/statistics.h \
    tools/command.c \
    tools/command.h \
    tools/common/flags.c \
    tools/common/flags.h \
    tools/common/histogram.c \
    tools/common/histogram.h \
    tools/common/nearest.c \
    tools/common/nearest.h \
    tools/common/quote.c \
    tools/common/quote.h \
    tools/common/size.c \
    tools/common/size.h \
    tools/doctor/apart.c \
    tools/doctor/cgroup.c \
    tools/doctor/doctor.c \
    tools/doctor/doctor.h \
    tools/doctor/engine.c \
    tools/doctor/facts.c \
    tools/doctor/findings.c \
    tools/doctor/findings.h \
    tools/doctor/kernel.c \
    tools/doctor/limits.c \
    tools/doctor/memory.c \
    tools/doctor/numa.c \
    tools/doctor/trial.c \
    tools/topo/look.c \
    tools/topo/object.c \
    tools/topo/object.h \
    tools/topo/topo.c \
    tools/topo/topo.h \
    tools/topo/tree.c \
    tools/topo/tree.h \
    tools/tour/cache.c \
    tools/tour/cache.h \
    tools/tour/count.c \
    tools/tour/count.h \
    tools/tour/echo.c \
    tools/tour/echo.h \
    tools/tour/hold.c \
    tools/tour/hold.h \
    tools/tour/json.c \
    tools/tour/json.h \
    tools/tour/limits.c \
    tools/tour/limits.h \
    tools/tour/options.c \
    tools/tour/options.h \
    tools/tour/outcome.c \
    tools/tour/outcome.h \
    tools/tour/pass.c \
    tools/tour/pass.h \
    tools/tour/paths.c \
    tools/tour/paths.h \
    tools/tour/per_file.c \
    tools/tour/plain.c \
    tools/tour/plain.h \
    tools/tour/pool.c \
    tools/tour/progress.c \
    tools/tour/progress.h \
    tools/tour/serial.c \
    tools/tour/text.c \
    tools/tour/text.h \
    tools/tour/threads.c \
    tools/tour/threads.h \
    tools/tour/tour.c \
    tools/tour/tour.h \
    tools/tour/trouble.c \
    tools/tour/trouble.h \
    tools/tour/walk.c \
    tools/tour/walk.h
nodist_weft_SOURCES = tools/bench/commit.c

# Which commit this is, for reports of figures; a tarball has none. Looked for at each make, and written
# when it is another one, or when the folder is git's and git says nothing.
tools/bench/commit.c: commit-look
	@$(MKDIR_P) tools/bench; name=release; \
	if [ -e '$(srcdir)/.git' ]; then \
	    name=`git -C '$(srcdir)' rev-parse --short=10 HEAD 2>/dev/null` || name=; \
	    [ -z "$$name" ] || git -C '$(srcdir)' diff --quiet HEAD -- 2>/dev/null || name=$$name-changed; \
	fi; \
	if [ -z "$$name" ] && [ -f $@ ]; then exit 0; fi; \
	text="extern const char weft__machine_commit[]; \
	const char weft__machine_commit[] = \"$${name:-unknown}\";"; \
	[ -f $@ ] && [ "$$text" = "`cat $@`" ] || echo "$$text" >$@
commit-look:
.PHONY: commit-look
CLEANFILES += tools/bench/commit.c

unit_tests += \
    tests/unit/client_test \
    tests/unit/doctor_test \
    tests/unit/histogram_test \
    tests/unit/machine_test \
    tests/unit/statistics_test \
    tests/unit/wordcount_test \
    tests/unit/words_test
tests_unit_client_test_SOURCES = \
    tests/unit/client_test.c \
    tools/bench/client.c \
    tools/bench/client.h \
    tools/common/histogram.c \
    tools/common/histogram.h
tests_unit_doctor_test_SOURCES = \
    tests/unit/doctor_test.c \
    tools/common/quote.c \
    tools/common/quote.h \
    tools/common/size.c \
    tools/common/size.h \
    tools/doctor/cgroup.c \
    tools/doctor/doctor.h \
    tools/doctor/engine.c \
    tools/doctor/facts.c \
    tools/doctor/findings.c \
    tools/doctor/findings.h \
    tools/doctor/kernel.c \
    tools/doctor/limits.c \
    tools/doctor/memory.c \
    tools/doctor/numa.c
tests_unit_histogram_test_SOURCES = \
    tests/unit/histogram_test.c \
    tools/common/histogram.c \
    tools/common/histogram.h
tests_unit_machine_test_SOURCES = \
    tests/unit/machine_test.c \
    tools/bench/child.c \
    tools/bench/child.h \
    tools/bench/machine.c \
    tools/bench/machine.h \
    tools/common/quote.c \
    tools/common/quote.h
tests_unit_statistics_test_SOURCES = \
    tests/unit/statistics_test.c \
    tools/bench/statistics.c \
    tools/bench/statistics.h
tests_unit_wordcount_test_SOURCES = \
    tests/unit/wordcount_test.c \
    tools/tour/count.c \
    tools/tour/count.h
tests_unit_words_test_SOURCES = \
    tests/unit/words_test.c \
    tools/common/nearest.c \
    tools/common/nearest.h \
    tools/common/quote.c \
    tools/common/quote.h \
    tools/common/size.c \
    tools/common/size.h

unit_test_scripts += \
    tests/tools/bench_test \
    tests/tools/command_test \
    tests/tools/completion_test \
    tests/tools/coverage_test \
    tests/tools/doctor_test \
    tests/tools/examples_test \
    tests/tools/gdb_test \
    tests/tools/manual_test \
    tests/tools/setup_test \
    tests/tools/topo_test \
    tests/tools/tour_test

check_PROGRAMS += \
    tests/tools/deny \
    tests/tools/gdb_program \
    tools/examples/bank \
    tools/examples/echo \
    tools/examples/log \
    tools/examples/producer
tests_tools_deny_LDADD =
tools_examples_bank_LDADD = $(tools_examples_echo_LDADD)
tools_examples_echo_LDADD = \
    libweft.la \
    $(JEMALLOC_LIBS)
tools_examples_log_LDADD = $(tools_examples_echo_LDADD)
tools_examples_producer_LDADD = $(tools_examples_echo_LDADD)

# The programs that `weft bench peers` runs beside ours; those whose tools are missing are left out. It
# makes them itself when they are not there: they take longer than weft, and few want them.
peers:
	PEER_WARNINGS='$(WEFT_WARNINGS)' $(srcdir)/tools/bench/peers/build $(srcdir) bench-peers
.PHONY: peers

# The package bash-completion finds it by its name, when the folder is the one that it looks in.
EXTRA_DIST += tools/completion/weft
if INSTALL_COMPLETION
bashcompletion_DATA = tools/completion/weft
endif

# Commands for gdb, to be sourced. Where gdb looks for scripts that belong to a library, a line sources
# them; that folder is gdb's own when both have the same prefix.
dist_pkgdata_DATA = tools/weft-gdb.py
gdb_autoload = $(datarootdir)/gdb/auto-load$(libdir)

# The file name of the shared library, which gdb goes by; empty when none is built.
gdb_name = sed -n "s/^library_names='\([^ ']*\).*/\1/p" libweft.la

install-gdb-autoload: libweft.la
	name=$$($(gdb_name)); [ -z "$$name" ] || { \
	    $(MKDIR_P) '$(DESTDIR)$(gdb_autoload)' && \
	    echo "gdb.execute('source $(pkgdatadir)/weft-gdb.py')" \
	        >'$(DESTDIR)$(gdb_autoload)'/$$name-gdb.py; \
	}

# The manual, in a folder for `man -M man weft_chan_put`. Its generator finds out which pages there
# are: their list is the target.
man_sources = \
    $(include_HEADERS) \
    $(weft_pkgheaders) \
    tools/man/build \
    tools/man/docstring.awk \
    tools/man/page.awk \
    tools/man/read.awk \
    tools/man/roff.awk \
    tools/man/weft-cancellation.7 \
    tools/man/weft-channels.7 \
    tools/man/weft-debugging.7 \
    tools/man/weft-errors.7 \
    tools/man/weft-faults.7 \
    tools/man/weft-forks.7 \
    tools/man/weft-locks.7 \
    tools/man/weft-policies.7 \
    tools/man/weft-scheduling.7 \
    tools/man/weft-sim.7 \
    tools/man/weft-sockets.7 \
    tools/man/weft.1 \
    tools/man/weft.7

man/pages: $(man_sources)
	$(AM_V_GEN)AWK='$(AWK)' $(srcdir)/tools/man/build $(srcdir) $(PACKAGE_VERSION) man

all-local: man/pages

install-data-local: man/pages install-gdb-autoload
	for section in 1 3 7; do \
	    $(MKDIR_P) '$(DESTDIR)$(mandir)'/man$$section && \
	    $(INSTALL_DATA) man/man$$section/* '$(DESTDIR)$(mandir)'/man$$section || exit; \
	done

uninstall-local: man/pages
	while read -r page; do rm -f '$(DESTDIR)$(mandir)'/$$page; done <man/pages
	name=$$($(gdb_name)); [ -z "$$name" ] || \
	    rm -f '$(DESTDIR)$(gdb_autoload)'/$$name-gdb.py

clean-local:
	rm -rf bench-peers man

EXTRA_DIST += \
    tests/tools/harness.sh \
    tools/README.md \
    tools/bench/README.md \
    tools/bench/peers \
    tools/examples/README.md \
    tools/tour/README.md
