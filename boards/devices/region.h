/* SPDX-License-Identifier: MIT */
/* Is a stretch of RAM fit for the heap? Boards whose regions somebody types in ask this first: a
 * wrong one shows up much later, as something else. */
#ifndef BOARDS_DEVICES_REGION_H
#define BOARDS_DEVICES_REGION_H

#include "kernel/board.h"

/* The least that the heap can do something with: below it not even the first stacks fit. */
#define REGION_BYTES_MIN 65536u

/* What is wrong with the region, as a sentence's second half that says what to change; NULL:
 * nothing. An overlap's addresses are printed. */
const char *region_fault(const struct board_region *region);

#endif
