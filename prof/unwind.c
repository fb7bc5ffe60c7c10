/* SPDX-License-Identifier: MIT */
/*
 * The stack walker.
 *
 * Nouns: a *frame* is one function's activation; its *site* is the pc that stands for it (the
 * interrupted instruction, or the call it is waiting in); a *step* is what leads from a frame to
 * its caller: where the CFA is and which words below it hold the caller's registers.
 *
 * For each frame: write its site; find the step of that site, in the cache or by interpreting call
 * frame information (prof/cfi.c); check that the CFA lies inside the stack, is aligned and above
 * the last one; load the saved registers; go on at the return address. Since the CFA only rises
 * inside fixed bounds, every walk ends.
 *
 * Three kinds of frame are special. An innermost frame without information is a leaf (the port's
 * rule), flagged. Code that resumes an interrupted context has an undefined return address or no
 * information; the port steps over it (arch_unwind_through_trap), and the pc behind it is exact
 * again. A frame whose return address is undefined is the outermost.
 *
 * What may be lost: the outer part of a stack, never silently: the reason is in the result.
 */
#include "prof/unwind.h"

#include <stddef.h>

#include "kernel/assert.h"
#include "prof/cfi.h"
#include "prof/cfi_expression.h"
#include "prof/image.h"

#define WORD_BYTES ((uintptr_t)sizeof(uintptr_t))
#define CACHE_GRAIN_BITS                                                     \
    5 /* neighbouring pcs usually share a row: 32 bytes of code share a slot \
       */

_Static_assert((UNWIND_CACHE_ROWS & (UNWIND_CACHE_ROWS - 1)) == 0, "the slot is taken by a mask");
_Static_assert(ARCH_UNWIND_REGISTERS <= 256, "a register's number has 8 bits in a save");

struct walk {
    struct arch_unwind *registers;
    uintptr_t lo, hi;
    uintptr_t floor; /* the next CFA must be above */
    bool exact;      /* registers->pc is an interrupted instruction, not a return address */
};

const char *unwind_reason_name(enum log_reason reason)
{
    static const char *const names[] = {
        [REASON_FULL] = "full",
        [REASON_BOUNDS] = "bounds",
        [REASON_NO_INFO] = "no unwind info",
        [REASON_DEPTH] = "depth",
        [REASON_NO_LOCK] = "no lock",
        [REASON_SWITCHING] = "switching",
        [REASON_ATOMIC64] = "atomic",
        [REASON_LEAF] = "leaf without unwind info",
    };

    return (unsigned)reason < sizeof names / sizeof names[0] ? names[reason] : "unknown";
}

/* Is a word at `address` inside the stack and aligned? */
static bool word_readable(const struct walk *walk, uintptr_t address)
{
    return address >= walk->lo && address < walk->hi && walk->hi - address >= WORD_BYTES &&
           address % WORD_BYTES == 0;
}

static bool cfa_plausible(const struct walk *walk, uintptr_t cfa)
{
    return cfa > walk->floor && cfa <= walk->hi && cfa > walk->lo && cfa % WORD_BYTES == 0;
}

/* ---- steps: rows boiled down, cached --------------------------------------------------------- */

static inline struct unwind_step *cache_slot(struct unwind_cache *cache, uintptr_t pc)
{
    uintptr_t grain = pc >> CACHE_GRAIN_BITS;

    return &cache->step[(grain ^ grain >> 8) & (UNWIND_CACHE_ROWS - 1)];
}

/* Adds one save, keeping them sorted by offset; false when it does not fit. */
static bool step_add_save(struct unwind_step *step, unsigned reg, int32_t offset)
{
    unsigned at = step->saves;

    if (at == UNWIND_STEP_SAVES || offset > -(int32_t)WORD_BYTES || offset < -(1 << 22) ||
        offset % (int32_t)WORD_BYTES != 0)
        return false;
    if ((uint32_t)-offset > step->reach)
        step->reach = (uint32_t)-offset;
    step->save[at] = offset * 256 + (int32_t)reg;
    step->saves++;
    return true;
}

/* Boils `row` down; false when it says something that a step can't. */
static bool step_from_row(struct unwind_step *step, const struct cfi_row *row)
{
    const struct cfi_state *state = &row->state;
    cfi_rule back = state->rule[row->return_column];

    step->length = 0;
    step->start = row->start;
    step->reach = 0;
    step->saves = 0;
    step->cfa_offset = state->cfa_offset;
    step->cfa_register = (uint8_t)state->cfa_register;
    step->ends = cfi_rule_kind(back) == CFI_UNDEFINED;
    step->return_saved = cfi_rule_kind(back) == CFI_OFFSET;
    if (state->cfa_expression != 0 || row->signal_frame || row->return_column != ARCH_UNWIND_RA ||
        cfi_rule_kind(state->rule[ARCH_UNWIND_SP]) != CFI_SAME)
        return false;
    for (unsigned i = 0; i < ARCH_UNWIND_REGISTERS; i++) {
        enum cfi_kind kind = cfi_rule_kind(state->rule[i]);

        if (kind == CFI_OFFSET) {
            if (!step_add_save(step, i, cfi_rule_value(state->rule[i])))
                return false;
        } else if (kind != CFI_SAME && kind != CFI_UNDEFINED) {
            return false;
        }
    }
    step->length = (uint32_t)(row->end - row->start);
    return true;
}

/* Goes to the caller; false when the CFA or the saved words lie where they can't. */
static inline bool step_apply(const struct unwind_step *step, struct walk *walk)
{
    uintptr_t *value = walk->registers->value;
    uintptr_t cfa = value[step->cfa_register] + (uintptr_t)(intptr_t)step->cfa_offset;

    if (!cfa_plausible(walk, cfa) || cfa - walk->lo < step->reach)
        return false;
    for (unsigned i = 0; i < step->saves; i++) {
        int32_t save = step->save[i];

        value[save & 0xff] = *(const uintptr_t *)(cfa + (uintptr_t)(intptr_t)(save >> 8));
    }
    value[ARCH_UNWIND_SP] = cfa;
    walk->registers->pc = value[ARCH_UNWIND_RA];
    walk->floor = cfa;
    walk->exact = false;
    return true;
}

/* ---- rows in full: expressions, registers in registers, signal frames -------------------------
 */

/* The caller's value of one register by its rule; false when it can't be had. */
static bool row_value(const struct walk *walk, const struct cfi_expression_input *input,
                      const uintptr_t *old, uintptr_t cfa, unsigned reg, cfi_rule rule,
                      uintptr_t *value)
{
    uintptr_t address = cfa + (uintptr_t)(intptr_t)cfi_rule_value(rule);

    switch (cfi_rule_kind(rule)) {
    case CFI_SAME:
    case CFI_UNDEFINED:
        *value = old[reg];
        return true;
    case CFI_VAL_OFFSET:
        *value = address;
        return true;
    case CFI_REGISTER:
        if (cfi_rule_value(rule) < 0 || cfi_rule_value(rule) >= ARCH_UNWIND_REGISTERS)
            return false;
        *value = old[cfi_rule_value(rule)];
        return true;
    case CFI_VAL_EXPRESSION:
        return cfi_expression_run(input, (uint32_t)cfi_rule_value(rule), &cfa, value);
    case CFI_EXPRESSION:
        if (!cfi_expression_run(input, (uint32_t)cfi_rule_value(rule), &cfa, &address))
            return false;
        break;
    case CFI_OFFSET:
        break;
    default:
        return false;
    }
    if (!word_readable(walk, address))
        return false;
    *value = *(const uintptr_t *)address;
    return true;
}

static bool row_apply(const struct cfi_row *row, struct walk *walk)
{
    uintptr_t old[ARCH_UNWIND_REGISTERS];
    uintptr_t *value = walk->registers->value;
    struct cfi_expression_input input = {&image_tables()->frames, old, walk->lo, walk->hi};
    const struct cfi_state *state = &row->state;
    uintptr_t cfa;

    for (unsigned i = 0; i < ARCH_UNWIND_REGISTERS; i++) {
        old[i] = value[i];
        __asm__ volatile(""); /* not a call of memcpy */
    }
    if (state->cfa_expression == 0)
        cfa = old[state->cfa_register] + (uintptr_t)(intptr_t)state->cfa_offset;
    else if (!cfi_expression_run(&input, state->cfa_expression, NULL, &cfa))
        return false;
    if (!cfa_plausible(walk, cfa))
        return false;
    value[ARCH_UNWIND_SP] = cfa;
    for (unsigned i = 0; i < ARCH_UNWIND_REGISTERS; i++) {
        bool moved = cfi_rule_kind(state->rule[i]) != CFI_SAME;

        if (moved && !row_value(walk, &input, old, cfa, i, state->rule[i], &value[i]))
            return false;
    }
    walk->registers->pc = value[row->return_column];
    walk->floor = cfa;
    walk->exact = row->signal_frame;
    return true;
}

/* ---- the walk ---------------------------------------------------------------------------------
 */

enum outcome { WALK_ON, WALK_FULL, WALK_BOUNDS, WALK_NO_INFO, WALK_CROSSED };

/* A row that the cache does not have. `step` is where to keep it: a slot, or the caller's own. */
static __attribute__((noinline)) enum outcome step_by_row(struct walk *walk, uintptr_t site,
                                                          struct unwind_step *slot)
{
    struct cfi_row row;
    struct unwind_step local;
    struct unwind_step *step = slot != NULL ? slot : &local;
    enum cfi_kind back;

    if (!cfi_find(image_tables(), site, &row))
        return WALK_NO_INFO;
    back = cfi_rule_kind(row.state.rule[row.return_column]);
    if (back == CFI_UNDEFINED) {
        step_from_row(step, &row);
        return WALK_FULL;
    }
    if (back == CFI_SAME && !walk->exact)
        return WALK_NO_INFO; /* a caller has saved its return address: this table is wrong */
    if (step_from_row(step, &row))
        return step_apply(step, walk) ? WALK_ON : WALK_BOUNDS;
    return row_apply(&row, walk) ? WALK_ON : WALK_BOUNDS;
}

/* The pc's row says that nobody called it, or there is none. If that is because it resumes an
 * interrupted context (the port knows), the walk goes on there. */
static enum outcome step_through_trap(struct walk *walk, enum outcome otherwise)
{
    uintptr_t sp = walk->registers->value[ARCH_UNWIND_SP];
    uintptr_t interrupted_sp;

    if (!arch_unwind_through_trap(walk->registers, walk->lo, walk->hi))
        return otherwise;
    interrupted_sp = walk->registers->value[ARCH_UNWIND_SP];
    if (interrupted_sp < walk->lo || interrupted_sp > walk->hi)
        return WALK_CROSSED;
    if (interrupted_sp <= sp)
        return WALK_BOUNDS;
    walk->floor = interrupted_sp - 1; /* a leaf's CFA may be its stack pointer */
    walk->exact = true;
    return WALK_ON;
}

static inline enum outcome step_out(struct walk *walk, uintptr_t site, struct unwind_cache *cache)
{
    struct unwind_step *step = cache != NULL ? cache_slot(cache, site) : NULL;
    enum outcome outcome;

    if (step != NULL && __builtin_expect(site - step->start < step->length, 1)) {
        if (__builtin_expect(step->ends, 0))
            outcome = WALK_FULL;
        else if (__builtin_expect(!step->return_saved && !walk->exact, 0))
            outcome = WALK_NO_INFO;
        else
            return step_apply(step, walk) ? WALK_ON : WALK_BOUNDS;
    } else {
        outcome = step_by_row(walk, site, step);
    }
    if (outcome == WALK_FULL || outcome == WALK_NO_INFO)
        return step_through_trap(walk, outcome);
    return outcome;
}

/* The innermost frame has no information: the port's rule for leaves. */
static bool leaf_out(struct walk *walk)
{
    uintptr_t sp;

    if (!walk->exact || !arch_unwind_leaf(walk->registers, walk->lo, walk->hi))
        return false;
    sp = walk->registers->value[ARCH_UNWIND_SP];
    if (sp <= walk->floor || sp > walk->hi)
        return false;
    walk->floor = sp - 1 > walk->floor ? sp - 1 : walk->floor;
    walk->exact = false;
    return true;
}

struct unwind_result unwind_walk(struct unwind_cache *cache, struct arch_unwind *registers,
                                 bool innermost_exact, uintptr_t lo, uintptr_t hi, unwind_pc *pcs,
                                 unsigned capacity)
{
    uintptr_t sp = registers->value[ARCH_UNWIND_SP];
    struct walk walk = {registers, lo, hi, sp - 1, innermost_exact};
    struct unwind_result result = {0, REASON_FULL, false};
    bool first = true;

    DEBUG_ASSERT(lo <= hi && capacity > 0);
    for (;; first = false) {
        uintptr_t pc = registers->pc;
        uintptr_t site = walk.exact ? pc : pc - ARCH_UNWIND_CALL_BYTES;
        enum outcome outcome = WALK_NO_INFO;

        if (pc % ARCH_UNWIND_PC_ALIGN == 0 && pc > ARCH_UNWIND_CALL_BYTES) {
            if (result.depth == capacity) {
                result.reason = REASON_DEPTH;
                return result;
            }
            pcs[result.depth++] = site;
            if (sp % WORD_BYTES == 0 && sp >= lo && sp <= hi)
                outcome = step_out(&walk, site, cache);
            else
                outcome = WALK_BOUNDS;
        } else if (!first) {
            outcome = WALK_BOUNDS;
        }
        if (outcome == WALK_NO_INFO && first && leaf_out(&walk)) {
            result.reason = REASON_LEAF;
            continue;
        }
        if (outcome == WALK_ON)
            continue;
        if (outcome != WALK_FULL)
            result.reason = outcome == WALK_NO_INFO ? REASON_NO_INFO : REASON_BOUNDS;
        result.crossed = outcome == WALK_CROSSED;
        return result;
    }
}
