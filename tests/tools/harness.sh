# What tests of the command share: sourced first. Sets weft (the program), build and source (folders),
# goes into a scratch folder, and gives verdict, skip, weft_run, drop_notice, json and finish.
# WEFT_BUILD is the build folder (the tree's build/ when not set); WEFT names another weft.
# shellcheck shell=bash

here=$(cd "$(dirname "$0")" && pwd) || exit 99
source=${WEFT_SOURCE:-$here/../..}
build=${WEFT_BUILD:-$here/../../build}
weft=${WEFT:-$build/weft}
[ -x "$weft" ] || {
    echo "$weft does not exist: build it first"
    exit 99
}
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 99
number=0
passed=0
failed=0
skipped=0

# verdict STATUS NAME: a test passed when the last command before it did
verdict() {
    number=$((number + 1))
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
        echo "ok $number - $2"
    else
        failed=$((failed + 1))
        echo "not ok $number - $2"
        sed 's/^/# /' out err 2>/dev/null
    fi
}

thread_sanitizer() { # whether weft is built for it
    grep -q libtsan "$weft" "$build/.libs/weft" 2>/dev/null
}

skip() { # NAME REASON
    number=$((number + 1))
    skipped=$((skipped + 1))
    echo "ok $number - $1 # SKIP $2"
}

# weft_run ARGUMENT...: leaves its words in out and err, its exit status in code
weft_run() {
    "$weft" "$@" >out 2>err
    # shellcheck disable=SC2034  # for the tests
    code=$?
    drop_notice
}

# drop_notice: takes from err that the compat engine is used, which a container with a filter is told
drop_notice() {
    sed -i '/^weft: the compat engine is used in place of io_uring/d' err
}

# json NAME PYTHON: a test that the JSON object in out, called it, keeps what the lines assert
json() {
    if ! command -v python3 >/dev/null; then
        skip "$1" "python3 is not installed"
        return
    fi
    printf 'import json\nit = json.load(open("out", encoding="utf-8"))\n%s\n' "$2" >check.py
    python3 check.py 2>>err
    verdict $? "$1"
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
    exit
}
