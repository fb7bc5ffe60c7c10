/* SPDX-License-Identifier: MIT */
/*
 * Included by one file for each kind of image, which says what kind: CFI_WORD_BYTES,
 * CFI_BIG_ENDIAN, CFI_REGISTERS, READER and UNIT_SHIFT. It compiles what runs on the target, the
 * interpreter (prof/cfi.c) and the table's lookup (prof/unwind_table.c), for that kind. The
 * interpreter is compared with elfutils row by row (tests/unit/prof_cfi_*.c); elfutils itself can't
 * serve here: it refuses call frame information of MIPS.
 */
#include <string.h>

#define READER_PASTE(a, b) a##_##b
#define READER_NAME(a, b) READER_PASTE(a, b)
#define cfi_find READER_NAME(READER, cfi_find)
#define cfi_read_format READER_NAME(READER, cfi_read_format)
#define cfi_read_pointer READER_NAME(READER, cfi_read_pointer)
#define cfi_program_run READER_NAME(READER, cfi_program_run)
#define unwind_table_find READER_NAME(READER, unwind_table_find)

#include "prof/cfi.c"
#include "prof/cfi_program.c"
#include "prof/cfi_reader.c"
#include "prof/unwind_table.c"
#include "tools/unwind/rows.h"

_Static_assert(CFI_REGISTERS <= ROWS_REGISTERS, "a rule has a word for each");
_Static_assert((int)CFI_OFFSET == ROWS_OFFSET && (int)CFI_VAL_EXPRESSION == ROWS_VAL_EXPRESSION,
               "one set of kinds");
_Static_assert((int)TABLE_NONE == ROWS_NONE && (int)TABLE_ELSE == ROWS_ELSE, "one set of answers");

static struct cfi_section reader_section(const struct rows_section *section)
{
    return (struct cfi_section){section->bytes, section->bytes + section->size,
                                (cfi_word)section->address - (cfi_word)(uintptr_t)section->bytes};
}

/* The range of the FDE at *at; false for what is none. *at moves behind it, or to the section's
 * end. */
static bool reader_function(const struct cfi_section *section, size_t *at,
                            struct rows_function *function)
{
    const unsigned char *here = section->start + *at;
    struct cfi_reader reader = entry_body((struct cfi_reader){here, section->end, false});
    const unsigned char *pointer_at = reader.at;
    struct cfi_common common;

    *at = (size_t)((reader.failed ? section->end : reader.end) - section->start);
    uint32_t back = cfi_read_u32(&reader);

    if (reader.failed || back == 0 || back > (size_t)(pointer_at - section->start) ||
        !common_read(&common, (struct cfi_reader){pointer_at - back, section->end, false}))
        return false;
    cfi_word start = cfi_read_pointer(&reader, common.pointer_encoding, section->bias, 0);
    cfi_word bytes = cfi_read_format(&reader, common.pointer_encoding);

    *function = (struct rows_function){start, (uint64_t)start + bytes,
                                       (cfi_word)((cfi_word)(uintptr_t)here + section->bias)};
    return !reader.failed && bytes != 0;
}

static bool reader_next(const struct rows_section *frames, size_t *at,
                        struct rows_function *function)
{
    struct cfi_section section = reader_section(frames);

    while (*at < frames->size)
        if (reader_function(&section, at, function))
            return true;
    return false;
}

static void reader_rule(struct rows_rule *rule, const struct cfi_row *row)
{
    const struct cfi_state *state = &row->state;

    memset(rule, 0, sizeof *rule);
    rule->known = 1;
    rule->signal_frame = row->signal_frame;
    rule->return_column = row->return_column;
    rule->cfa_expression = state->cfa_expression;
    if (state->cfa_expression == 0) {
        rule->cfa_register = state->cfa_register;
        rule->cfa_offset = state->cfa_offset;
    }
    for (uint32_t mask = state->mask; mask != 0; mask &= mask - 1)
        rule->rule[cfi_lowest(mask)] = state->rule[cfi_lowest(mask)];
}

static bool reader_row(const struct rows_section *frames, const struct rows_function *function,
                       uint64_t pc, struct rows_rule *rule, uint64_t *end)
{
    struct cfi_section section = reader_section(frames);
    struct cfi_row row;
    struct cfi_common common;
    struct cfi_machine machine = {
        .frames = &section, .common = &common, .pc = (cfi_word)pc, .state = &row.state};
    struct cfi_reader program;

    *end = function->end;
    if (!frame_read(&machine, &common, (cfi_word)function->description, &program) ||
        !cfi_program_run(&machine, program))
        return false;
    row.return_column = common.return_column;
    row.signal_frame = common.signal_frame;
    reader_rule(rule, &row);
    *end = machine.end;
    return true;
}

static enum rows_answer reader_lookup(const struct rows_section *table, uint64_t pc,
                                      struct rows_rule *rule, uint64_t *start, uint64_t *end)
{
    struct cfi_section section = reader_section(table);
    struct cfi_row row;
    enum table_answer answer = unwind_table_find(&section, (cfi_word)pc, &row);

    memset(rule, 0, sizeof *rule);
    if (answer == TABLE_ROW) {
        reader_rule(rule, &row);
        *start = row.start;
        *end = row.end;
    }
    return (enum rows_answer)answer;
}

const struct rows_reader READER_NAME(rows, READER) = {
    .word_bytes = CFI_WORD_BYTES,
    .return_column = RETURN_COLUMN,
    .unit_shift = UNIT_SHIFT,
    .big_endian = CFI_BIG_ENDIAN,
    .next = reader_next,
    .row = reader_row,
    .lookup = reader_lookup,
};
