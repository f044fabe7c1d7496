# WEFT_SUMMARY
# The closing words of configure: what was found, and what the absence of a thing costs.
AC_DEFUN([WEFT_SUMMARY], [
    AS_IF([test "$with_jemalloc" = yes],
        [weft_jemalloc="yes: one arena for each NUMA node"],
        [test "$weft_sanitizer" != none],
        [weft_jemalloc="no: the sanitizer brings its own malloc; placement is by first touch"],
        [weft_jemalloc="no: memory is placed by first touch alone, and a block freed on
                     another node stays there"])
    AS_IF([test "$with_seccomp" = yes],
        [weft_seccomp="yes: the tests can put on a container's filter"],
        [weft_seccomp="no: the tests of refused system calls are skipped (libseccomp-dev)"])
    AS_CASE([$weft_sanitizer],
        [asan], [weft_sanitizer_text="AddressSanitizer and UBSan: several times slower, not for use"],
        [tsan], [weft_sanitizer_text="ThreadSanitizer: ten times slower, at most 8,000 live tasks"],
        [weft_sanitizer_text=none])
    AS_IF([test "$enable_debug" = yes],
        [weft_debug="yes: costly checks are on, do not measure this build"],
        [weft_debug="no: assertions on, costly checks off"])
    AS_ECHO(["
weft $PACKAGE_VERSION is configured

  host               $host, switch in runtime/task/switch_$WEFT_CPU.S
  compiler           $CC, CFLAGS $CFLAGS
  prefix             $prefix

  liburing           $WEFT_LIBURING_VERSION
  libnuma            yes
  CUnit              yes: make check has its unit tests
  jemalloc           $weft_jemalloc
  libseccomp         $weft_seccomp

  warnings as errors $enable_werror
  costly checks      $weft_debug
  sanitizer          $weft_sanitizer_text

Next: make, then ./weft tour; make check; make install
"])
])
