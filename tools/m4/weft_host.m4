# WEFT_HOST
# Refuses what weft does not run on, and sets WEFT_CPU to x86_64 or aarch64: the name of the file
# with the context switch.
AC_DEFUN([WEFT_HOST], [
    AS_CASE([$host_os],
        [linux*], [],
        [AC_MSG_ERROR([weft runs on Linux alone (io_uring); this host is $host_os])])
    AS_CASE([$host_cpu],
        [x86_64 | amd64], [WEFT_CPU=x86_64],
        [aarch64 | arm64], [WEFT_CPU=aarch64],
        [AC_MSG_ERROR([weft runs on x86-64 and aarch64; this host is $host_cpu])])
    AC_SUBST([WEFT_CPU])
    AM_CONDITIONAL([WEFT_X86_64], [test "$WEFT_CPU" = x86_64])
    AM_CONDITIONAL([WEFT_AARCH64], [test "$WEFT_CPU" = aarch64])
])
