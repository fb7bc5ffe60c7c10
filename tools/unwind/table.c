/* SPDX-License-Identifier: MIT */
/*
 * From rows to bytes. The image's rows, function by function, become *runs* (neighbouring rows that
 * say the same are one; code without information is a run, too); equal rules get one number, the
 * commonest the shortest; then the runs are cut at the blocks' borders and written.
 */
#include "tools/unwind/table.h"

#include <stdlib.h>
#include <string.h>

#include "prof/unwind_format.h"

#define BLOCK_SHIFT 10
/* Code further apart than this belongs to another table: each block of the gap would take six
 * bytes. */
#define GAP_MAX (1u << 20)
#define UNIT_COUNT_MAX 256

struct run {
    uint64_t start;
    size_t rule; /* an index of maker.rules */
};

struct rule {
    struct rows_rule says;
    size_t uses;
    uint32_t number; /* in the table */
    uint32_t words[2];
};

struct bytes {
    unsigned char *at;
    size_t size, room;
};

struct maker {
    const struct image *image;
    struct run *runs;
    size_t run_count, run_room;
    struct rule *rules;
    size_t rule_count, rule_room;
    uint64_t start, end; /* of the text that is described */
    struct bytes lists, blocks, rows;
    uint32_t lists_at; /* their offset */
};

static void *grown(const struct maker *maker, void *old, size_t *room, size_t element)
{
    *room = *room * 2 + 256;
    old = realloc(old, *room * element);
    if (old == NULL)
        fail(maker->image->path, "no memory for its rows");
    return old;
}

static void put_byte(const struct maker *maker, struct bytes *bytes, unsigned value)
{
    if (bytes->size == bytes->room)
        bytes->at = grown(maker, bytes->at, &bytes->room, 1);
    bytes->at[bytes->size++] = (unsigned char)value;
}

static void put_word(const struct maker *maker, struct bytes *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        put_byte(maker, bytes,
                 value >> (maker->image->reader->big_endian ? 24 - 8 * i : 8 * i) & 255);
}

static void append(const struct maker *maker, struct bytes *bytes, const struct bytes *more)
{
    for (size_t i = 0; i < more->size; i++)
        put_byte(maker, bytes, more->at[i]);
}

/* ---- rows to runs ---- */

static size_t rule_index(struct maker *maker, const struct rows_rule *says)
{
    for (size_t i = 0; i < maker->rule_count; i++)
        if (memcmp(&maker->rules[i].says, says, sizeof *says) == 0)
            return i;
    if (maker->rule_count == maker->rule_room)
        maker->rules = grown(maker, maker->rules, &maker->rule_room, sizeof *maker->rules);
    maker->rules[maker->rule_count] = (struct rule){.says = *says};
    return maker->rule_count++;
}

static void add_run(struct maker *maker, uint64_t start, const struct rows_rule *says)
{
    size_t rule = rule_index(maker, says);

    if (maker->run_count != 0 && maker->runs[maker->run_count - 1].rule == rule)
        return;
    if (maker->run_count == maker->run_room)
        maker->runs = grown(maker, maker->runs, &maker->run_room, sizeof *maker->runs);
    maker->runs[maker->run_count++] = (struct run){start, rule};
}

/* A rule that only the interpreter understands: `known`, and a return column that there is not. */
static const struct rows_rule nothing, interpret = {.known = 1, .return_column = UINT32_MAX};

static void add_function(struct maker *maker, const struct rows_function *function)
{
    uint64_t end;

    for (uint64_t pc = function->start; pc < function->end; pc = end) {
        struct rows_rule says;

        if (!maker->image->reader->row(&maker->image->frames, function, pc, &says, &end))
            says = interpret;
        add_run(maker, pc, &says);
    }
}

/* The functions [*first, *after) that lie together; of several such groups the one with the most
 * code. */
static void find_group(const struct image *image, size_t *first, size_t *after)
{
    uint64_t most = 0;

    for (size_t i = 0, next; i < image->function_count; i = next) {
        uint64_t bytes = 0;

        for (next = i; next < image->function_count; next++) {
            if (next > i && image->functions[next].start - image->functions[next - 1].end > GAP_MAX)
                break;
            bytes += image->functions[next].end - image->functions[next].start;
        }
        if (bytes > most) {
            most = bytes;
            *first = i;
            *after = next;
        }
    }
}

static void collect_runs(struct maker *maker)
{
    const struct rows_function *functions = maker->image->functions;
    size_t first = 0, after = 0;

    find_group(maker->image, &first, &after);
    maker->start = functions[first].start;
    maker->end = functions[after - 1].end;
    rule_index(maker, &nothing);
    rule_index(maker, &interpret);
    for (size_t i = first; i < after; i++) {
        if (i > first && functions[i].start > functions[i - 1].end)
            add_run(maker, functions[i - 1].end, &nothing);
        add_function(maker, &functions[i]);
    }
}

/* ---- rules to words ---- */

static unsigned kind_of(int32_t rule)
{
    return (unsigned)rule & 7;
}

/* Saved without gaps, the highest number on top? */
static bool encode_mask(const struct maker *maker, struct rule *rule)
{
    int32_t bytes = (int32_t)maker->image->reader->word_bytes, expected = 0, top = 0;
    uint32_t mask = 0;

    if (rule->says.cfa_expression != 0)
        return false;
    for (int reg = ROWS_REGISTERS - 1; reg >= 0; reg--) {
        int32_t says = rule->says.rule[reg], offset = says >> 3;

        if (says == ROWS_SAME)
            continue;
        if (kind_of(says) != ROWS_OFFSET || offset >= 0 || offset % bytes != 0 ||
            (mask != 0 && offset != expected))
            return false;
        if (mask == 0)
            top = offset / -bytes;
        mask |= 1u << reg;
        expected = offset - bytes;
    }
    if (top > 255)
        return false;
    rule->words[0] = mask;
    rule->words[1] = (uint32_t)top << 8 | TABLE_MASK << 6;
    return true;
}

/* Copies the DWARF block (a length and its bytes) at `offset` of .eh_frame behind the lists, whole
 * words; its offset in the table. */
static uint32_t encode_block(struct maker *maker, struct bytes *blobs, uint32_t offset)
{
    const struct rows_section *frames = &maker->image->frames;
    uint32_t at = maker->lists_at + (uint32_t)blobs->size;
    size_t size = frames->bytes[offset];

    if (size >= 128 || size + 1 > frames->size - offset)
        return 0;
    for (size_t i = 0; i <= size; i++)
        put_byte(maker, blobs, frames->bytes[offset + i]);
    while (blobs->size % 4 != 0)
        put_byte(maker, blobs, 0);
    return at;
}

static bool value_fits(int32_t value)
{
    return value >= -(1 << 23) && value < 1 << 23;
}

/* Where `count` words stand in the lists: those of a longer list will do. */
static uint32_t place_words(struct maker *maker, const uint32_t *words, uint32_t count)
{
    struct bytes wanted = {0};
    size_t at = 0;

    for (uint32_t i = 0; i < count; i++)
        put_word(maker, &wanted, words[i]);
    while (at + wanted.size <= maker->lists.size &&
           memcmp(maker->lists.at + at, wanted.at, wanted.size) != 0)
        at += 4;
    if (at + wanted.size > maker->lists.size) {
        at = maker->lists.size;
        append(maker, &maker->lists, &wanted);
    }
    free(wanted.at);
    return maker->lists_at + (uint32_t)at;
}

/* In the order in which code saves registers, from the CFA down, so that the rules of a prologue
 * can share one list. */
static int word_order(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a >> 8, right = *(const int32_t *)b >> 8;

    if (left != right)
        return left > right ? -1 : 1;
    return (*(const uint32_t *)a & 31) < (*(const uint32_t *)b & 31) ? -1 : 1;
}

/* Expressions go into the lists' bytes first, so that the list's words are together. */
static bool encode_list(struct maker *maker, struct rule *rule)
{
    uint32_t words[ROWS_REGISTERS + 1], saved = 0;
    bool expression = rule->says.cfa_expression != 0;

    words[0] = expression ? encode_block(maker, &maker->lists, rule->says.cfa_expression) : 0;
    if (expression && words[0] == 0)
        return false;
    for (uint32_t reg = 0; reg < ROWS_REGISTERS; reg++) {
        int32_t says = rule->says.rule[reg], value = says >> 3;

        if (says == ROWS_SAME)
            continue;
        if (kind_of(says) >= ROWS_EXPRESSION)
            value = (int32_t)encode_block(maker, &maker->lists, (uint32_t)value);
        if (!value_fits(value) || (kind_of(says) >= ROWS_EXPRESSION && value == 0))
            return false;
        words[1 + saved++] = (uint32_t)value << 8 | kind_of(says) << 5 | reg;
    }
    qsort(words + 1, saved, sizeof *words, word_order);
    rule->words[0] = place_words(maker, words + !expression, saved + expression);
    rule->words[1] = saved << 8 | (uint32_t)(expression ? TABLE_EXPRESSION : TABLE_LIST) << 6;
    return true;
}

static void encode_rule(struct maker *maker, struct rule *rule)
{
    const struct rows_rule *says = &rule->says;
    int32_t bytes = (int32_t)maker->image->reader->word_bytes, words = says->cfa_offset / bytes;

    rule->words[0] = 0;
    rule->words[1] = TABLE_INTERPRET << 6;
    if (says->known == 0 || says->return_column != maker->image->reader->return_column ||
        says->cfa_offset % bytes != 0 || words < INT16_MIN || words > INT16_MAX)
        return;
    if (encode_mask(maker, rule) || encode_list(maker, rule))
        rule->words[1] |= (uint32_t)words << 16 | says->signal_frame << 5 | says->cfa_register;
}

static unsigned saves_of(const struct rule *rule)
{
    unsigned count = 0;

    for (unsigned reg = 0; reg < ROWS_REGISTERS; reg++)
        count += rule->says.rule[reg] != ROWS_SAME;
    return count;
}

/* Long lists first. */
static void encode_rules(struct maker *maker, const size_t *order, size_t rules)
{
    for (unsigned saves = ROWS_REGISTERS + 1; saves-- > 0;)
        for (size_t i = 0; i < rules; i++)
            if (saves_of(&maker->rules[order[i]]) == saves)
                encode_rule(maker, &maker->rules[order[i]]);
}

static struct rule *rules_to_sort;

/* The two fixed ones first, then by use. */
static int rule_order(const void *a, const void *b)
{
    size_t left = *(const size_t *)a, right = *(const size_t *)b;
    bool swap = left >= 2 && right >= 2 && rules_to_sort[left].uses != rules_to_sort[right].uses;

    if (swap)
        return rules_to_sort[left].uses > rules_to_sort[right].uses ? -1 : 1;
    return left < right ? -1 : 1;
}

/* Numbers the rules; what has no room for a number is the interpreter's. Returns how many have one.
 */
static size_t number_rules(struct maker *maker, size_t *order)
{
    for (size_t i = 0; i < maker->run_count; i++)
        maker->rules[maker->runs[i].rule].uses++;
    for (size_t i = 0; i < maker->rule_count; i++)
        order[i] = i;
    rules_to_sort = maker->rules;
    qsort(order, maker->rule_count, sizeof *order, rule_order);
    for (size_t i = 0; i < maker->rule_count; i++)
        maker->rules[order[i]].number = i < TABLE_RULES_MAX ? (uint32_t)i : 1;
    return maker->rule_count < TABLE_RULES_MAX ? maker->rule_count : TABLE_RULES_MAX;
}

/* ---- runs to rows ---- */

static void put_row(struct maker *maker, uint64_t units, uint32_t number)
{
    for (; units != 0; units -= units < UNIT_COUNT_MAX ? units : UNIT_COUNT_MAX) {
        put_byte(maker, &maker->rows,
                 (unsigned)(units < UNIT_COUNT_MAX ? units : UNIT_COUNT_MAX) - 1);
        if (number < TABLE_SHORT_RULES) {
            put_byte(maker, &maker->rows, number);
        } else {
            put_byte(maker, &maker->rows, TABLE_SHORT_RULES + ((number - TABLE_SHORT_RULES) >> 8));
            put_byte(maker, &maker->rows, (number - TABLE_SHORT_RULES) & 255);
        }
    }
}

static void put_rows(struct maker *maker)
{
    uint64_t border = maker->start; /* of the next block */

    for (size_t i = 0; i < maker->run_count; i++) {
        uint64_t at = maker->runs[i].start,
                 end = i + 1 < maker->run_count ? maker->runs[i + 1].start : maker->end;

        while (at < end) {
            if (at == border) {
                put_word(maker, &maker->blocks, (uint32_t)maker->rows.size);
                border += 1 << BLOCK_SHIFT;
            }
            uint64_t part = end < border ? end : border;

            put_row(maker, (part - at) >> maker->image->reader->unit_shift,
                    maker->rules[maker->runs[i].rule].number);
            at = part;
        }
    }
}

/* ---- all together ---- */

static void check_range(const struct maker *maker)
{
    if (maker->end > (uint64_t)UINT32_MAX + 1)
        fail(maker->image->path, "its code ends at 0x%llx: the table's addresses have 32 bits",
             (unsigned long long)maker->end);
    if ((maker->start & ((1u << maker->image->reader->unit_shift) - 1)) != 0)
        fail(maker->image->path, "its code starts at 0x%llx, which is no instruction's address",
             (unsigned long long)maker->start);
}

void table_make(struct table *table, const struct image *image)
{
    struct maker maker = {.image = image};
    struct bytes whole = {0};

    collect_runs(&maker);
    check_range(&maker);
    size_t *order = calloc(maker.rule_count, sizeof *order);

    if (order == NULL)
        fail(image->path, "no memory for its rules");
    size_t rules = number_rules(&maker, order);

    put_rows(&maker);
    uint32_t rules_at = 4 * TABLE_WORDS + (uint32_t)maker.blocks.size;

    maker.lists_at = rules_at + 8 * (uint32_t)rules;
    encode_rules(&maker, order, rules);
    uint32_t rows_at = maker.lists_at + (uint32_t)maker.lists.size;
    /* A lookup looks at three bytes before it knows how long a row is. */
    uint32_t end = (rows_at + (uint32_t)maker.rows.size + 1 + 3) / 4 * 4;
    const uint32_t header[TABLE_WORDS] = {
        [TABLE_WORD_MAGIC] = TABLE_MAGIC,
        [TABLE_WORD_TEXT] = (uint32_t)maker.start,
        [TABLE_WORD_TEXT_BYTES] = (uint32_t)(maker.end - maker.start),
        [TABLE_WORD_SHIFTS] = BLOCK_SHIFT | image->reader->unit_shift << 8,
        [TABLE_WORD_RULES] = rules_at,
        [TABLE_WORD_LISTS] = maker.lists_at,
        [TABLE_WORD_ROWS] = rows_at,
        [TABLE_WORD_END] = end,
    };

    for (unsigned i = 0; i < TABLE_WORDS; i++)
        put_word(&maker, &whole, header[i]);
    append(&maker, &whole, &maker.blocks);
    for (size_t i = 0; i < rules; i++)
        for (unsigned word = 0; word < 2; word++)
            put_word(&maker, &whole, maker.rules[order[i]].words[word]);
    append(&maker, &whole, &maker.lists);
    append(&maker, &whole, &maker.rows);
    while (whole.size < end)
        put_byte(&maker, &whole, 0);
    *table = (struct table){whole.at, whole.size, maker.run_count, rules, maker.lists.size};
    free(maker.runs);
    free(maker.rules);
    free(maker.lists.at);
    free(maker.blocks.at);
    free(maker.rows.at);
    free(order);
}
