# WEFT_TRY_FLAGS(VARIABLE, FLAGS)
# Appends each of FLAGS that the compiler takes without a word to VARIABLE.
AC_DEFUN([WEFT_TRY_FLAGS], [
    for weft_flag in m4_normalize([$2]); do
        AS_VAR_PUSHDEF([weft_cache], [weft_cv_flag_$weft_flag])
        AC_CACHE_CHECK([whether $CC takes $weft_flag], [weft_cache], [
            weft_saved_flags=$CFLAGS
            # clang only warns of a flag that it does not know
            CFLAGS="$CFLAGS -Werror $weft_flag"
            AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
                [AS_VAR_SET([weft_cache], [yes])], [AS_VAR_SET([weft_cache], [no])])
            CFLAGS=$weft_saved_flags
        ])
        AS_VAR_IF([weft_cache], [yes], [$1="$$1 $weft_flag"])
        AS_VAR_POPDEF([weft_cache])
    done
])

# WEFT_COMPILER_FLAGS
# Sets WEFT_CPPFLAGS, WEFT_CFLAGS and WEFT_LDFLAGS: the language, hidden symbols, frame pointers,
# hardening, the sanitizer. CFLAGS stays the user's.
AC_DEFUN([WEFT_COMPILER_FLAGS], [
    WEFT_CPPFLAGS="-D_GNU_SOURCE"
    WEFT_CFLAGS="-std=gnu17 -pthread -fvisibility=hidden -fno-omit-frame-pointer"
    WEFT_LDFLAGS="-pthread"

    AC_CACHE_CHECK([whether $CC is gcc 12, clang 14 or later], [weft_cv_compiler_new], [
        AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
            #if defined(__clang__) ? __clang_major__ < 14 : __GNUC__ < 12
            #error too old
            #endif
            typedef int new_enough;]])],
            [weft_cv_compiler_new=yes], [weft_cv_compiler_new=no])])
    AS_IF([test "$weft_cv_compiler_new" = no],
        [AC_MSG_WARN([weft is tested with gcc 12 and clang 14 and later; this compiler is older])])

    AS_IF([test "$enable_debug" = yes], [WEFT_CPPFLAGS="$WEFT_CPPFLAGS -DWEFT_DEBUG"])
    AS_CASE([$weft_sanitizer],
        [asan], [weft_sanitize="-fsanitize=address,undefined -fno-sanitize-recover=undefined"],
        [tsan], [weft_sanitize="-fsanitize=thread"],
        [weft_sanitize=])
    AS_IF([test -n "$weft_sanitize"],
        [WEFT_CFLAGS="$WEFT_CFLAGS $weft_sanitize"
         WEFT_LDFLAGS="$WEFT_LDFLAGS $weft_sanitize"
         AC_MSG_CHECKING([whether a program built with $weft_sanitize links])
         weft_saved_flags=$CFLAGS
         CFLAGS="$CFLAGS $weft_sanitize"
         AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes])],
             [AC_MSG_RESULT([no])
              AC_MSG_ERROR([$CC has no libraries for $weft_sanitize; gcc brings them on Debian,
              clang needs the package libclang-rt-dev (libclang-common-14-dev on Debian 12)])])
         CFLAGS=$weft_saved_flags],
        [WEFT_HARDENING_FLAGS])

    AC_SUBST([WEFT_CPPFLAGS])
    AC_SUBST([WEFT_CFLAGS])
    AC_SUBST([WEFT_LDFLAGS])
])

# WEFT_HARDENING_FLAGS
# Left out of sanitizer builds, where each of them hides or doubles a report. Branch protection is
# for indirect branches only: the context switch moves between stacks, which shadow stacks forbid.
AC_DEFUN([WEFT_HARDENING_FLAGS], [
    WEFT_TRY_FLAGS([WEFT_CFLAGS], [-fstack-protector-strong -fstack-clash-protection])
    AS_CASE([$WEFT_CPU],
        [x86_64], [WEFT_TRY_FLAGS([WEFT_CFLAGS], [-fcf-protection=branch])],
        [aarch64], [WEFT_TRY_FLAGS([WEFT_CFLAGS], [-mbranch-protection=standard])])
    # glibc warns of fortify in a build that does not optimize
    AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
        #ifndef __OPTIMIZE__
        #error not optimized
        #endif
        typedef int optimized;]])],
        [WEFT_CPPFLAGS="$WEFT_CPPFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])
    WEFT_LDFLAGS="$WEFT_LDFLAGS -Wl,-z,relro -Wl,-z,now -Wl,-z,defs"
])

# WEFT_WARNING_FLAGS
# The house list, always on; errors only with --enable-werror.
AC_DEFUN([WEFT_WARNING_FLAGS], [
    WEFT_WARNINGS=
    WEFT_TRY_FLAGS([WEFT_WARNINGS], [
        -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
        -Wvla -Walloca -Wundef -Wcast-qual -Wcast-align -Wwrite-strings -Wpointer-arith
        -Wswitch-enum -Wimplicit-fallthrough -Wformat=2
        -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wnull-dereference -Wjump-misses-init
        -Wthread-safety])
    # sanitizers widen every frame, so the stack budget is judged in the plain builds
    AS_IF([test "$weft_sanitizer" = none],
        [WEFT_TRY_FLAGS([WEFT_WARNINGS], [-Wframe-larger-than=1024])])
    # each compiler lacks some of them; none at all is a slip, such as a word in CFLAGS of which the
    # compiler warns each time
    AS_CASE([$WEFT_WARNINGS],
        [*-Wall*], [],
        [AC_MSG_WARN([$CC with CFLAGS="$CFLAGS" takes not even -Wall without a word: this build has
    no warnings; config.log says why])])
    AS_IF([test "$enable_werror" = yes], [WEFT_WARNINGS="$WEFT_WARNINGS -Werror"])
    AC_SUBST([WEFT_WARNINGS])
])
