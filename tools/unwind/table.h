/* SPDX-License-Identifier: MIT */
/* Makes the compact unwind table (prof/unwind_table.h) of an image. */
#ifndef TOOLS_UNWIND_TABLE_H
#define TOOLS_UNWIND_TABLE_H

#include "tools/unwind/image.h"

struct table {
    unsigned char *bytes;
    size_t size;
    size_t rows, rules, lists; /* how many, for people */
};

/* The same image gives the same bytes. */
void table_make(struct table *table, const struct image *image);

#endif
