/* SPDX-License-Identifier: MIT */
/* Each public header compiles on its own, as C11 and as C++17, and so do the initializers, without
 * a warning of the usual kinds; and what C++ calls has C's names. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

#define WARNINGS "-Wall -Wextra -Wconversion -Wsign-conversion -Werror"
#define C "gcc -std=c11 -x c"
#define CPLUSPLUS "g++ -std=c++17 -fno-exceptions -fno-rtti -x c++"

static void once_is_enough(void)
{
    if (strcmp(board_name(), "linux") != 0)
        cr_skip_test("the headers are the same on all boards");
}

static void once_with_cplusplus(void)
{
    char *output;

    once_is_enough();
    if (host_run(&output, "command -v g++") != 0)
        cr_skip_test("there is no g++ here");
}

/* Each header as the whole of a program, in the language that the compiler's options say. */
static void each_compiles(const char *compiler)
{
    char *output;

    cr_assert_eq(host_run(&output,
                          "for h in include/weft/*.h tests/board/headers-stand-alone/*.h; do "
                          "echo \"#include \\\"$h\\\"\" | "
                          "%s " WARNINGS " -I. -Iinclude -fsyntax-only - || exit 1; done 2>&1",
                          compiler),
                 0, "%s", output);
}

Test(headers, stand_alone_in_c)
{
    once_is_enough();
    each_compiles(C);
}

Test(headers, stand_alone_in_cplusplus)
{
    once_with_cplusplus();
    each_compiles(CPLUSPLUS);
}

/* The addresses of all functions, taken in C++: the object file asks for C's names. */
#define ALL_FUNCTIONS                                                                              \
    "grep -hoE '^[A-Za-z].*[ *]weft_[a-z0-9_]+\\(' include/weft/*.h | grep -v inline | "           \
    "grep -oE 'weft_[a-z0-9_]+\\($' | tr -d '(' | sort -u"

Test(headers, declare_c_functions_to_cplusplus)
{
    char *output;

    once_with_cplusplus();
    cr_assert_eq(host_run(&output, ALL_FUNCTIONS " | wc -l"), 0);
    cr_assert_gt(atoi(output), 200, "only %s functions found", output);
    cr_assert_eq(host_run(&output, "mkdir -p build/tests && { "
                                   "echo '#include <weft/weft.h>' && "
                                   "echo '#include <weft/firmware.h>' && " ALL_FUNCTIONS
                                   " | sed 's/.*/extern auto *const p_& = \\&&;/'; } | " CPLUSPLUS
                                   " -w -Iinclude -c -o build/tests/all-functions.o - && "
                                   "nm -u build/tests/all-functions.o"),
                 0, "%s", output);
    assert_contains(output, " weft_gc\n");
    cr_assert_null(strstr(output, " _Z"), "%s", output);
}
