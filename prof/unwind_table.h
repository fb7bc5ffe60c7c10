/* SPDX-License-Identifier: MIT */
/* Lookup in the compact unwind table (prof/unwind_format.h). */
#ifndef PROF_UNWIND_TABLE_H
#define PROF_UNWIND_TABLE_H

#include "prof/cfi.h"
#include "prof/unwind_format.h"

enum table_answer {
    TABLE_NONE, /* there is no information about this pc */
    TABLE_ROW,  /* *row is it; its expressions are offsets in the table */
    TABLE_ELSE, /* the table does not say: call frame information may */
};

/* The row of `pc` in `table`. Never reads outside of it, whatever it contains. Any context; no call
 * outside of prof/. */
enum table_answer unwind_table_find(const struct cfi_section *table, cfi_word pc,
                                    struct cfi_row *row);

#endif
