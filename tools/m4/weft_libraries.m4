# WEFT_SYSTEM_FLAGS(FLAGS)
# FLAGS with -I turned into -isystem: the warnings are for weft, not for the headers of others.
AC_DEFUN([WEFT_SYSTEM_FLAGS], [`AS_ECHO(["$1"]) | sed 's/-I */-isystem /g'`])

# WEFT_NEED_LIBURING(VERSION)
AC_DEFUN([WEFT_NEED_LIBURING], [
    PKG_CHECK_MODULES([LIBURING], [liburing >= $1],
        [WEFT_LIBURING_VERSION=`$PKG_CONFIG --modversion liburing`
         LIBURING_CFLAGS="WEFT_SYSTEM_FLAGS([$LIBURING_CFLAGS])"],
        [AC_MSG_ERROR([liburing $1 or later not found: it carries all waiting and all I/O of weft.
    Debian and Ubuntu: apt install liburing-dev
    pkg-config says: $LIBURING_PKG_ERRORS])])
])

# WEFT_NEED_LIBRARY(PREFIX, MODULE, HEADER, FUNCTION, NAME, DEBIAN-PACKAGE)
# By pkg-config where the library states itself there, else by trying -lMODULE.
AC_DEFUN([WEFT_NEED_LIBRARY], [
    PKG_CHECK_MODULES([$1], [$2],
        [$1_CFLAGS="WEFT_SYSTEM_FLAGS([$$1_CFLAGS])"],
        [$1_CFLAGS=
         AC_CHECK_LIB([$2], [$4], [$1_LIBS=-l$2], [$1_LIBS=missing])])
    weft_saved_flags=$CPPFLAGS
    CPPFLAGS="$CPPFLAGS $$1_CFLAGS"
    AC_CHECK_HEADER([$3], [], [$1_LIBS=missing])
    CPPFLAGS=$weft_saved_flags
    AS_IF([test "$$1_LIBS" = missing],
        [AC_MSG_ERROR([$5 not found ($3, -l$2).
    Debian and Ubuntu: apt install $6])])
])

# WEFT_FIND_SECCOMP
# For a program of the tests that runs others where io_uring and NUMA calls are refused.
AC_DEFUN([WEFT_FIND_SECCOMP], [
    PKG_CHECK_MODULES([SECCOMP], [libseccomp],
        [with_seccomp=yes
         SECCOMP_CFLAGS="WEFT_SYSTEM_FLAGS([$SECCOMP_CFLAGS]) -DWEFT_WITH_SECCOMP=1"],
        [with_seccomp=no
         SECCOMP_CFLAGS=-DWEFT_WITH_SECCOMP=0])
])

# WEFT_FIND_JEMALLOC
# libweft finds mallocx as a weak symbol; what links jemalloc is the program. The linker drops a
# library of which no symbol is used, so the option that keeps it must travel in one word with it:
# libtool moves words that begin with -l.
AC_DEFUN([WEFT_FIND_JEMALLOC], [
    JEMALLOC_LIBS=
    WEFT_PC_JEMALLOC=
    WEFT_PC_JEMALLOC_PRIVATE=
    AS_IF([test "$with_jemalloc" != no], [
        weft_saved_libs=$LIBS
        LIBS="$LIBS -ljemalloc"
        AC_MSG_CHECKING([for jemalloc with mallocx and no prefix])
        AC_LINK_IFELSE([AC_LANG_PROGRAM([[
            #include <stddef.h>
            #include <jemalloc/jemalloc.h>]],
            [[return mallocx(1, 0) == NULL;]])],
            [AC_MSG_RESULT([yes])],
            [AC_MSG_RESULT([no])
             AC_MSG_ERROR([jemalloc not found: it gives each NUMA node an arena of its own.
    Debian and Ubuntu: apt install libjemalloc-dev
    To go without (memory is placed by first touch alone): --without-jemalloc])])
        LIBS=$weft_saved_libs
        with_jemalloc=yes
        JEMALLOC_LIBS="-Wl,--push-state,--no-as-needed,-ljemalloc,--pop-state"
        WEFT_PC_JEMALLOC=$JEMALLOC_LIBS
        WEFT_PC_JEMALLOC_PRIVATE="-Wl,-u,mallocx -lm"
    ])
    AC_SUBST([JEMALLOC_LIBS])
    AC_SUBST([WEFT_PC_JEMALLOC])
    AC_SUBST([WEFT_PC_JEMALLOC_PRIVATE])
])
