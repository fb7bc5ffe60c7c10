/* SPDX-License-Identifier: MIT */
/*
 * The compact unwind table: what call frame information says about an image's code, in a third of
 * its bytes and found in a tenth of the time. tools/unwind makes it of a linked image; a second
 * link puts it in (docs/unwinding.md). It answers what cfi_find answers, row for row.
 *
 * All numbers have the target's byte order; offsets are from the table's first byte. Eight words of
 * header (enum table_word), then
 *
 *   blocks   one word for each block of 1 << shift bytes of text: where its rows start, from the
 * first row rules    two words each; rule 0 is "no information", rule 1 "ask the interpreter" lists
 * words that rules point at blobs    DWARF expressions, as they stood in .eh_frame rows     a byte
 * with the number of units (of text) less one, and the rule's number: a byte below
 *            TABLE_SHORT_RULES, or two; each block starts a row of its own
 *
 * A rule's second word: bits 0-4 the CFA's register, 5 a signal frame, 6-7 enum table_kind, 8-15 a
 * count, 16-31 the CFA's offset in words. The compilers save registers in one order, the highest
 * number on top, so most rules need no more than the first word: a mask of the saved registers, the
 * highest at CFA - count words, the others below it without gaps. The others have a list of `count`
 * words at the offset in the first one: bits 0-4 a register, 5-7 enum cfi_kind, 8-31 its value, in
 * bytes (for an expression its offset). With TABLE_EXPRESSION one more word before it says where
 * the CFA's expression stands.
 */
#ifndef PROF_UNWIND_FORMAT_H
#define PROF_UNWIND_FORMAT_H

#define TABLE_MAGIC 0x77757431u /* "wut1" */
#define TABLE_SHORT_RULES 240
#define TABLE_RULES_MAX (TABLE_SHORT_RULES + (256 - TABLE_SHORT_RULES) * 256)

enum table_word {
    TABLE_WORD_MAGIC,
    TABLE_WORD_TEXT, /* the address of the first byte that is described */
    TABLE_WORD_TEXT_BYTES,
    TABLE_WORD_SHIFTS, /* bits 0-7: log2 of a block's bytes; 8-15: of a unit's */
    TABLE_WORD_RULES,  /* offsets; the blocks come right behind the header */
    TABLE_WORD_LISTS,
    TABLE_WORD_ROWS,
    TABLE_WORD_END,
    TABLE_WORDS,
};

enum table_kind { TABLE_MASK, TABLE_LIST, TABLE_EXPRESSION, TABLE_INTERPRET };

#endif
