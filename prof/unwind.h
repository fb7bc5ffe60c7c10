/* SPDX-License-Identifier: MIT */
/* Exact call stacks, from the registers of one point and the stack's memory. docs/unwinding.md. */
#ifndef PROF_UNWIND_H
#define PROF_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/unwind.h"
#include "prof/log_format.h"

/* Rows a cache holds; a power of two. 256 rows of 32 bytes serve a call graph of some hundred
 * sites. */
#ifndef UNWIND_CACHE_ROWS
#define UNWIND_CACHE_ROWS 256
#endif

/* Registers beside the return address that a cached step can restore. */
#define UNWIND_STEP_SAVES 2

enum unwind_step_kind {
    STEP_CALLER, /* the return address is saved */
    STEP_LEAF,   /* it is still in its register: right for an interrupted frame only */
    STEP_ENDS,   /* it is undefined: nobody called */
};

/* One row of the call frame information, boiled down to what a frame of ordinary C code needs: CFA
 * = register + offset, registers saved at fixed offsets below the CFA. */
struct unwind_step {
    uintptr_t start; /* true for start <= pc < start + length */
    uint32_t length; /* 0: empty */
    uint32_t reach;  /* the lowest word that is read is at CFA - reach */
    int32_t cfa_offset;
    int32_t return_offset; /* from the CFA; STEP_ENDS: the low half of the last site that the port
                            * has said not to be its own (0: none) */
    uint8_t plain; /* CFA = stack pointer + offset, nothing read below it but the return address */
    uint8_t cfa_register;
    uint8_t kind; /* enum unwind_step_kind */
    uint8_t saves;
    uint8_t save_register[UNWIND_STEP_SAVES];
    int16_t save_words[UNWIND_STEP_SAVES]; /* from the CFA, in words */
};

/*
 * A cache of steps, by pc, each in one of two slots. Zeroed memory is an empty cache. Belongs to
 * one core's sampler, which alone reads and writes it, with interrupts off.
 *
 * A step restores only registers that some row has used to find its CFA: in practice the frame
 * pointer. `needed` has learnt them, a bit each; a new one empties the cache and restarts the walk.
 */
struct unwind_cache {
    uint32_t needed;
    uint32_t turn; /* which of two full slots gives way next */
    struct unwind_step step[UNWIND_CACHE_ROWS];
};

/* A program counter in a sample: records are only 4-aligned. */
typedef uintptr_t unwind_pc __attribute__((aligned(4)));

struct unwind_result {
    unsigned depth; /* pcs written */
    enum log_reason reason;
    /* The walk ended at a trap frame whose interrupted context has another stack (reason is
     * REASON_BOUNDS): the registers are that context's, exact, and whoever may walk that stack too
     * can go on from them. */
    bool crossed;
    /* Only with a cache: the walk came to a frame that needs a register which the cache had not
     * tracked. Fill the registers again and walk without it; pcs and reason mean nothing. */
    bool restart;
};

/*
 * Walks the stack [lo, hi) from *registers, which the walk uses up, and writes up to `capacity`
 * pcs, innermost first: the first as it is when `innermost_exact`, all others (and the first
 * otherwise) as call sites, return address - ARCH_UNWIND_CALL_BYTES. Never writes 0. `cache` may be
 * NULL. With a cache, *registers needs no more than pc, stack pointer, return address and those of
 * cache->needed (arch_unwind_tracked_from_frame); a walk that finds that it wants others says
 * `restart`.
 *
 * Reads only inside [lo, hi); stops, with the reason, at anything that can't be right. The caller
 * has the right to read that stack (its lock, or it is its own). Context: any.
 */
struct unwind_result unwind_walk(struct unwind_cache *cache, struct arch_unwind *registers,
                                 bool innermost_exact, uintptr_t lo, uintptr_t hi, unwind_pc *pcs,
                                 unsigned capacity);

/* "full", "bounds", "no unwind info", ... for dumps. */
const char *unwind_reason_name(enum log_reason reason);

#endif
