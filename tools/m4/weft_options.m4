# WEFT_OPTIONS
# The --enable switches. The sanitizer builds go without jemalloc: a sanitizer brings a malloc of
# its own.
AC_DEFUN([WEFT_OPTIONS], [
    AC_ARG_ENABLE([werror],
        [AS_HELP_STRING([--enable-werror], [warnings are errors (for work on weft itself)])],
        [], [enable_werror=no])
    AC_ARG_ENABLE([debug],
        [AS_HELP_STRING([--enable-debug], [costly checks too: WEFT_DASSERT])],
        [], [enable_debug=no])
    AC_ARG_ENABLE([asan],
        [AS_HELP_STRING([--enable-asan], [build for AddressSanitizer and UBSan])],
        [], [enable_asan=no])
    AC_ARG_ENABLE([tsan],
        [AS_HELP_STRING([--enable-tsan], [build for ThreadSanitizer])],
        [], [enable_tsan=no])
    AC_ARG_WITH([jemalloc],
        [AS_HELP_STRING([--without-jemalloc],
            [link no program to jemalloc: node memory comes from libc and first touch])],
        [], [with_jemalloc=yes])

    AC_ARG_WITH([bash-completion-dir],
        [AS_HELP_STRING([--with-bash-completion-dir=DIR],
            [where the completion of bash goes, or no @<:@DATADIR/bash-completion/completions@:>@])],
        [], [with_bash_completion_dir=yes])
    AS_CASE([$with_bash_completion_dir],
        [yes], [bashcompletiondir='${datadir}/bash-completion/completions'],
        [no], [bashcompletiondir=],
        [bashcompletiondir=$with_bash_completion_dir])
    AC_SUBST([bashcompletiondir])
    AM_CONDITIONAL([INSTALL_COMPLETION], [test -n "$bashcompletiondir"])

    AS_IF([test "$enable_asan$enable_tsan" = yesyes],
        [AC_MSG_ERROR([--enable-asan and --enable-tsan exclude each other: build twice])])
    AS_IF([test "$enable_asan" = yes], [weft_sanitizer=asan],
          [test "$enable_tsan" = yes], [weft_sanitizer=tsan],
          [weft_sanitizer=none])
    AS_IF([test "$weft_sanitizer" != none], [with_jemalloc=no])
])
