#!/bin/sh
# SPDX-License-Identifier: MIT
# wanted-images.sh PATTERN: the folders of tests/board whose images `make test ONLY=PATTERN` needs: those with
# a test whose name, suite/test, contains the pattern, and those whose image such a test's file names.
cd "$(dirname "$0")/board" || exit 1
for folder in *; do
    [ -f "$folder/test.c" ] || continue
    tr '\n' ' ' <"$folder/test.c" |
        grep -oE '(Test|ParameterizedTest|ParameterizedTestParameters)\([^)]*' |
        sed 's/^[A-Za-z]*(//; s/, */\//' |
        grep -qF -- "$1" || continue
    echo "$folder"
    grep -ohE '"[a-z0-9-]+"' "$folder"/*.c | tr -d '"'
done | sort -u
