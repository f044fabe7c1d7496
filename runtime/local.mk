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
    runtime/include/weft/base.h \
    runtime/include/weft/chan.h \
    runtime/include/weft/counters.h \
    runtime/include/weft/error.h \
    runtime/include/weft/file.h \
    runtime/include/weft/place.h \
    runtime/include/weft/print.h \
    runtime/include/weft/runtime.h \
    runtime/include/weft/scope.h \
    runtime/include/weft/task.h \
    runtime/include/weft/time.h

weft_sources += \
    runtime/base/atomic.c \
    runtime/base/atomic.h \
    runtime/base/check.c \
    runtime/base/check.h \
    runtime/base/clock.c \
    runtime/base/clock.h \
    runtime/base/compiler.h \
    runtime/base/fault.c \
    runtime/base/fault.h \
    runtime/base/list.h \
    runtime/base/lock.c \
    runtime/base/lock.h \
    runtime/base/random.h \
    runtime/base/sys.c \
    runtime/base/sys.h

EXTRA_DIST += \
    runtime/weft.map
