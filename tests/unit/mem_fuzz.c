/* SPDX-License-Identifier: MIT */
/* Builds libFuzzer's target (mem_fuzz_target.c) with clang and runs it for a minute: make soak. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define BUILD                                                                                      \
    "clang -std=gnu11 -g -O1 -w -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all "    \
    "-D_GNU_SOURCE -I. -Iinclude -Itests/unit -Itests/unit/fuzz_port -o build/tests/fuzz-heap "    \
    "tests/unit/mem_fuzz_target.c tests/unit/mem_fake.c tests/unit/mem_names.c mem/cache.c "       \
    "mem/central.c mem/check.c mem/class.c mem/guard.c mem/heap.c mem/large.c mem/malloc.c "       \
    "mem/page.c mem/prim.c mem/report.c mem/scavenger.c mem/stack.c mem/stats.c mem/watch.c 2>&1"

Test(mem_fuzz, a_minute_of_libfuzzer_finds_nothing, .timeout = 300)
{
    if (getenv("SOAK") == NULL)
        cr_skip_test("a minute long: make soak");
    if (system("command -v clang >/dev/null") != 0)
        cr_skip_test("clang is not installed");
    cr_assert_eq(system(BUILD), 0, "the target did not build");
    cr_assert_eq(system("mkdir -p build/tests/fuzz-corpus && build/tests/fuzz-heap -seed=1 "
                        "-max_len=1200 -max_total_time=60 -artifact_prefix=build/tests/ "
                        "build/tests/fuzz-corpus >build/tests/fuzz.log 2>&1"),
                 0, "see build/tests/fuzz.log; the input is in build/tests/");
}
