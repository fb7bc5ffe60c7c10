/* SPDX-License-Identifier: MIT */
/* Criterion reports every assertion to its runner, a system call each; in loops that make millions
 * only the failing one is reported. */
#ifndef PROF_CHECK_H
#define PROF_CHECK_H

#include <criterion/criterion.h>

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            cr_assert_fail(#condition " " __VA_ARGS__);                                            \
    } while (0)

#endif
