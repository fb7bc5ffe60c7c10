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

/* Is the board's time its own (an emulator's, counted in instructions)? A process shares its
 * machine, and may be late without anybody's fault: what has to be over by some time gets ten times
 * as long. */
#if defined(__linux__)
#define TIME_IS_OWN 0
#if defined(__SANITIZE_THREAD__)
#define TIME_SCALE 50u
#else
#define TIME_SCALE 10u
#endif
#else
#define TIME_IS_OWN 1
#define TIME_SCALE 1u
#endif

#endif
