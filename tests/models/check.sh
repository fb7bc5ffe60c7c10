#!/bin/bash
# SPDX-License-Identifier: MIT
# check.sh MODEL.pml proof|bug: model-checks one protocol in build/models/. "proof": the model has no error,
# every statement in it is reached, and its ltl formula holds. "bug": each seeded bug is found, as the model's
# head says it is. The lines it reads there:
#     expect bug N: safety|liveness TEXT   built with -DSEEDED_BUG=N, that check stops with TEXT
#     needs fairness                       the formula holds if no process is for ever ready but never run
# and, behind a statement that rightly is never reached, the comment "never".
# The checker is built once for safety and once for the formula: a formula silences the check for invalid
# end states.
set -u
model=$1 mode=$2
root=$PWD
name=$(basename "$model" .pml)
failed=0
fair_build=() fair_run=()
if grep -q 'needs fairness' "$model"; then
    fair_build=(-DNFAIR=4) fair_run=(-f)
fi

fail() {
    echo "$name: $*"
    failed=1
}

# generate FOLDER SPIN-FLAG...: pan.c, and the checker for safety.
generate() {
    folder=$root/build/models/$1
    shift
    rm -rf "$folder"
    mkdir -p "$folder"
    cd "$folder" || exit 1
    spin "$@" -a "$root/$model" >spin.log 2>&1 || { fail "spin refuses it"; head -5 spin.log; exit 1; }
}

# pan NAME GCC-FLAG... -- RUN-FLAG...: builds and runs a checker; its output goes to NAME.log.
pan() {
    local log=$1.log program=$1
    shift
    local flags=()
    while [ "$1" != -- ]; do
        flags+=("$1")
        shift
    done
    shift
    gcc -O1 -w -DMEMLIM=1500 -DVECTORSZ=2048 "${flags[@]}" -o "$program" pan.c >"$log" 2>&1 || { fail "pan.c does not compile"; head -5 "$log"; exit 1; }
    timeout 120 "./$program" -m2000000 "$@" >"$log" 2>&1 || fail "$program died or took more than 120 s"
    if grep -q 'max search depth too small\|out of memory\|reached -DMEMLIM' "$log"; then
        fail "$program: the search was cut short"
    fi
    # What pan finds is only worth something if it looked at all of it.
    grep -q 'Search not completed' "$log" && ! grep -q 'errors: 1' "$log" && fail "$program: not completed"
}

no_errors() {
    grep -q 'errors: 0' "$1.log" && return
    fail "$1: $(grep -m1 '^pan:' "$1.log")"
    spin -k "$name.pml.trail" -t -p -g "$root/$model" 2>/dev/null | tail -60 || true
}

# Statements that the search never reached: the model would prove nothing about them. A line of an inline
# stands for as many states as it has callers; one of them reached is enough.
all_reached() {
    local line
    while read -r line; do
        sed -n "${line}p" "$root/$model" | grep -q '/\* never' || fail "line $line is never reached: $(sed -n "${line}p" "$root/$model")"
    done < <("./$1" -d | awk -v log_file="$1.log" '
        function line_of(text) { sub(/.*\.pml:/, "", text); return text + 0 }
        BEGIN {
            while ((getline text < log_file) > 0) {
                if (text ~ /^unreached in/) process = text ~ /claim/ ? "" : text
                else if (text !~ /^\t/) process = ""
                else if (process != "" && text !~ /"-end-"/ && text ~ /\.pml:/) unreached[line_of(text)]++
            }
        }
        /^(proctype|init|claim|never)/ { process = $0; claim = /^(claim|never)/ }
        /-> state/ && !claim && /\.pml:/ { if (!seen[process, $2]++) states[line_of($0)]++ }
        END { for (line in unreached) if (unreached[line] >= states[line]) print line }' | sort -n)
}

prove() {
    generate "$name" -o3
    pan safety -DSAFETY -DNOCLAIM --
    no_errors safety
    all_reached safety
    states=$(sed -n 's/ *\([0-9e+.]*\) states, stored.*/\1/p' safety.log)
    if grep -q '^ltl' "$root/$model"; then
        pan liveness "${fair_build[@]}" -- -a "${fair_run[@]}"
        no_errors liveness
    else
        fail "it has no ltl formula"
    fi
    echo "$name: $states states, $(sed -n 's/pan: elapsed time \([0-9.]*\).*/\1/p' safety.log liveness.log | awk '{ sum += $1 } END { print sum + 0 }') s"
}

find_bugs() {
    local number kind text seen=0
    while read -r number kind text; do
        seen=1
        generate "$name-bug$number" -DSEEDED_BUG="$number"
        if [ "$kind" = safety ]; then
            # An assertion is looked for alone: a deadlock that the bug also leads to may come first.
            pan safety -DSAFETY -DNOCLAIM -- $([[ $text != assertion* ]] || printf %s -E)
        else
            pan liveness "${fair_build[@]}" -- -a "${fair_run[@]}"
        fi
        if grep '^pan:1: ' "$kind.log" | grep -qF -- "$text"; then
            echo "$name: seeded bug $number is found: $text"
        else
            fail "seeded bug $number is not found: expected \"$text\", got \"$(grep -m1 '^pan:' "$kind.log")\""
        fi
        cd "$root" || exit 1
    done < <(sed -n 's/^ \* expect bug \([0-9]*\): \(safety\|liveness\) \(.*\)$/\1 \2 \3/p' "$root/$model")
    [ "$seen" = 1 ] || fail "it has no seeded bug"
}

if [ "$mode" = proof ]; then prove; else find_bugs; fi
exit "$failed"
