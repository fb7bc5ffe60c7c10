#!/bin/bash
# SPDX-License-Identifier: MIT
# run-all.sh TARGETS BOARD-PROGRAM UNIT-PROGRAM...: runs the host's test programs, then the board tests on
# every target (BOARD-ARCH), and adds up what they say. From the environment: ONLY, when not empty, is a
# part of the names (suite/test) of the tests wanted; CORES; SAN, the sanitizer the images are built with.
set -u
targets=$1 board_program=$2 only=${ONLY:-} cores=${CORES:-1}
shift 2
passed=0 failed=0 skipped=0 failures=
log=build/tests/log
mkdir -p build/tests
: >"$log"
rm -f build/tests/run/*/*.test # which test a folder belongs to: tests/board/harness.c

# Does the program have a test whose name, suite/test, contains ONLY? (Criterion 2.4 waits for ever
# when its filter leaves nothing.)
wanted() {
    [ -z "$only" ] && return 0
    "$1" --list </dev/null | sed 's/\x1b\[[0-9;]*m//g' |
        awk '/^[^ ]*: [0-9]+ tests?/ { sub(":", "", $1); suite = $1; next } { print suite "/" $NF }' |
        grep -qF -- "$only"
}

# Proofs that take longer, on a machine that does other things as well.
program_limit=400 test_limit=300
[ -z "${SOAK:-}" ] || program_limit=7200 test_limit=3600

# One program; $1 is its label. Criterion's last line: Tested: T | Passing: P | Failing: F | Crashing: C
run() {
    local label=$1 program=$2 output line
    shift 2
    wanted "$program" || return
    # "disabled" is Criterion's word for what the filter left out, not a skipped test.
    output=$(timeout -k 5 "$program_limit" "$program" --verbose ${only:+--filter "*$only*"} "$@" 2>&1 | grep -av "Test is disabled$"; exit "${PIPESTATUS[0]}")
    local status=$?
    printf '== %s\n%s\n' "$label" "$output" >>"$log"
    line=$(printf '%s\n' "$output" | grep -a 'Synthesis:' | tail -1 | sed 's/\x1b\[[0-9;]*m//g')
    if [ -z "$line" ]; then
        failures+="$label: died with status $status"$'\n'
        echo "$label: died with status $status; the end of its output:"
        printf '%s\n' "$output" | tail -15
        failed=$((failed + 1))
        return
    fi
    local tested passing failing crashing skips
    tested=$(sed -n 's/.*Tested: \([0-9]*\).*/\1/p' <<<"$line")
    passing=$(sed -n 's/.*Passing: \([0-9]*\).*/\1/p' <<<"$line")
    failing=$(sed -n 's/.*Failing: \([0-9]*\).*/\1/p' <<<"$line")
    crashing=$(sed -n 's/.*Crashing: \([0-9]*\).*/\1/p' <<<"$line")
    skips=$(printf '%s\n' "$output" | grep -ac '\[SKIP\]')
    passed=$((passed + passing)) failed=$((failed + failing + crashing)) skipped=$((skipped + skips))
    [ "$tested" = 0 ] || printf '%-32s %s passed%s\n' "$label" "$passing" \
        "$([ $((failing + crashing)) = 0 ] || echo ", $((failing + crashing)) FAILED")"
    printf '%s\n' "$output" | grep -a '\[SKIP\]' | sed 's/\x1b\[[0-9;]*m//g; s/^/    /'
    if [ $((failing + crashing)) != 0 ]; then
        printf '%s\n' "$output" | grep -av '\[RUN \|\[PASS\]\|^\[====\] R\|\[SKIP\]' | tail -60
        failures+=$(printf '%s\n' "$output" | sed 's/\x1b\[[0-9;]*m//g' |
            grep -a '^\[FAIL\]\|CRASH!\|Assertion Failed\|Unexpected signal\|Timed out' | head -60 | sed "s/^/$label: /")$'\n'
    fi
}

# A protocol's Spin model: what it claims holds, and its seeded bugs are found. Not under a sanitizer.
model() {
    local name=models/$1 mode=$2 output
    case $name in *"$only"*) ;; *) return ;; esac
    output=$(tests/models/check.sh "tests/models/${1%-bugs}.pml" "$mode" 2>&1)
    local status=$?
    printf '== %s\n%s\n' "$name" "$output" >>"$log"
    if [ "$status" = 0 ]; then
        passed=$((passed + 1)) models_passed=$((models_passed + 1))
    else
        failed=$((failed + 1))
        failures+="$name: $output"$'\n'
        echo "$name FAILED"
        printf '%s\n' "$output" | tail -60
    fi
}
models_passed=0
if [ -z "${SAN:-}" ]; then
    for file in tests/models/*.pml; do
        file=$(basename "$file" .pml)
        model "$file" proof
        model "$file-bugs" bug
    done
    [ "$models_passed" = 0 ] || printf '%-32s %s passed\n' models "$models_passed"
fi

for program in "$@"; do
    run "${program#build/tests*/}" "$program"
done
for target in $targets; do
    export WEFT_BOARD=${target%-*} WEFT_ARCH=${target#*-} WEFT_CORES=$cores WEFT_BUILD=build/$target${SAN:+-$SAN}
    export WEFT_SAN=${SAN:-}
    [ "$cores" = 1 ] || WEFT_BUILD=$WEFT_BUILD-${cores}cores
    run "board $target${SAN:+ $SAN}" "$board_program" -j2 --timeout "$test_limit"
done

# Last, because a long log is often seen by its end only.
[ -z "$failures" ] || printf 'failed:\n%s' "$failures"
echo "the tests' full output is in $log"
echo "$passed passed, $failed failed, $skipped skipped"
if [ $((passed + failed + skipped)) = 0 ]; then
    echo "no test's name contains \"$only\"" >&2
    exit 1
fi
[ "$failed" = 0 ]
