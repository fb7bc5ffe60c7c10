/* SPDX-License-Identifier: MIT */
/* What can be checked without trusting whoever built it: the same bytes from the same sources, and
 * a bill of materials that is the tree's. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/board/harness.h"

/* Builds the target in a copy of the tree at `place`; *sums: the results' checksums. */
static void built_elsewhere(char **sums, const char *place)
{
    char *output;
    int status = host_run(
        &output,
        "rm -rf %s && mkdir -p %s/build && tar --exclude=./build --exclude=./.git -cf - . | tar -C "
        "%s -xf - && ln -s $(readlink -f build/newlib) %s/build/newlib && cd %s && env -u "
        "MAKEFLAGS "
        "-u MAKELEVEL -u BOARD -u ARCH -u CORES -u CONFIG -u SAN CCACHE_DISABLE=1 make -j2 "
        "BOARD=%s ARCH=%s "
        "build/%s-%s/demo.elf build/%s-%s/install/libweft.a%s 2>&1",
        place, place, place, place, place, board_name(), board_arch(), board_name(), board_arch(),
        board_name(), board_arch(),
        strcmp(board_name(), "malta") == 0 ? " build/malta-mips/flash-start.bin" : "");

    cr_assert_eq(status, 0, "%s", output);
    cr_assert_eq(host_run(sums,
                          "cd %s/build/%s-%s && sha256sum demo.elf install/libweft.a && if [ -e "
                          "flash-start.bin ]; then sha256sum flash-start.bin && INPUT= "
                          "OBJCOPY=mips-linux-gnu-objcopy ../../boards/malta/flash/uimage.sh "
                          "demo.elf demo.uimage && sha256sum demo.uimage; fi 2>&1",
                          place, board_name(), board_arch()),
                 0, "%s", *sums);
}

Test(trustworthy, two_builds_in_two_places_are_identical, .timeout = 280)
{
    char *first, *second, *here;

    if (strcmp(board_arch(), "mipsel") == 0)
        cr_skip_test("tried for mips and amd64");
    if (host_run(&here, "command -v mkimage") != 0 && strcmp(board_name(), "malta") == 0)
        cr_skip_test("u-boot-tools is not installed");
    built_elsewhere(&first, "build/tests/place");
    built_elsewhere(&second, "build/tests/another/place-with-a-longer-name");
    cr_assert_gt(strlen(first), 150, "%s", first);
    cr_assert_str_eq(first, second);
    cr_assert_eq(host_run(&here, "rm -rf build/tests/place build/tests/another"), 0);
}

Test(trustworthy, bill_of_materials_is_the_tree, .timeout = 60)
{
    char *output;

    if (strcmp(board_arch(), "mips") != 0)
        cr_skip_test("once is enough");
    if (host_run(&output, "git rev-parse HEAD") != 0)
        cr_skip_test("this is not a git repository");
    cr_assert_eq(host_run(&output, "tools/build/sbom.sh build/tests/weft.spdx Makefile 2>&1"), 0,
                 "%s", output);
    /* Every file, with the right sums; the file in front of the package is a built one. */
    cr_assert_eq(
        host_run(&output,
                 "sed -n 's/^FileName: //p' build/tests/weft.spdx | tail -n +2 | sed "
                 "'s|^./||' > build/tests/spdx-files && git ls-files | LC_ALL=C sort | cmp - "
                 "build/tests/spdx-files 2>&1"),
        0, "%s", output);
    cr_assert_eq(
        host_run(&output,
                 "awk '/^FileName/ { name = $2 } /^FileChecksum: SHA1:/ { print $3 \"  \" "
                 "name }' build/tests/weft.spdx | sha1sum --quiet -c - 2>&1 && awk "
                 "'/^FileName/ { name = $2 } /^FileChecksum: SHA256:/ { print $3 \"  \" name "
                 "}' build/tests/weft.spdx | sha256sum --quiet -c - 2>&1"),
        0, "%s", output);
    cr_assert_eq(
        host_run(&output,
                 "code=$(sed -n '/^PackageName: weft/,/^PackageName: newlib/s/^FileChecksum: "
                 "SHA1: //p' build/tests/weft.spdx | LC_ALL=C sort | tr -d '\\n' | sha1sum | "
                 "cut -d' ' -f1) && grep -qx \"PackageVerificationCode: $code\" "
                 "build/tests/weft.spdx"),
        0);
    for (size_t i = 0; i < 6; i++) {
        static const char *const needed[] = {
            "SPDXVersion: SPDX-2.3",
            "DataLicense: CC0-1.0",
            "SPDXID: SPDXRef-DOCUMENT",
            "Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-weft",
            "Relationship: SPDXRef-newlib DEPENDENCY_OF SPDXRef-weft",
            "Created: 20[0-9-]*T[0-9:]*Z"};

        cr_assert_eq(host_run(&output, "grep -qx '%s' build/tests/weft.spdx", needed[i]), 0,
                     "no %s", needed[i]);
    }
    /* No two elements with one name. */
    cr_assert_eq(host_run(&output, "grep '^SPDXID' build/tests/weft.spdx | sort | uniq -d"), 0);
    cr_assert_str_eq(output, "");
}

/* Licence texts, and tests' lists of settings (no suffix), have no comments. */
Test(trustworthy, every_file_names_its_licence)
{
    char *output;

    if (strcmp(board_arch(), "mips") != 0)
        cr_skip_test("once is enough");
    if (host_run(&output, "git rev-parse HEAD") != 0)
        cr_skip_test("this is not a git repository");
    cr_assert_eq(host_run(&output,
                          "git ls-files | grep -vE '^LICENSE$|^tests/board/[^/]*/[^./]*$' | xargs "
                          "grep -L 'SPDX-License-Identifier: MIT' 2>&1; true"),
                 0);
    cr_assert_str_eq(output, "", "without a licence line:\n%s", output);
}
