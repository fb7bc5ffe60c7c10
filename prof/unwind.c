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
#define CACHE_GRAIN_BITS                                                                           \
    5 /* neighbouring pcs usually share a row: 32 bytes of code share a slot                       \
       */

_Static_assert((UNWIND_CACHE_ROWS & (UNWIND_CACHE_ROWS - 1)) == 0, "the slot is taken by a mask");
_Static_assert(ARCH_UNWIND_REGISTERS <= 32, "unwind_cache.needed has a bit for each");

enum outcome {
    WALK_ON,      /* walk->registers are the caller's */
    WALK_LOOK,    /* the site is written; its step has to be looked for */
    WALK_FULL,    /* nobody called */
    WALK_BOUNDS,  /* something can't be right */
    WALK_NO_INFO, /* nothing is known about the site */
    WALK_DEPTH,   /* no room for the next site */
    WALK_CROSSED, /* the interrupted context has another stack */
    WALK_RESTART, /* a register is needed that was not tracked */
};

struct walk {
    struct arch_unwind *registers;
    uintptr_t lo, hi;
    uintptr_t floor;       /* the next CFA must be above */
    uintptr_t site;        /* of the frame that is being looked at */
    unwind_pc *next, *end; /* where its caller's site goes */
    bool exact;            /* registers->pc is an interrupted instruction, not a return address */
    bool innermost;        /* no frame was left yet */
    bool stale;            /* registers that the cache does not track are anything */
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

/* ---- steps: rows boiled down, cached ---- */

/* Each pc may lie in either of two slots, by two hashes, so that two rows of one stack that meet in
 * one slot don't throw each other out at every tick: the one that lost tries its other slot the
 * next time. */
static inline struct unwind_step *cache_first(struct unwind_cache *cache, uintptr_t pc)
{
    uintptr_t grain = pc >> CACHE_GRAIN_BITS;

    return &cache->step[(grain ^ grain >> 8) & (UNWIND_CACHE_ROWS - 1)];
}

static inline struct unwind_step *cache_second(struct unwind_cache *cache, uintptr_t pc)
{
    uint32_t mixed = (uint32_t)(pc >> CACHE_GRAIN_BITS) * 0x9e3779b1u; /* Knuth's multiplier */

    return &cache->step[mixed >> 16 & (UNWIND_CACHE_ROWS - 1)];
}

static inline bool step_covers(const struct unwind_step *step, uintptr_t pc)
{
    return pc - step->start < step->length;
}

/* The step of `pc`, or NULL. */
static inline struct unwind_step *cache_find(struct unwind_cache *cache, uintptr_t pc)
{
    struct unwind_step *step = cache_first(cache, pc);

    if (__builtin_expect(step_covers(step, pc), 1))
        return step;
    step = cache_second(cache, pc);
    return step_covers(step, pc) ? step : NULL;
}

/* Where a new step of `pc` goes: a free slot, else either of the two in turn. */
static struct unwind_step *cache_room(struct unwind_cache *cache, uintptr_t pc)
{
    struct unwind_step *first = cache_first(cache, pc), *second = cache_second(cache, pc);

    if (first->length == 0)
        return first;
    if (second->length == 0)
        return second;
    return cache->turn++ % 2 == 0 ? first : second;
}

static void cache_clear(struct unwind_cache *cache)
{
    for (unsigned i = 0; i < UNWIND_CACHE_ROWS; i++)
        cache->step[i].length = 0;
}

/* A save below the CFA that a step can hold. */
static bool save_fits(int32_t offset)
{
    return offset <= -(int32_t)WORD_BYTES && offset >= INT16_MIN * (int32_t)WORD_BYTES &&
           offset % (int32_t)WORD_BYTES == 0;
}

/* Adds what one register's rule says; false when a step can't. */
static bool step_add_rule(struct unwind_step *step, unsigned reg, cfi_rule rule, uint32_t needed)
{
    enum cfi_kind kind = cfi_rule_kind(rule);
    int32_t offset = cfi_rule_value(rule);

    if (kind == CFI_SAME || kind == CFI_UNDEFINED)
        return true;
    if (kind != CFI_OFFSET || !save_fits(offset))
        return false;
    if (reg == ARCH_UNWIND_RA)
        step->return_offset = offset;
    else if ((needed >> reg & 1) == 0)
        return true;
    else if (step->saves == UNWIND_STEP_SAVES)
        return false;
    else {
        step->save_register[step->saves] = (uint8_t)reg;
        step->save_words[step->saves++] = (int16_t)(offset / (int32_t)WORD_BYTES);
    }
    if ((uint32_t)-offset > step->reach)
        step->reach = (uint32_t)-offset;
    return true;
}

/* Boils `row` down into a slot; leaves the slot empty when it says something that a step can't. */
static void step_from_row(struct unwind_step *step, const struct cfi_row *row, uint32_t needed)
{
    const struct cfi_state *state = &row->state;
    enum cfi_kind back = cfi_rule_kind(cfi_state_rule(state, ARCH_UNWIND_RA));

    step->length = 0;
    if (state->cfa_expression != 0 || row->signal_frame || row->return_column != ARCH_UNWIND_RA ||
        cfi_rule_kind(cfi_state_rule(state, ARCH_UNWIND_SP)) != CFI_SAME)
        return;
    step->start = row->start;
    step->reach = 0;
    step->saves = 0;
    step->return_offset = 0;
    step->cfa_offset = state->cfa_offset;
    step->cfa_register = (uint8_t)state->cfa_register;
    step->kind = back == CFI_UNDEFINED ? STEP_ENDS : back == CFI_SAME ? STEP_LEAF : STEP_CALLER;
    for (uint32_t mask = state->mask; mask != 0; mask &= mask - 1) {
        unsigned reg = cfi_lowest(mask);

        if (!step_add_rule(step, reg, state->rule[reg], needed))
            return;
    }
    step->length = (uint32_t)(row->end - row->start);
    step->plain = step->kind == STEP_CALLER && step->cfa_register == ARCH_UNWIND_SP &&
                  step->saves == 0 && step->cfa_offset > 0 &&
                  step->cfa_offset % (int32_t)WORD_BYTES == 0 &&
                  (uint32_t)step->cfa_offset >= step->reach;
}

/* The step of a frame that has more to it than a return address above the stack pointer: moves to
 * the caller, or says why not. */
static inline enum outcome step_general(const struct unwind_step *step, const struct walk *walk,
                                        uintptr_t floor, uintptr_t *pc)
{
    uintptr_t *value = walk->registers->value;
    uintptr_t cfa = value[step->cfa_register] + (uintptr_t)(intptr_t)step->cfa_offset;
    uintptr_t height = cfa - walk->lo;

    if (cfa <= floor || height > walk->hi - walk->lo || height < step->reach ||
        cfa % WORD_BYTES != 0)
        return WALK_BOUNDS;
    *pc = value[ARCH_UNWIND_RA];
    if (step->kind == STEP_CALLER)
        *pc = *(const uintptr_t *)(cfa + (uintptr_t)(intptr_t)step->return_offset);
    for (unsigned i = 0; i < step->saves; i++)
        value[step->save_register[i]] = ((const uintptr_t *)cfa)[step->save_words[i]];
    value[ARCH_UNWIND_SP] = cfa;
    return WALK_ON;
}

/* What a cached step of kind STEP_ENDS or STEP_LEAF means for this frame. */
static inline enum outcome step_unusual(const struct unwind_step *step, uintptr_t site,
                                        bool innermost, bool exact)
{
    if (step->kind == STEP_LEAF && exact)
        return WALK_ON;
    if (step->kind == STEP_ENDS && !innermost && (uint32_t)step->return_offset == (uint32_t)site)
        return WALK_FULL;
    return step->kind == STEP_CALLER ? WALK_ON : WALK_LOOK;
}

/*
 * Writes sites and follows cached steps for as long as there are any: the whole walk, when the
 * sampler has seen these functions before. Its cost is that of the tick, hence the locals. A plain
 * step was checked when it was made: its frame is as large as what it reads, so that all that is
 * left to ask is whether it ends inside the stack.
 */
static enum outcome run_cached(struct walk *walk, struct unwind_cache *cache)
{
    uintptr_t *value = walk->registers->value;
    uintptr_t pc = walk->registers->pc, sp = value[ARCH_UNWIND_SP], floor = walk->floor;
    uintptr_t hi = walk->hi, back = walk->exact ? 0 : ARCH_UNWIND_CALL_BYTES;
    unwind_pc *next = walk->next, *end = walk->end;
    bool moved = false;
    uintptr_t site;
    enum outcome outcome;

    for (;;) {
        struct unwind_step *step;

        site = pc - back;
        outcome = WALK_BOUNDS;
        if (pc % ARCH_UNWIND_PC_ALIGN != 0 || pc <= ARCH_UNWIND_CALL_BYTES)
            break;
        outcome = WALK_DEPTH;
        if (next == end)
            break;
        *next++ = site;
        outcome = WALK_LOOK;
        if (cache == NULL)
            break;
        step = cache_find(cache, site);
        if (__builtin_expect(step == NULL, 0))
            break;
        if (__builtin_expect(step->plain, 1)) {
            outcome = WALK_BOUNDS;
            if ((uint32_t)step->cfa_offset > hi - sp)
                break;
            sp += (uint32_t)step->cfa_offset;
            pc = *(const uintptr_t *)(sp + (uintptr_t)(intptr_t)step->return_offset);
        } else {
            outcome = step_unusual(step, site, walk->innermost && !moved, back == 0);
            if (outcome != WALK_ON)
                break;
            value[ARCH_UNWIND_SP] = sp;
            outcome = step_general(step, walk, floor, &pc);
            if (outcome != WALK_ON)
                break;
            sp = value[ARCH_UNWIND_SP];
        }
        floor = sp;
        back = ARCH_UNWIND_CALL_BYTES;
        moved = true;
    }
    value[ARCH_UNWIND_SP] = sp;
    walk->innermost &= !moved;
    walk->stale |= moved;
    walk->site = site;
    walk->registers->pc = pc;
    walk->floor = floor;
    walk->next = next;
    walk->exact = back == 0;
    return outcome;
}

/* ---- rows in full: expressions, registers in registers, signal frames ---- */

/* The caller's value of one register by its rule; false when it can't be had. */
static bool row_value(const struct walk *walk, const struct cfi_expression_input *input,
                      uintptr_t cfa, unsigned reg, cfi_rule rule, uintptr_t *value)
{
    const uintptr_t *old = input->registers;
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

static bool row_apply(const struct cfi_row *row, const struct cfi_section *blocks,
                      struct walk *walk)
{
    uintptr_t fresh[ARCH_UNWIND_REGISTERS]; /* of the registers in the mask */
    uintptr_t *value = walk->registers->value;
    struct cfi_expression_input input = {blocks, value, walk->lo, walk->hi};
    const struct cfi_state *state = &row->state;
    uintptr_t cfa;

    if (state->cfa_expression == 0)
        cfa = value[state->cfa_register] + (uintptr_t)(intptr_t)state->cfa_offset;
    else if (!cfi_expression_run(&input, state->cfa_expression, NULL, &cfa))
        return false;
    if (!cfa_plausible(walk, cfa))
        return false;
    for (uint32_t mask = state->mask; mask != 0; mask &= mask - 1) {
        unsigned reg = cfi_lowest(mask);

        if (!row_value(walk, &input, cfa, reg, state->rule[reg], &fresh[reg]))
            return false;
    }
    value[ARCH_UNWIND_SP] = cfa;
    for (uint32_t mask = state->mask; mask != 0; mask &= mask - 1)
        value[cfi_lowest(mask)] = fresh[cfi_lowest(mask)];
    walk->registers->pc = value[row->return_column];
    walk->floor = cfa;
    walk->exact = row->signal_frame;
    return true;
}

/* ---- the walk ---- */

/* Does the row say something about registers that a walk with stale ones can't follow? If it is
 * only the CFA's register, the cache learns to track it. */
static bool row_needs_restart(const struct walk *walk, const struct cfi_row *row,
                              struct unwind_cache *cache)
{
    const struct cfi_state *state = &row->state;
    bool plain = state->cfa_expression == 0;

    if (cache == NULL)
        return false;
    if (plain && state->cfa_register != ARCH_UNWIND_SP &&
        (cache->needed >> state->cfa_register & 1) == 0) {
        cache->needed |= 1u << state->cfa_register;
        cache_clear(cache);
        return walk->stale;
    }
    for (uint32_t mask = state->mask; mask != 0 && plain; mask &= mask - 1) {
        enum cfi_kind kind = cfi_rule_kind(state->rule[cfi_lowest(mask)]);

        plain = kind == CFI_SAME || kind == CFI_UNDEFINED || kind == CFI_OFFSET;
    }
    return walk->stale && !plain;
}

/* Goes to the caller by the row of the site, and keeps the row's step in the cache. */
static enum outcome step_by_row(struct walk *walk, struct unwind_cache *cache)
{
    struct cfi_section blocks;
    struct cfi_row row;
    enum cfi_kind back;

    if (!image_row(walk->site, &row, &blocks))
        return WALK_NO_INFO;
    if (row_needs_restart(walk, &row, cache))
        return WALK_RESTART;
    if (cache != NULL)
        step_from_row(cache_room(cache, walk->site), &row, cache->needed);
    back = cfi_rule_kind(cfi_state_rule(&row.state, row.return_column));
    if (back == CFI_UNDEFINED)
        return WALK_FULL;
    if (back == CFI_SAME && !walk->exact)
        return WALK_NO_INFO; /* a caller has saved its return address: this table is wrong */
    return row_apply(&row, &blocks, walk) ? WALK_ON : WALK_BOUNDS;
}

/* The pc's row says that nobody called it, or there is none. If that is because it resumes an
 * interrupted context (the port knows), the walk goes on there. */
static enum outcome step_through_trap(struct walk *walk, enum outcome otherwise)
{
    uintptr_t sp = walk->registers->value[ARCH_UNWIND_SP];
    uintptr_t interrupted_sp;

    if (!arch_unwind_through_trap(walk->registers, walk->lo, walk->hi))
        return otherwise;
    if (walk->stale)
        return WALK_RESTART; /* the port may have kept callee-saved registers */
    interrupted_sp = walk->registers->value[ARCH_UNWIND_SP];
    if (interrupted_sp < walk->lo || interrupted_sp > walk->hi)
        return WALK_CROSSED;
    if (interrupted_sp <= sp)
        return WALK_BOUNDS;
    walk->floor = interrupted_sp - 1; /* a leaf's CFA may be its stack pointer */
    walk->exact = true;
    return WALK_ON;
}

/* One frame the long way. */
static __attribute__((noinline)) enum outcome step_slow(struct walk *walk,
                                                        struct unwind_cache *cache)
{
    struct unwind_step *step = cache != NULL ? cache_find(cache, walk->site) : NULL;
    enum outcome outcome = WALK_LOOK;

    /* First the port: what it knows may have a row as well, for debuggers, which would lead to
     * another stack without a word. */
    if (!walk->innermost)
        outcome = step_through_trap(walk, WALK_LOOK);
    if (outcome != WALK_LOOK)
        return outcome;
    if (step != NULL && step->kind == STEP_ENDS) {
        if (!walk->innermost)
            step->return_offset = (int32_t)walk->site; /* the port was asked */
        outcome = WALK_FULL;
    } else {
        outcome = step_by_row(walk, cache);
    }
    if (outcome == WALK_FULL && walk->innermost)
        outcome = step_through_trap(walk, outcome);
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
    walk->floor = sp - 1;
    walk->exact = false;
    return true;
}

static enum log_reason outcome_reason(enum outcome outcome, bool leaf)
{
    switch (outcome) {
    case WALK_FULL:
        return leaf ? REASON_LEAF : REASON_FULL;
    case WALK_NO_INFO:
        return REASON_NO_INFO;
    case WALK_DEPTH:
        return REASON_DEPTH;
    default:
        return REASON_BOUNDS;
    }
}

/* Is the first stack pointer one of this stack? If not, not even the first step may be made. */
static bool sp_plausible(const struct walk *walk)
{
    uintptr_t sp = walk->registers->value[ARCH_UNWIND_SP];

    return sp % WORD_BYTES == 0 && sp >= walk->lo && sp <= walk->hi;
}

struct unwind_result unwind_walk(struct unwind_cache *cache, struct arch_unwind *registers,
                                 bool innermost_exact, uintptr_t lo, uintptr_t hi, unwind_pc *pcs,
                                 unsigned capacity)
{
    struct walk walk = {
        .registers = registers,
        .lo = lo,
        .hi = hi,
        .floor = registers->value[ARCH_UNWIND_SP] - 1,
        .next = pcs,
        .end = pcs + capacity,
        .exact = innermost_exact,
        .innermost = true,
        .stale = cache != NULL,
    };
    bool leaf = false;
    enum outcome outcome;

    DEBUG_ASSERT(lo <= hi && capacity > 0);
    if (!sp_plausible(&walk))
        walk.end = pcs + 1; /* the pc, and no further */
    do {
        outcome = run_cached(&walk, sp_plausible(&walk) ? cache : NULL);
        if (outcome == WALK_LOOK)
            outcome = sp_plausible(&walk) ? step_slow(&walk, cache) : WALK_BOUNDS;
        if (walk.innermost && (outcome == WALK_NO_INFO || walk.next == pcs)) {
            leaf = leaf_out(&walk);
            outcome = leaf ? WALK_ON : WALK_NO_INFO;
        }
        walk.innermost = false;
    } while (outcome == WALK_ON);
    return (struct unwind_result){(unsigned)(walk.next - pcs), outcome_reason(outcome, leaf),
                                  outcome == WALK_CROSSED, outcome == WALK_RESTART};
}
