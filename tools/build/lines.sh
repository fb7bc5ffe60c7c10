#!/bin/bash
# SPDX-License-Identifier: MIT
# lines.sh: lines of code per port, board and subsystem, of the files that git knows. A line of code is one that is
# neither blank nor only comment; comments are counted beside them, and so are lines of conditional compilation.
set -eu
cd "$(dirname "$0")/../.."

# count NAME FILE...: one line of the table.
count() {
    local name=$1
    shift
    [ $# = 0 ] || awk -v name="$name" '
        FNR == 1 { files++; inside = 0 }
        {
            line = $0
            sub(/^[ \t]+/, "", line)
            if (line == "") next
            if (inside) {
                comments++
                if (line ~ /\*\//) inside = 0
                next
            }
            if (line ~ /^\/\*/) {
                comments++
                if (line !~ /\*\//) inside = 1
                next
            }
            if (line ~ /^\/\// || line ~ /^#( |$)/ || line ~ /^#!/) { comments++; next }
            if (line ~ /^# *(if|elif|else|endif)/) conditionals++
            if (FILENAME ~ /\.S$/) assembly++
            code++
        }
        END { printf "%-22s %6d %7d %10d %10d %13d\n", name, files, code, assembly, comments, conditionals }' "$@"
}

folder() { # NAME FOLDER [EXCLUDED]
    local files
    mapfile -t files < <(git ls-files "$2" ${3:+":!$3"} | grep -E '\.([chS]|sh|mk)$' | sort)
    count "$1" "${files[@]}"
}

printf '%-22s %6s %7s %10s %10s %13s\n' '' files code 'assembly' comments 'conditionals'
echo 'ports:'
folder arch/mips arch/mips
folder arch/amd64 arch/amd64 arch/amd64/hosted
folder arch/amd64/hosted arch/amd64/hosted
folder arch/template arch/template
echo 'boards:'
for board in boards/*/; do
    folder "${board%/}" "${board%/}"
done
echo 'the rest:'
for part in kernel sched mem prof linker include tools/weft tests examples; do
    folder "$part" "$part"
done
