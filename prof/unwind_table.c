/* SPDX-License-Identifier: MIT */
/* Lookup in the compact unwind table. See unwind_table.h. */
#include "prof/unwind_table.h"

#include "prof/cfi_reader.h"

#define RETURN_COLUMN (CFI_WORD_BYTES == 4 ? 31 : 16) /* ra; the System V ABI's for x86-64 */

struct table_reader {
    const unsigned char *start;
    uint32_t size;
};

/* The word at `offset`; *bad when that is not inside. */
static inline uint32_t table_load(const struct table_reader *table, uint32_t offset, bool *bad)
{
    if (__builtin_expect(offset > table->size || table->size - offset < 4 || offset % 4 != 0, 0)) {
        *bad = true;
        return 0;
    }
    return (uint32_t)cfi_load_s32(table->start + offset);
}

static inline uint32_t header_word(const struct table_reader *table, enum table_word word)
{
    return (uint32_t)cfi_load_s32(table->start + 4 * word);
}

/* The rule of the unit `wanted` of the block whose rows start at `at`; *first and *after get the
 * units where its row starts and ends. */
static bool block_rule(const struct table_reader *table, uint32_t at, uint32_t wanted,
                       uint32_t *rule, uint32_t *first, uint32_t *after)
{
    const unsigned char *row = table->start + at, *end = table->start + table->size;
    uint32_t unit = 0;

    if (at >= table->size)
        return false;
    for (;;) {
        uint32_t next, number;

        if (end - row < 3) /* the last row, too, has three bytes behind its start: the table's size
                              is rounded up */
            return false;
        next = unit + row[0] + 1;
        number = row[1];
        row += 2;
        if (__builtin_expect(number >= TABLE_SHORT_RULES, 0))
            number = TABLE_SHORT_RULES + ((number - TABLE_SHORT_RULES) << 8 | *row++);
        if (wanted < next) {
            *rule = number;
            *first = unit;
            *after = next;
            return true;
        }
        unit = next;
    }
}

/* Registers saved without gaps, the highest on top. */
static void row_from_mask(struct cfi_row *row, uint32_t mask, uint32_t top)
{
    int32_t offset = -(int32_t)(top * CFI_WORD_BYTES);

    if (CFI_REGISTERS < 32)
        mask &= ((uint32_t)1 << (CFI_REGISTERS & 31)) - 1;
    row->state.mask = mask;
    while (mask != 0) {
        unsigned reg = 31 - (unsigned)__builtin_clz(mask);

        mask &= ~((uint32_t)1 << reg);
        row->state.rule[reg] = offset * 8 + (int32_t)CFI_OFFSET;
        offset -= CFI_WORD_BYTES;
    }
}

static bool row_from_list(struct cfi_row *row, const struct table_reader *table, uint32_t at,
                          uint32_t count, bool expression)
{
    bool bad = false;

    if (expression) {
        row->state.cfa_expression = table_load(table, at, &bad);
        bad |= row->state.cfa_expression == 0;
        at += 4;
    }
    for (uint32_t i = 0; i < count && !bad; i++) {
        uint32_t word = table_load(table, at + 4 * i, &bad);
        unsigned reg = word & 31;

        if (reg >= CFI_REGISTERS)
            return false;
        row->state.rule[reg] = (cfi_rule)((uint32_t)((int32_t)word >> 8) * 8 + (word >> 5 & 7));
        row->state.mask |= (uint32_t)1 << reg;
    }
    return !bad;
}

static enum table_answer row_from_rule(struct cfi_row *row, const struct table_reader *table,
                                       uint32_t number)
{
    uint32_t at = header_word(table, TABLE_WORD_RULES) + 8 * number;
    bool bad = false;
    uint32_t first = table_load(table, at, &bad), second = table_load(table, at + 4, &bad);
    enum table_kind kind = (enum table_kind)(second >> 6 & 3);

    if (bad || kind == TABLE_INTERPRET)
        return TABLE_ELSE;
    row->return_column = RETURN_COLUMN;
    row->signal_frame = second >> 5 & 1;
    row->state.cfa_expression = 0;
    row->state.cfa_register = second & 31;
    row->state.cfa_offset = ((int32_t)second >> 16) * CFI_WORD_BYTES;
    row->state.mask = 0;
    if (row->state.cfa_register >= CFI_REGISTERS)
        return TABLE_ELSE;
    if (kind == TABLE_MASK)
        row_from_mask(row, first, second >> 8 & 255);
    else if (!row_from_list(row, table, first, second >> 8 & 255, kind == TABLE_EXPRESSION))
        return TABLE_ELSE;
    return TABLE_ROW;
}

enum table_answer unwind_table_find(const struct cfi_section *section, cfi_word pc,
                                    struct cfi_row *row)
{
    const struct table_reader table = {section->start, (uint32_t)(section->end - section->start)};
    uint32_t block_shift, unit_shift, inside, rule, first, after;
    bool bad = false;

    if (table.size < 4 * TABLE_WORDS || header_word(&table, TABLE_WORD_MAGIC) != TABLE_MAGIC)
        return TABLE_ELSE;
    cfi_word offset = pc - header_word(&table, TABLE_WORD_TEXT);

    if (offset >= header_word(&table, TABLE_WORD_TEXT_BYTES))
        return TABLE_ELSE;
    block_shift = header_word(&table, TABLE_WORD_SHIFTS) & 31;
    unit_shift = header_word(&table, TABLE_WORD_SHIFTS) >> 8 & 31;
    inside = (uint32_t)offset & (((uint32_t)1 << block_shift) - 1);
    uint32_t rows = table_load(&table, 4 * (TABLE_WORDS + (uint32_t)(offset >> block_shift)), &bad);

    if (bad || !block_rule(&table, header_word(&table, TABLE_WORD_ROWS) + rows,
                           inside >> unit_shift, &rule, &first, &after))
        return TABLE_ELSE;
    if (rule == 0)
        return TABLE_NONE;
    row->start = pc - inside + ((cfi_word)first << unit_shift);
    row->end = pc - inside + ((cfi_word)after << unit_shift);
    return row_from_rule(row, &table, rule);
}
