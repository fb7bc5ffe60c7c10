/* SPDX-License-Identifier: MIT */
/* Follows docs/porting-a-board.md to the letter: files and commands are taken out of the page. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/board/harness.h"

#define GUIDE "docs/porting-a-board.md"

/* A block is announced by a comment, "<!-- mips: console.c -->": whose it is and what it is called.
 * Scripts are 1.sh, 2.sh, ...; everything else is a file of the board. */
#define EXTRACT                                                                                    \
    "awk -v arch=%s '/^<!-- (mips|amd64|both): / { name = ($2 == \"both:\" || $2 == arch \":\") "  \
    "? "                                                                                           \
    "$3 : \"\" } /^```/ { if (inside) { inside = 0; name = \"\" } else if (name != \"\") { "       \
    "inside = "                                                                                    \
    "1; next } } inside { print > (\"%s/\" (name ~ /^[0-9]/ ? \"\" : \"files/\") name) }' " GUIDE

/* The same board, told to give the image's own RAM away. */
static void wrong_region_is_refused(const char *home, const char *arch)
{
    char *output;
    int status = host_run(
        &output,
        "sed -i 's/region->start = __image_end/region->start = "
        "(void *)((uintptr_t)__image_end - 65536)/' %s/boards/mine/memory.c && env -u MAKEFLAGS "
        "-u MAKELEVEL -u BOARD -u CORES -u CONFIG HOME=%s ARCH=%s bash -e %s/3.sh 2>&1 </dev/null",
        home, home, arch, home);

    cr_assert_neq(status, 0, "%s", output);
    assert_contains(output, "the memory region overlaps the image: let it start at __image_end");
}

Test(porting_guide, leads_to_a_board_that_boots, .timeout = 280)
{
    const char *arch = board_arch();
    char home[200], *output;

    if (strcmp(arch, "mips") != 0 && strcmp(board_name(), "pc") != 0)
        cr_skip_test("the guide's boards are mips and amd64");
    cr_assert_eq(host_run(&output,
                          "h=$PWD/build/tests/guide-%s && rm -rf $h && mkdir -p $h/files && printf "
                          "%%s $h",
                          arch),
                 0);
    snprintf(home, sizeof home, "%s", output);
    cr_assert_eq(host_run(&output, EXTRACT, arch, home), 0, "%s", output);
    cr_assert_eq(host_run(&output,
                          "ls %s/1.sh %s/2.sh %s/3.sh %s/files/console.c %s/files/end.c 2>&1", home,
                          home, home, home, home),
                 0, "the page has changed its blocks: %s", output);

    cr_assert_eq(host_run(&output, "HOME=%s bash -e %s/1.sh 2>&1", home, home), 0, "%s", output);
    cr_assert_eq(host_run(&output, "cp %s/files/* %s/boards/mine/ && HOME=%s bash -e %s/2.sh 2>&1",
                          home, home, home, home),
                 0, "%s", output);
    cr_assert_eq(
        host_run(&output,
                 "env -u MAKEFLAGS -u MAKELEVEL -u BOARD -u CORES -u CONFIG HOME=%s ARCH=%s "
                 "bash -e %s/3.sh 2>&1 </dev/null",
                 home, arch, home),
        0, "%s", output);
    assert_contains(output, "demo: no file was handed over");
    assert_contains(output, "demo: round trip ok");
    assert_contains(output, "lost_atomic64=0 lost_full=0 lost_nolock=0 suppressed=0");
    wrong_region_is_refused(home, arch);
}
