/* SPDX-License-Identifier: MIT */
/* The rows of an image's call frame information, for any of weft's CPUs: what the compact table is
 * made from and compared with. */
#ifndef TOOLS_UNWIND_ROWS_H
#define TOOLS_UNWIND_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROWS_REGISTERS 32

/* prof/cfi.h's kinds of rules, under the same numbers. */
enum rows_kind {
    ROWS_SAME,
    ROWS_UNDEFINED,
    ROWS_OFFSET,
    ROWS_VAL_OFFSET,
    ROWS_REGISTER,
    ROWS_EXPRESSION,
    ROWS_VAL_EXPRESSION,
};

/* What holds at one pc. Equal rules are equal bytes: what is not said is zero. */
struct rows_rule {
    uint32_t known; /* 0: nothing is */
    uint32_t signal_frame;
    uint32_t return_column;
    uint32_t cfa_expression; /* not 0: offset of the DWARF block in its section */
    uint32_t cfa_register;
    int32_t cfa_offset;
    int32_t
        rule[ROWS_REGISTERS]; /* value * 8 + enum rows_kind; of an expression, the block's offset */
};

/* A section, where it lies here and on the target. */
struct rows_section {
    const unsigned char *bytes;
    size_t size;
    uint64_t address;
};

/* One function of the image (an FDE). */
struct rows_function {
    uint64_t start, end;
    uint64_t description; /* where its FDE stands, on the target */
};

enum rows_answer { ROWS_NONE, ROWS_ROW, ROWS_ELSE }; /* enum table_answer */

/* One for each kind of image. */
struct rows_reader {
    unsigned word_bytes;
    unsigned return_column; /* the usual one */
    unsigned unit_shift;    /* instructions' alignment, log2 */
    bool big_endian;
    /* The next FDE at or behind offset *at of .eh_frame; false at its end. */
    bool (*next)(const struct rows_section *frames, size_t *at, struct rows_function *function);
    /* The row of `pc` in that function: *rule, and *end, the first pc behind it. False: not
     * understood. */
    bool (*row)(const struct rows_section *frames, const struct rows_function *function,
                uint64_t pc, struct rows_rule *rule, uint64_t *end);
    /* The same out of a table, as the target reads it (prof/unwind_table.c). */
    enum rows_answer (*lookup)(const struct rows_section *table, uint64_t pc,
                               struct rows_rule *rule, uint64_t *start, uint64_t *end);
};

extern const struct rows_reader rows_mips, rows_mipsel, rows_amd64;

#endif
