# Shell functions of tools/quickstart and tools/check: packages, and a build in a folder.
# Sourced, with weft_root set to the root of the tree.
# shellcheck shell=sh disable=SC2034,SC2154  # what others set or use

# What a build needs: how to see that it is there, and the Debian and Ubuntu package that brings it.
setup_build="
command:cc gcc
header:stdio.h libc6-dev
command:make make
command:autoreconf autoconf
command:automake automake
command:libtoolize libtool
command:pkg-config pkgconf
header:liburing.h liburing-dev
header:numa.h libnuma-dev
header:jemalloc/jemalloc.h libjemalloc-dev
header:CUnit/CUnit.h libcunit1-dev"

# What the lanes of tools/check need beyond that, and which: a lane whose tool is not to be had is
# skipped, or what it does with the tool.
setup_check="
command:c++ g++ headers,install
command:python3 python3 lint,unit
command:groff groff-base lint,unit
command:gdb gdb unit
command:clang clang build-clang,headers,unit-clang
command:clang-format-14 clang-format-14 format
command:spin spin model
header:seccomp.h libseccomp-dev compat
command:aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu aarch64,qemu
file:/usr/aarch64-linux-gnu/include/stdio.h libc6-dev-arm64-cross aarch64,qemu"
setup_long="
command:qemu-aarch64-static qemu-user-static qemu"

setup_say() {
    printf '%s\n' "$*"
}

# setup_has WHAT: command:NAME, header:NAME or file:PATH is there
setup_has() {
    case $1 in
    command:*) command -v "${1#*:}" >/dev/null 2>&1 ;;
    header:*) echo "#include <${1#*:}>" | cc -E -x c - >/dev/null 2>&1 ;;
    file:*) [ -e "${1#*:}" ] ;;
    esac
}

# setup_missing TABLE: the packages for what is not there
setup_missing() {
    printf '%s\n' "$1" | while read -r what package _; do
        [ -z "$what" ] || setup_has "$what" || printf '%s ' "$package"
    done
}

# setup_apt ARGUMENT...: apt-get as root
setup_apt() {
    if [ "$(id -u)" = 0 ]; then
        DEBIAN_FRONTEND=noninteractive apt-get "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive apt-get "$@"
    fi
}

# setup_available PACKAGE...: those that the package sources offer. apt-cache translates its words.
setup_available() {
    for package; do
        LC_ALL=C apt-cache policy "$package" 2>/dev/null | grep -q '^  Candidate: [0-9]' &&
            printf '%s ' "$package"
    done
    return 0
}

# setup_has_lists: package lists were fetched once; a fresh container has none, and offers nothing
setup_has_lists() {
    for list in "${setup_lists:-/var/lib/apt/lists}"/*_Packages*; do
        [ -e "$list" ] && return
    done
    return 1
}

# setup_absent TABLE: says once for each package what is missing and which lanes go without
setup_absent() {
    printf '%s\n' "$1" | while read -r what package lanes; do
        [ -z "$what" ] || setup_has "$what" ||
            setup_say "Not to be had here: $package; in part or whole skipped: $lanes"
    done
}

# setup_install PACKAGE...: by apt, as root; says what to do where it can't
setup_install() {
    [ $# -gt 0 ] || return 0
    setup_say "Missing packages: $*"
    if ! command -v apt-get >/dev/null 2>&1; then
        setup_say "This is no Debian or Ubuntu: please install these, or what they are called here."
    elif [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null 2>&1; then
        setup_say "Please install them as root: apt-get install $*"
    else
        setup_say "Installing them with apt-get."
        setup_apt -q update || setup_say "The package lists could not be renewed."
        # shellcheck disable=SC2046  # words; one that is not to be had would keep out the rest
        set -- $(setup_available "$@")
        [ $# = 0 ] || setup_apt -q install -y --no-install-recommends "$@"
    fi
    return 0
}

# setup_packages NEEDED [WISHED]: installs what is missing of the two tables. Fails when something
# needed stays missing. Goes to the package tool only for what the sources offer, or when they were
# never asked: what this distribution does not have would else be asked for at each run.
setup_packages() {
    needed=$(setup_missing "$1")
    wished=$(setup_missing "${2:-}")
    # shellcheck disable=SC2086  # words
    if command -v apt-cache >/dev/null 2>&1 && setup_has_lists; then
        wished=$(setup_available $wished)
    fi
    # shellcheck disable=SC2086
    setup_install $needed $wished
    setup_absent "${2:-}"
    needed=$(setup_missing "$1")
    [ -z "$needed" ] || {
        setup_say "Still missing: $needed"
        return 1
    }
}

# setup_configure FOLDER [ARGUMENT...]: configures in FOLDER, with configure made when there is none
setup_configure() {
    folder=$1
    shift
    if [ ! -x "$weft_root/configure" ]; then
        (cd "$weft_root" && autoreconf -i) || return 1
    fi
    [ -e "$folder/config.status" ] && return 0
    mkdir -p "$folder" && (cd "$folder" && "$weft_root/configure" "$@")
}

setup_jobs() {
    nproc 2>/dev/null || echo 2
}
