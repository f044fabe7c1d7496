# The library. Sources stand in the order of the layers; a header stands beside its source.

lib_LTLIBRARIES = libweft.la
noinst_LTLIBRARIES = libweft-private.la

# Built once. libweft.la is made of it; tests link it as it is and so reach the hidden symbols.
libweft_private_la_SOURCES = $(weft_sources)

libweft_la_SOURCES =
libweft_la_LIBADD = \
    libweft-private.la \
    $(LIBURING_LIBS) \
    $(NUMA_LIBS)
libweft_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 \
    -Wl,--version-script=$(srcdir)/runtime/weft.map
EXTRA_libweft_la_DEPENDENCIES = runtime/weft.map

pkgconfigdir = $(libdir)/pkgconfig
nodist_pkgconfig_DATA = \
    runtime/weft-nomalloc.pc \
    runtime/weft.pc

include_HEADERS = runtime/include/weft.h
weftincludedir = $(includedir)/weft
weftinclude_HEADERS = $(weft_pkgheaders)

weft_pkgheaders += \
    runtime/include/weft/address.h \
    runtime/include/weft/atomic.h \
    runtime/include/weft/barrier.h \
    runtime/include/weft/base.h \
    runtime/include/weft/blocking.h \
    runtime/include/weft/chan.h \
    runtime/include/weft/chan_typed.h \
    runtime/include/weft/condition.h \
    runtime/include/weft/counters.h \
    runtime/include/weft/defer.h \
    runtime/include/weft/dump.h \
    runtime/include/weft/error.h \
    runtime/include/weft/event.h \
    runtime/include/weft/file.h \
    runtime/include/weft/for_each.h \
    runtime/include/weft/fork.h \
    runtime/include/weft/future.h \
    runtime/include/weft/local.h \
    runtime/include/weft/loop.h \
    runtime/include/weft/map.h \
    runtime/include/weft/mutex.h \
    runtime/include/weft/notifier.h \
    runtime/include/weft/once.h \
    runtime/include/weft/park.h \
    runtime/include/weft/path.h \
    runtime/include/weft/pin.h \
    runtime/include/weft/pipes.h \
    runtime/include/weft/place.h \
    runtime/include/weft/print.h \
    runtime/include/weft/random.h \
    runtime/include/weft/ready.h \
    runtime/include/weft/retry.h \
    runtime/include/weft/runtime.h \
    runtime/include/weft/rwlock.h \
    runtime/include/weft/scope.h \
    runtime/include/weft/select.h \
    runtime/include/weft/semaphore.h \
    runtime/include/weft/seqlock.h \
    runtime/include/weft/serve.h \
    runtime/include/weft/shield.h \
    runtime/include/weft/socket.h \
    runtime/include/weft/sort.h \
    runtime/include/weft/spinlock.h \
    runtime/include/weft/task.h \
    runtime/include/weft/temporary.h \
    runtime/include/weft/time.h \
    runtime/include/weft/timer.h \
    runtime/include/weft/transfer.h \
    runtime/include/weft/whole_file.h

weft_sources += \
    runtime/base/atomic.c \
    runtime/base/atomic.h \
    runtime/base/chaos.c \
    runtime/base/chaos.h \
    runtime/base/check.c \
    runtime/base/check.h \
    runtime/base/clock.c \
    runtime/base/clock.h \
    runtime/base/compiler.h \
    runtime/base/descriptor.c \
    runtime/base/descriptor.h \
    runtime/base/fallback.c \
    runtime/base/fallback.h \
    runtime/base/fault.c \
    runtime/base/fault.h \
    runtime/base/list.h \
    runtime/base/lock.c \
    runtime/base/lock.h \
    runtime/base/native.c \
    runtime/base/native.h \
    runtime/base/peek.c \
    runtime/base/peek.h \
    runtime/base/random.h \
    runtime/base/sim.c \
    runtime/base/sim.h \
    runtime/base/sys.c \
    runtime/base/sys.h \
    runtime/base/sys_io.c \
    runtime/base/sys_io.h \
    runtime/task/context.c \
    runtime/task/context.h \
    runtime/task/fiber.c \
    runtime/task/fiber.h \
    runtime/task/guard.c \
    runtime/task/guard.h \
    runtime/task/record.c \
    runtime/task/record.h \
    runtime/task/stack.c \
    runtime/task/stack.h \
    runtime/task/walk.c \
    runtime/task/walk.h \
    runtime/sim/coroutine.c \
    runtime/sim/coroutine.h \
    runtime/sim/net.c \
    runtime/sim/net.h \
    runtime/sim/patience.c \
    runtime/sim/patience.h \
    runtime/sim/socket.c \
    runtime/sim/socket.h \
    runtime/sim/trace.c \
    runtime/sim/trace.h \
    runtime/sim/wire.c \
    runtime/sim/wire.h \
    runtime/sim/wish.c \
    runtime/sim/wish.h \
    runtime/sched/call.c \
    runtime/sched/cancel.c \
    runtime/sched/cancel.h \
    runtime/sched/capture.c \
    runtime/sched/capture.h \
    runtime/sched/census.c \
    runtime/sched/census.h \
    runtime/sched/defer.c \
    runtime/sched/defer.h \
    runtime/sched/error.c \
    runtime/sched/error.h \
    runtime/sched/deadlock.c \
    runtime/sched/deadlock.h \
    runtime/sched/finish.c \
    runtime/sched/finish.h \
    runtime/sched/forks.h \
    runtime/sched/gather.c \
    runtime/sched/gather.h \
    runtime/sched/halt.c \
    runtime/sched/halt.h \
    runtime/sched/handle.c \
    runtime/sched/handle.h \
    runtime/sched/handover.c \
    runtime/sched/hold.c \
    runtime/sched/hold.h \
    runtime/sched/inbox.h \
    runtime/sched/inject.h \
    runtime/sched/join.c \
    runtime/sched/join.h \
    runtime/sched/launch.c \
    runtime/sched/launch.h \
    runtime/sched/local.c \
    runtime/sched/local.h \
    runtime/sched/map.c \
    runtime/sched/monitor.c \
    runtime/sched/monitor.h \
    runtime/sched/notice.c \
    runtime/sched/notice.h \
    runtime/sched/offer.c \
    runtime/sched/offer.h \
    runtime/sched/options.c \
    runtime/sched/options.h \
    runtime/sched/overflow.c \
    runtime/sched/overflow.h \
    runtime/sched/park.c \
    runtime/sched/park.h \
    runtime/sched/patience.c \
    runtime/sched/patience.h \
    runtime/sched/permit.c \
    runtime/sched/pin.c \
    runtime/sched/pin.h \
    runtime/sched/process.c \
    runtime/sched/query.c \
    runtime/sched/queue.h \
    runtime/sched/random.c \
    runtime/sched/release.c \
    runtime/sched/retry.c \
    runtime/sched/ring.c \
    runtime/sched/ring.h \
    runtime/sched/runtime.h \
    runtime/sched/scope.c \
    runtime/sched/scope.h \
    runtime/sched/scope_calls.c \
    runtime/sched/search.c \
    runtime/sched/search.h \
    runtime/sched/self.c \
    runtime/sched/shield.c \
    runtime/sched/site.c \
    runtime/sched/site.h \
    runtime/sched/sleep.c \
    runtime/sched/sleep.h \
    runtime/sched/spawn.c \
    runtime/sched/spawn.h \
    runtime/sched/start.c \
    runtime/sched/step.c \
    runtime/sched/switch.c \
    runtime/sched/switch.h \
    runtime/sched/task.c \
    runtime/sched/task.h \
    runtime/sched/thread.c \
    runtime/sched/thread.h \
    runtime/sched/time.c \
    runtime/sched/watchdog.c \
    runtime/sched/watchdog.h \
    runtime/sched/wheel.c \
    runtime/sched/wheel.h \
    runtime/sched/worker.h \
    runtime/sched/yield.c \
    runtime/sched/yield.h \
    runtime/par/blocks.c \
    runtime/par/blocks.h \
    runtime/par/each.c \
    runtime/par/family.c \
    runtime/par/family.h \
    runtime/par/fork.c \
    runtime/par/fork.h \
    runtime/par/halves.c \
    runtime/par/loop.c \
    runtime/par/loop.h \
    runtime/par/parts.c \
    runtime/par/poll.c \
    runtime/par/poll.h \
    runtime/par/reduce.c \
    runtime/par/scan.c \
    runtime/par/share.c \
    runtime/par/share.h \
    runtime/par/shares.c \
    runtime/par/sort.c \
    runtime/par/strand.c \
    runtime/par/strand.h \
    runtime/par/tiles.c \
    runtime/sync/barrier.c \
    runtime/sync/chan.c \
    runtime/sync/chan.h \
    runtime/sync/chan_life.c \
    runtime/sync/chan_look.c \
    runtime/sync/chan_many.c \
    runtime/sync/condition.c \
    runtime/sync/event.c \
    runtime/sync/event.h \
    runtime/sync/future.c \
    runtime/sync/future.h \
    runtime/sync/latch.c \
    runtime/sync/line.c \
    runtime/sync/line.h \
    runtime/sync/mutex.c \
    runtime/sync/mutex.h \
    runtime/sync/once.c \
    runtime/sync/owner.c \
    runtime/sync/owner.h \
    runtime/sync/rwlock.c \
    runtime/sync/select.c \
    runtime/sync/semaphore.c \
    runtime/sync/source.c \
    runtime/sync/source.h \
    runtime/sync/source_chan.c \
    runtime/sync/source_event.c \
    runtime/sync/source_future.c \
    runtime/sync/source_task.c \
    runtime/sync/source_timer.c \
    runtime/sync/seqlock.c \
    runtime/sync/spinlock.c \
    runtime/sync/timer.c \
    runtime/sync/timer.h \
    runtime/sync/timer_go.c \
    runtime/sync/wait.c \
    runtime/sync/wait.h \
    runtime/offload/blocking.c \
    runtime/io/acceptor.c \
    runtime/io/acceptor.h \
    runtime/io/address.c \
    runtime/io/address.h \
    runtime/io/cached.c \
    runtime/io/cached.h \
    runtime/io/dir.c \
    runtime/io/disk.c \
    runtime/io/fd.c \
    runtime/io/fd.h \
    runtime/io/file.c \
    runtime/io/gate.c \
    runtime/io/gate.h \
    runtime/io/main.c \
    runtime/io/nature.c \
    runtime/io/nature.h \
    runtime/io/notifier.c \
    runtime/io/operation.c \
    runtime/io/operation.h \
    runtime/io/path.c \
    runtime/io/pipe.c \
    runtime/io/print.c \
    runtime/io/ready.c \
    runtime/io/replace.c \
    runtime/io/serve.c \
    runtime/io/socket.c \
    runtime/io/socket_option.c \
    runtime/io/stream.c \
    runtime/io/temporary.c \
    runtime/io/temporary.h \
    runtime/io/transfer.c \
    runtime/io/turn.c \
    runtime/io/turn.h \
    runtime/io/whole_file.c \
    runtime/trace/counters.c \
    runtime/trace/dump.c \
    runtime/trace/groups.c \
    runtime/trace/groups.h \
    runtime/trace/lines.c \
    runtime/trace/lines.h \
    runtime/trace/maps.c \
    runtime/trace/maps.h \
    runtime/trace/roster.c \
    runtime/trace/roster.h \
    runtime/trace/sight.c \
    runtime/trace/sight.h \
    runtime/trace/signal.c

if WEFT_X86_64
weft_sources += runtime/task/switch_x86_64.S
else
weft_sources += runtime/task/switch_aarch64.S
endif

EXTRA_DIST += \
    runtime/README.md \
    runtime/base/README.md \
    runtime/io/README.md \
    runtime/offload/README.md \
    runtime/par/README.md \
    runtime/sched/README.md \
    runtime/sim/README.md \
    runtime/sync/README.md \
    runtime/task/README.md \
    runtime/trace/README.md \
    runtime/task/switch_aarch64.S \
    runtime/task/switch_x86_64.S \
    runtime/weft.map
