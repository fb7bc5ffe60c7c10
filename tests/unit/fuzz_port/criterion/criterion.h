/* SPDX-License-Identifier: MIT */
/* The assertions of tests/unit/mem_fake.c in a program without Criterion: a failure aborts. */
#ifndef FUZZ_CRITERION_H
#define FUZZ_CRITERION_H

#include <stdio.h>
#include <stdlib.h>

#define cr_assert(condition, ...)                                                                  \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
#define cr_assert_fail(text) cr_assert(!text)

#endif
