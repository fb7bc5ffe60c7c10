/* SPDX-License-Identifier: MIT */
/* What the table's maker wants of an ELF file. */
#ifndef TOOLS_UNWIND_IMAGE_H
#define TOOLS_UNWIND_IMAGE_H

#include "tools/unwind/rows.h"

#define IMAGE_TABLE_SECTION "weft_unwind_table"

struct image {
    const char *path;
    const struct rows_reader *reader;
    struct rows_section frames;      /* .eh_frame */
    struct rows_section table;       /* of size 0 when there is none */
    bool frames_loaded;              /* .eh_frame is part of what is loaded */
    uint64_t text_bytes;             /* all code */
    struct rows_function *functions; /* in ascending order; none overlaps another */
    size_t function_count;
    void *elf;
};

/* Reads all of it; ends the program with a sentence when that can't be done. */
void image_open(struct image *image, const char *path);

/* The symbol that `pc` lies in, or "?". */
const char *image_symbol(const struct image *image, uint64_t pc);

/* Ends the program: "weft-unwind-table: PATH: ...". */
void fail(const char *path, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));

#endif
