#!/bin/bash
# SPDX-License-Identifier: MIT
# Checks the include directions: who may include whose headers. Prints each violation with its place.
set -u
status=0

# check FOLDER ALLOWED-PATTERN: quoted includes of FOLDER's files must match the extended regular expression.
check() {
    local bad
    bad=$(grep -rnE --include='*.[chS]' '^#include "' "$1" | grep -vE "#include \"($2)")
    [ -z "$bad" ] || { printf '%s\n' "$bad" | sed "s|\$|   ($1 may not include this)|"; status=1; }
}

check arch/mips 'arch/|port/|kernel/(core|print|console)\.h'
check arch/amd64 'arch/|port/|kernel/(core|print|console|assert|board|panic)\.h|boards/pc/'
check kernel 'arch/|kernel/'
check mem 'mem/|kernel/|arch/'
check sched 'sched/|mem/(page|stack|scavenger)\.h|kernel/|arch/'
check prof 'prof/|sched/|mem/|kernel/|arch/'
check boards 'boards/|linker/|kernel/(board|console|print|irq|assert|core|cores|panic|spinlock)\.h|arch/'
check examples '[a-z0-9_]+\.h|demo/'
exit $status
