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

# What the lanes of tools/check need beyond that. A lane whose tool is not to be had is skipped.
setup_check="
command:c++ g++
command:python3 python3
command:clang clang
command:clang-format-14 clang-format-14
command:spin spin
command:aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
file:/usr/aarch64-linux-gnu/include/stdio.h libc6-dev-arm64-cross"
setup_long="
command:qemu-aarch64-static qemu-user-static"

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
    printf '%s\n' "$1" | while read -r what package; do
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

# setup_available PACKAGE...: those that the package sources offer
setup_available() {
    for package; do
        apt-cache policy "$package" 2>/dev/null | grep -q '^  Candidate: [0-9]' &&
            printf '%s ' "$package"
    done
    return 0
}

# setup_packages NEEDED [WISHED]: installs what is missing of the two tables. Fails when something
# needed stays missing. With nothing missing it calls no package tool.
setup_packages() {
    needed=$(setup_missing "$1")
    wished=$(setup_missing "${2:-}")
    [ -n "$needed$wished" ] || return 0
    setup_say "Missing packages: $needed$wished"
    if ! command -v apt-get >/dev/null 2>&1; then
        setup_say "This is no Debian or Ubuntu: please install these, or what they are called here."
        [ -z "$needed" ]
        return
    fi
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null 2>&1; then
        setup_say "Please install them as root: apt-get install $needed$wished"
        [ -z "$needed" ]
        return
    fi
    setup_say "Installing them with apt-get."
    setup_apt -q update || setup_say "The package lists could not be renewed."
    # shellcheck disable=SC2086  # words
    wished=$(setup_available $wished)
    # shellcheck disable=SC2086
    [ -z "$needed" ] || setup_apt -q install -y --no-install-recommends $needed
    # shellcheck disable=SC2086
    [ -z "$wished" ] || setup_apt -q install -y --no-install-recommends $wished
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
