/* SPDX-License-Identifier: MIT */
/*
 * FPU state to and from a thread's area. Both register models: with FR = 0 there are 16 doubles in
 * even registers, with FR = 1 there are 32. Status.CU1 is on; interrupts are off.
 */
#include "arch/mips/asm.h"

        .set    noreorder
        .set    hardfloat
        .text

/* void mips_fpu_save(void *area) */
FUNCTION(mips_fpu_save)
        mfc0    $t0, CP0_STATUS
        .irp    n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
        sdc1    $f\n, \n * 8($a0)
        .endr
        li      $t1, STATUS_FR
        and     $t0, $t0, $t1
        beqz    $t0, 1f                 # FR = 0: the odd ones are halves of the even ones
         cfc1   $t1, $31
        .set    push
        .set    fp=64
        .irp    n, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
        sdc1    $f\n, \n * 8($a0)
        .endr
        .set    pop
1:      jr      $ra
         sw     $t1, 256($a0)           # FCSR
END(mips_fpu_save)

/* void mips_fpu_load(const void *area) */
FUNCTION(mips_fpu_load)
        mfc0    $t0, CP0_STATUS
        .irp    n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
        ldc1    $f\n, \n * 8($a0)
        .endr
        li      $t1, STATUS_FR
        and     $t0, $t0, $t1
        beqz    $t0, 1f
         lw     $t1, 256($a0)
        .set    push
        .set    fp=64
        .irp    n, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
        ldc1    $f\n, \n * 8($a0)
        .endr
        .set    pop
1:      jr      $ra
         ctc1   $t1, $31                # FCSR: rounding mode, flags, enables
END(mips_fpu_load)
