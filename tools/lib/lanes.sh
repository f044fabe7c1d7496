# The lanes of tools/check: a function lane_NAME each. What it prints goes to its log. It returns 0
# passed, 77 skipped (with the reason by skip), else failed. A lane of several tests adds up its
# counts with count; a lane that counts nothing is one test.
# Sourced by tools/check, which sets weft_root, work, counts, skips and long.
# shellcheck shell=bash disable=SC2034,SC2154  # what tools/check uses or sets

lanes_all=(format lint headers build-gcc build-clang exports unit compat sim install model explore aarch64
    distcheck stress asan tsan)
around=() # a command that tests run under
lanes_long=(unit-clang debug nomalloc qemu chaos beside planted)
lanes_asked=(coverage) # only by name

declare -A lane_about=(
    [format]="clang-format 14 has nothing to change"
    [lint]="layers, names, bans, descriptions, the manual, sizes, ordering comments"
    [headers]="each public header compiles alone, as C11 and C++17, with gcc and clang"
    [build-gcc]="the whole tree with gcc, warnings are errors"
    [build-clang]="the whole tree with clang, warnings are errors"
    [exports]="public headers, symbol map and library name the same functions"
    [unit]="make peers, make check"
    [compat]="unit and stress tests on the compat engine, where a filter kills who calls io_uring"
    [sim]="unit and conformance tests as simulations, each with several seeds (--long: 10,000 in all)"
    [install]="make install; programs outside the tree, in C and C++, shared and static"
    [model]="the spin models of the protocols, whole and with a step left out"
    [explore]="the lock-free parts, every order of two and three threads, and what must be found"
    [aarch64]="the whole tree for aarch64, warnings are errors"
    [distcheck]="a tarball builds, passes a few tests (--long: all), installs and leaves nothing behind"
    [stress]="the stress tests"
    [chaos]="the stress tests while WEFT_CHAOS bends the schedule"
    [beside]="the stress tests with fork-join load beside them"
    [asan]="unit and stress tests under AddressSanitizer and UBSan"
    [tsan]="unit and stress tests under ThreadSanitizer"
    [unit-clang]="the unit tests of the clang build"
    [debug]="unit and stress tests with the costly checks on"
    [nomalloc]="the unit tests without jemalloc"
    [planted]="bugs planted in the core, each caught by the lane that its row names"
    [qemu]="the context switch of aarch64 under qemu"
    [coverage]="which lines and branches of the library the unit and stress tests run, on both engines"
)

# ---- what lanes share ----------------------------------------------------------------------------

skip() { # REASON
    echo "$*" | tee -a "$skips"
    return 77
}

count() { # PASSED FAILED SKIPPED
    echo "$1 $2 $3" >>"$counts"
}

# The reasons that programs give in TAP, once each.
note_skips() { # LOG...
    sed -n 's/^ok.*# *SKIP *//p' "$@" | sort -u >>"$skips"
}

# tap COMMAND...: runs a program that prints TAP, and counts its lines
tap() {
    local status
    "$@" 2>&1 | tee "$work/tap"
    status=$?
    # shellcheck disable=SC2046  # three numbers
    count $(tests/count-tests $status "$work/tap")
    note_skips "$work/tap"
    return $status
}

# build NAME [CONFIGURE-ARGUMENT...]: configures build/check/NAME once, and makes everything there
build() {
    local name=$1
    shift
    setup_configure "$work/$name" "$@" &&
        make -C "$work/$name" -j "$(setup_jobs)" all programs-of-tests
}

build_gcc() {
    build gcc CC=gcc --enable-werror --prefix="$work/prefix"
}

# unit NAME [SECONDS [MAKE-ARGUMENT]]: make check in build/check/NAME, with a limit for each program,
# under the command in around; counts the tests that each states
unit() {
    local folder=$work/$1 status=0 result log
    export WEFT_TEST_TIMEOUT=${2:-300}
    find "$folder/tests" -name '*.trs' -delete
    "${around[@]}" make -C "$folder" -j "$(setup_jobs)" check VERBOSE=1 "${@:3}" || status=1
    while read -r result; do
        log=${result%.trs}.log
        # shellcheck disable=SC2046  # three numbers
        count $(tests/count-tests "$(status_of "$result")" "$log")
        note_skips "$log"
        grep -q ':test-result: SKIP' "$result" &&
            echo "$(basename "$log" .log): $(head -n 1 "$log")" >>"$skips"
    done < <(find "$folder/tests" -name '*.trs')
    return $status
}

status_of() { # FILE.trs
    case $(sed -n 's/^:test-result: //p' "$1") in
    PASS*) echo 0 ;;
    SKIP*) echo 77 ;;
    *) echo 1 ;;
    esac
}

# stress NAME SCALE: the stress tests of build/check/NAME at one SCALEth of their size, under the
# command in around
stress() {
    local status=0 numbers
    WEFT_STRESS_SCALE=$2
    [ "$long" = no ] || WEFT_STRESS_SCALE=1
    export WEFT_STRESS_SCALE
    unset WEFT_TEST_TIMEOUT
    "${around[@]}" make -C "$work/$1" check-stress >"$work/$1.stress" 2>&1 || status=1
    cat "$work/$1.stress"
    numbers=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' \
        "$work/$1.stress")
    [ "$numbers" != "0 0 0" ] || { echo "no stress test ran" && return 1; }
    # shellcheck disable=SC2086
    count $numbers
    return $status
}

# ---- lanes that read -----------------------------------------------------------------------------

lane_format() {
    tools/lint/format || { [ $? = 77 ] && skip "clang-format 14 is not installed"; }
}

lane_lint() {
    local lint
    command -v python3 || { skip "python3 is not installed" || return; }
    for lint in layering names bans docstrings manuals sizes ordering; do
        echo "== tools/lint/$lint"
        if "tools/lint/$lint"; then count 1 0 0; else count 0 1 0; fi
    done
    echo "== tools/lint/roff"
    tools/lint/roff >"$work/roff"
    case $? in
    0) count 1 0 0 ;;
    77) count 0 0 1; skip "$(cat "$work/roff")" || : ;;
    *) cat "$work/roff" && count 0 1 0 ;;
    esac
}

lane_headers() {
    CC=gcc CXX=g++ tools/lint/headers || return 1
    command -v clang++ >/dev/null || return 0
    CC=clang CXX=clang++ tools/lint/headers
}

lane_exports() {
    build_gcc && tools/lint/exports "$work/gcc/.libs/libweft.so"
}

lane_model() {
    local quick=--quick
    [ "$long" = no ] || quick=
    # shellcheck disable=SC2086  # none or one word
    tap tests/model/run $quick
}

lane_explore() {
    tap tests/explore/run
}

# ---- builds --------------------------------------------------------------------------------------

lane_build_gcc() {
    build_gcc
}

lane_build_clang() {
    command -v clang || { skip "clang is not installed" || return; }
    build clang CC=clang --enable-werror &&
        WEFT_BUILD=$work/clang tap tests/unit/warnings_test
}

lane_aarch64() {
    local root=$work/sysroot
    command -v aarch64-linux-gnu-gcc || { skip "aarch64-linux-gnu-gcc is not installed" || return; }
    tools/lib/arm64-sysroot "$root" >"$work/sysroot.said" ||
        { skip "$(tail -n 1 "$work/sysroot.said")" || return; }
    PKG_CONFIG_LIBDIR=$root/usr/lib/aarch64-linux-gnu/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root \
        build aarch64 --host=aarch64-linux-gnu CPPFLAGS="-isystem $root/usr/include" \
        LDFLAGS="-L$root/usr/lib/aarch64-linux-gnu \
            -Wl,-rpath-link,$root/usr/lib/aarch64-linux-gnu:$root/lib/aarch64-linux-gnu" \
        --enable-werror
}

lane_install() {
    build_gcc && rm -rf "$work/prefix" &&
        make -C "$work/gcc" install >/dev/null &&
        tap tests/install/run "$work/prefix"
}

# What the tarball is made of is the question here, not what the tests say: a few of them run, with
# --long all.
lane_distcheck() {
    local few=(TESTS='tests/unit/base_test tests/unit/task_test tests/unit/file_test')
    [ "$long" = no ] || few=()
    build_gcc && make -C "$work/gcc" -j "$(setup_jobs)" "${few[@]}" distcheck
}

# ---- tests ---------------------------------------------------------------------------------------

lane_unit() {
    build_gcc || return
    local status=0
    make -C "$work/gcc" peers || status=1
    unit gcc || status=1
    return $status
}

# What a container with a seccomp profile is, at its worst: io_uring's calls kill, NUMA's are refused.
# Without libseccomp the engine is only chosen. The tests that are scripts have been there before.
lane_compat() {
    build_gcc || return
    local status=0 confine=$work/gcc/tests/sandbox/confine
    local around=(env WEFT_ENGINE=compat)
    if "$confine" kill true; then
        around=("$confine" kill)
    else
        skip "no filter can be put on here: the compat engine is chosen by name" || :
    fi
    unit gcc 60 unit_test_scripts= || status=1
    stress gcc 1000 || status=1
    return $status
}

# The same seeds each time: what fails is to fail again. The long run has others, which it names, and
# more than 10,000 of them with all programs together: about an hour.
lane_sim() {
    build_gcc || return
    local seeds=(--seeds 5)
    [ "$long" = no ] || seeds=(--seeds 105 --count --first "$((1 + RANDOM * 100))")
    echo "tests/sim/run ${seeds[*]}"
    WEFT_BUILD=$work/gcc tap tests/sim/run "${seeds[@]}"
}

lane_stress() {
    build_gcc && stress gcc 100
}

# One seed does not give one schedule: the threads are real. So each run may as well have another.
lane_chaos() {
    build_gcc || return
    local seed=$RANDOM
    echo "WEFT_CHAOS=$seed"
    local around=(env "WEFT_CHAOS=$seed")
    stress gcc 500
}

lane_beside() {
    build_gcc || return
    local around=(env WEFT_STRESS_FORKS=1)
    stress gcc 500
}

lane_asan() {
    build asan CC=gcc --enable-asan || return
    local status=0
    unit asan 600 || status=1
    stress asan 100 || status=1
    return $status
}

lane_tsan() {
    build tsan CC=gcc --enable-tsan || return
    local status=0
    unit tsan 600 || status=1
    stress tsan 100 || status=1
    return $status
}

lane_unit_clang() {
    lane_build_clang || return
    unit clang
}

lane_debug() {
    build debug CC=gcc --enable-debug || return
    local status=0
    unit debug || status=1
    stress debug 100 || status=1
    return $status
}

lane_nomalloc() {
    build nomalloc CC=gcc --without-jemalloc && unit nomalloc
}

lane_planted() {
    tap tests/planted/run
}

lane_qemu() {
    local qemu test tests status=0 worst=0
    qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64) ||
        { skip "qemu-user is not installed" || return; }
    lane_aarch64 || return
    tests=$(make -s -C "$work/aarch64" print-switch-tests)
    [ -n "$tests" ] || { echo "tests/local.mk names no switch_tests" && return 1; }
    for test in $tests; do
        rm -f "$work/aarch64/$test"
        make -C "$work/aarch64" "$test" AM_LDFLAGS=-all-static JEMALLOC_LIBS= || return 1
        timeout 300 "$qemu" "$work/aarch64/$test" >"$work/aarch64/$test.log" 2>&1
        status=$?
        cat "$work/aarch64/$test.log"
        # shellcheck disable=SC2046
        count $(tests/count-tests $status "$work/aarch64/$test.log")
        [ $status = 0 ] || worst=1
    done
    return $worst
}

# The table is the end of the log; what is left is in build/check/coverage.left.
lane_coverage() {
    local tool status=0 around=()
    for tool in gcov python3; do
        command -v "$tool" >/dev/null || { skip "$tool is not installed" || return; }
    done
    umask 0 # a test that gives up root adds to the counts too, or says that it can't
    build coverage CC=gcc CFLAGS="-Og -g --coverage -fprofile-update=atomic" || return
    find "$work/coverage" -name '*.gcda' -delete
    unit coverage 600 || status=1
    stress coverage 1000 || status=1
    around=(env WEFT_ENGINE=compat)
    unit coverage 600 unit_test_scripts= || status=1
    stress coverage 1000 || status=1
    tools/lib/coverage "$work/coverage" "$work/coverage.left" >"$work/coverage.table" || status=1
    cat "$work/coverage.table"
    return $status
}
