/* SPDX-License-Identifier: MIT */
/* For the firmware side of board tests. */
#ifndef TESTS_BOARD_FIRMWARE_H
#define TESTS_BOARD_FIRMWARE_H

#include <stdio.h>
#include <stdlib.h>

/* Ends the image with status 1 and a line that says what was not so. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("FAILED: %s, %s:%d\n", #condition, __FILE__, __LINE__);                         \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#endif
