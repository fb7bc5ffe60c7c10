/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_UNWIND_CHECK_H
#define TOOLS_UNWIND_CHECK_H

#include "tools/unwind/image.h"

struct check {
    uint64_t pcs;      /* compared */
    uint64_t left;     /* of them left to the interpreter */
    const char *wrong; /* the first difference, at wrong_pc; NULL: there is none */
    uint64_t wrong_pc;
};

/* Looks every instruction's address of the image up in its table, as the target does, and in its
 * call frame information. */
struct check check_rows(const struct image *image);

#endif
