/* SPDX-License-Identifier: MIT */
/*
 * Register n holds pattern + n * STEP. Neighbours are compared by adding STEP to the lower one, so
 * that no register has to be free for it: all of them hold their values all the time. Only for HI, LO, the
 * FPU and the end of a round are $1 and $2 put on the stack for some instructions.
 */
#include "image-mips.h"

        .set    noreorder
        .set    noat
        .set    hardfloat
        .set    oddspreg
        .text

#define SLOT_1 0
#define SLOT_2 4
#define SLOT_CONTROL 8
#define SLOT_FCSR 12
#define SLOT_S 16
#define SLOT_RA 52
#define FRAME 56

        .macro  enter name
        .globl  \name
        .type   \name, @function
        .ent    \name
\name:  .cfi_startproc
        addiu   $sp, $sp, -FRAME
        .cfi_def_cfa_offset FRAME
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        sw      $s\n, SLOT_S + 4 * \n($sp)
        .endr
        sw      $30, SLOT_S + 32($sp)
        sw      $31, SLOT_RA($sp)
        .cfi_offset 31, SLOT_RA - FRAME
        .endm

        .macro  leave name
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        lw      $s\n, SLOT_S + 4 * \n($sp)
        .endr
        lw      $30, SLOT_S + 32($sp)
        lw      $31, SLOT_RA($sp)
        jr      $31
         addiu  $sp, $sp, FRAME
        .cfi_endproc
        .end    \name
        .size   \name, . - \name
        .endm

/* All general registers, HI and LO from $4, the pattern. */
        .macro  fill_integer
        addiu   $1, $4, PATTERN_HI * PATTERN_STEP
        mthi    $1
        addiu   $1, $4, PATTERN_LO * PATTERN_STEP
        mtlo    $1
        .irp    n, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 30, 31
        addiu   $\n, $4, \n * PATTERN_STEP
        .endr
        addiu   $4, $4, 4 * PATTERN_STEP
        .endm

/* `upper` must be `lower` + distance * STEP; otherwise to fail\suffix\()_\upper. */
        .macro  check lower, upper, distance, suffix
        addiu   $\lower, $\lower, \distance * PATTERN_STEP
        bne     $\lower, $\upper, fail\suffix\()_\upper
         addiu  $\lower, $\lower, -\distance * PATTERN_STEP
        .endm

        .macro  check_integer suffix
        check   1, 2, 1, \suffix
        check   2, 3, 1, \suffix
        check   3, 4, 1, \suffix
        check   4, 5, 1, \suffix
        check   5, 6, 1, \suffix
        check   6, 7, 1, \suffix
        check   7, 8, 1, \suffix
        check   8, 9, 1, \suffix
        check   9, 10, 1, \suffix
        check   10, 11, 1, \suffix
        check   11, 12, 1, \suffix
        check   12, 13, 1, \suffix
        check   13, 14, 1, \suffix
        check   14, 15, 1, \suffix
        check   15, 16, 1, \suffix
        check   16, 17, 1, \suffix
        check   17, 18, 1, \suffix
        check   18, 19, 1, \suffix
        check   19, 20, 1, \suffix
        check   20, 21, 1, \suffix
        check   21, 22, 1, \suffix
        check   22, 23, 1, \suffix
        check   23, 24, 1, \suffix
        check   24, 25, 1, \suffix
        check   25, 30, 5, \suffix
        check   30, 31, 1, \suffix
        sw      $1, SLOT_1($sp)
        mfhi    $1
        addiu   $1, $1, (3 - PATTERN_HI) * PATTERN_STEP
        bne     $1, $3, fail\suffix\()_32
         mflo   $1
        addiu   $1, $1, (3 - PATTERN_LO) * PATTERN_STEP
        bne     $1, $3, fail\suffix\()_33
         lw     $1, SLOT_1($sp)
        .endm

/* Counts the round; falls through to done_\suffix when told to stop. */
        .macro  next_round loop
        sw      $1, SLOT_1($sp)
        sw      $2, SLOT_2($sp)
        lw      $1, SLOT_CONTROL($sp)
        lw      $2, 0($1)
        addiu   $2, $2, 1
        sw      $2, 0($1)
        lw      $2, 4($1)
        lw      $1, SLOT_1($sp)
        beqz    $2, \loop
         lw     $2, SLOT_2($sp)
        .endm

/* fail_n: returns n; `numbers` are those that this loop can fail with. */
        .macro  failures suffix, numbers:vararg
        b       done\suffix
         move   $2, $0
        .irp    n, \numbers
fail\suffix\()_\n:
        b       done\suffix
         li     $2, \n
        .endr
done\suffix:
        .endm

#define INTEGER_NUMBERS                                                                            \
        2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,    \
        30, 31, 32, 33

/* unsigned pattern_integer(uint32_t pattern, struct pattern_control *control) */
        enter   pattern_integer
        sw      $5, SLOT_CONTROL($sp)
        fill_integer
loop_i: check_integer _i
        next_round loop_i
        failures _i, INTEGER_NUMBERS
        leave   pattern_integer

#define EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31

/* Rounding mode, flags and condition codes out of the pattern's upper byte; no enables, no FS. */
        .macro  fill_fcsr
        srl     $8, $4, 24
        sll     $9, $8, 25
        andi    $10, $8, 0x1f
        sll     $10, $10, 2
        or      $9, $9, $10
        srl     $10, $8, 1
        andi    $10, $10, 3
        or      $9, $9, $10
        ctc1    $9, $31
        cfc1    $9, $31
        sw      $9, SLOT_FCSR($sp)
        .endm

/* Register \n + first of the FPU, moved to $1 by \move, against $2. */
        .macro  check_moved move, n, first, suffix
        \move   $1, $f\n
        addiu   $1, $1, (2 - \first - \n) * PATTERN_STEP
        bne     $1, $2, fail\suffix\()_fpu
         li     $3, \first + \n
        .endm

        .macro  check_fcsr suffix
        lw      $1, SLOT_FCSR($sp)
        cfc1    $3, $31
        bne     $1, $3, fail\suffix\()_fpu
         li     $3, PATTERN_FCSR
        .endm

        .macro  fill_moved move, n, first
        addiu   $8, $4, (\first + \n) * PATTERN_STEP
        \move   $8, $f\n
        .endm

/* $1 and $3 back to what the integer checks expect. */
        .macro  refill
        addiu   $1, $2, -PATTERN_STEP
        addiu   $3, $2, PATTERN_STEP
        .endm

/* unsigned pattern_fpu(uint32_t pattern, struct pattern_control *control) */
        enter   pattern_fpu
        sw      $5, SLOT_CONTROL($sp)
        mfc0    $8, $12
        ext     $8, $8, 26, 1           # Status.FR
        bnez    $8, wide
         nop
        fill_fcsr
        .set    push
        .set    fp=32
        .irp    n, EVEN, ODD
        fill_moved mtc1, \n, PATTERN_FPU
        .endr
        fill_integer
loop_f: check_integer _f
        .irp    n, EVEN, ODD
        check_moved mfc1, \n, PATTERN_FPU, _f
        .endr
        .set    pop
        check_fcsr _f
        refill
        next_round loop_f
        b       out_f
         move   $2, $0
wide:   fill_fcsr
        .set    push
        .set    fp=64
        .irp    n, EVEN, ODD
        fill_moved mtc1, \n, PATTERN_FPU
        fill_moved mthc1, \n, PATTERN_FPU_HIGH
        .endr
        fill_integer
loop_w: check_integer _f
        .irp    n, EVEN, ODD
        check_moved mfc1, \n, PATTERN_FPU, _f
        check_moved mfhc1, \n, PATTERN_FPU_HIGH, _f
        .endr
        .set    pop
        check_fcsr _f
        refill
        next_round loop_w
        failures _f, INTEGER_NUMBERS
        b       out_f
         nop
fail_f_fpu:
        move    $2, $3
out_f:  ctc1    $0, $31
        leave   pattern_fpu

/* void scramble_integer(uint32_t seed) */
        enter   scramble_integer
        fill_integer
        leave   scramble_integer

/* void scramble_fpu(uint32_t seed): the halves that FR = 0 does not see are not scrambled */
        enter   scramble_fpu
        andi    $8, $4, 3
        ctc1    $8, $31
        .set    push
        .set    fp=32
        .irp    n, EVEN
        fill_moved mtc1, \n, PATTERN_FPU
        fill_moved mthc1, \n, PATTERN_FPU_HIGH
        .endr
        .set    pop
        fill_integer
        leave   scramble_fpu

/* bool pattern_widen_fpu(void) */
        .globl  pattern_widen_fpu
        .type   pattern_widen_fpu, @function
        .ent    pattern_widen_fpu
pattern_widen_fpu:
        .cfi_startproc
        cfc1    $2, $0                  # FIR.F64; the access makes the FPU this thread's
        ext     $2, $2, 22, 1
        beqz    $2, 1f
         li     $8, 0x04000000
        di      $9
        or      $9, $9, $8
        mtc0    $9, $12
        ehb
1:      jr      $31
         nop
        .cfi_endproc
        .end    pattern_widen_fpu
        .size   pattern_widen_fpu, . - pattern_widen_fpu
