/* SPDX-License-Identifier: MIT */
/* The compact unwind table against the call frame information it was made from, pc by pc. */
#include "tools/unwind/check.h"

#include <string.h>

/* What the table said last, and until where it says so. */
struct claim {
    struct rows_rule rule;
    uint64_t until;
};

struct checker {
    const struct image *image;
    struct check done;
    struct claim claim;
    uint64_t since; /* where the present rule begins */
    struct rows_rule last;
};

static void differ(struct checker *checker, uint64_t pc, const char *what)
{
    if (checker->done.wrong == NULL) {
        checker->done.wrong = what;
        checker->done.wrong_pc = pc;
    }
}
/* The same DWARF expression, at these offsets of the two sections? */
static bool same_block(const struct image *image, uint32_t frames_at, uint32_t table_at)
{
    size_t size;

    if (frames_at == 0 || table_at == 0 || frames_at >= image->frames.size ||
        table_at >= image->table.size)
        return frames_at == table_at;
    size = (size_t)image->frames.bytes[frames_at] + 1;
    return size <= image->frames.size - frames_at && size <= image->table.size - table_at &&
           memcmp(image->frames.bytes + frames_at, image->table.bytes + table_at, size) == 0;
}

static bool same_register(const struct image *image, int32_t is, int32_t says)
{
    if ((is & 7) != (says & 7) || (is & 7) < ROWS_EXPRESSION)
        return is == says;
    return same_block(image, (uint32_t)(is >> 3), (uint32_t)(says >> 3));
}

static const char *difference(const struct image *image, const struct rows_rule *is,
                              const struct rows_rule *says)
{
    if (is->return_column != says->return_column || is->signal_frame != says->signal_frame)
        return "another return column, or another kind of frame";
    if (is->cfa_register != says->cfa_register || is->cfa_offset != says->cfa_offset ||
        !same_block(image, is->cfa_expression, says->cfa_expression))
        return "another CFA";
    for (unsigned reg = 0; reg < ROWS_REGISTERS; reg++)
        if (!same_register(image, is->rule[reg], says->rule[reg]))
            return "another place for a register";
    return NULL;
}

/* One pc of which call frame information says `is`. */
static void check_pc(struct checker *checker, uint64_t pc, const struct rows_rule *is)
{
    struct rows_rule says;
    uint64_t start = pc, end = pc + 1;
    enum rows_answer answer =
        checker->image->reader->lookup(&checker->image->table, pc, &says, &start, &end);
    const char *what;

    checker->done.pcs++;
    if (memcmp(is, &checker->last, sizeof *is) != 0) {
        checker->last = *is;
        checker->since = pc;
        if (pc < checker->claim.until)
            differ(checker, pc, "the row before it should have ended");
    }
    if (answer == ROWS_ELSE) {
        checker->done.left++;
        return;
    }
    if ((answer == ROWS_ROW) != (is->known != 0))
        differ(checker, pc, is->known != 0 ? "there should be a row" : "there should be none");
    if (answer != ROWS_ROW || is->known == 0)
        return;
    what = difference(checker->image, is, &says);
    if (what != NULL)
        differ(checker, pc, what);
    if (start > pc || end <= pc || start < checker->since)
        differ(checker, pc, "another range");
    checker->claim.until = end;
}

struct check check_rows(const struct image *image)
{
    static const struct rows_rule nothing;
    struct checker checker = {.image = image, .since = image->functions[0].start};
    uint64_t unit = (uint64_t)1 << image->reader->unit_shift, pc = image->functions[0].start;

    for (size_t i = 0; i < image->function_count; i++) {
        const struct rows_function *function = &image->functions[i];
        uint64_t end;

        /* Between functions; beyond a large gap nobody looks. */
        for (; pc < function->start && function->start - pc <= 4096; pc += unit)
            check_pc(&checker, pc, &nothing);
        for (pc = function->start; pc < function->end; pc = end) {
            struct rows_rule is;

            if (!image->reader->row(&image->frames, function, pc, &is, &end))
                is = nothing;
            for (; pc < end; pc += unit)
                check_pc(&checker, pc, &is);
        }
    }
    return checker.done;
}
