/* SPDX-License-Identifier: MIT */
/*
 * Reset entry when a boot loader (YAMON, U-Boot, QEMU -kernel) has loaded the image into RAM: kseg0,
 * caches on. a0-a3 are the loader's: argument count, vector, environment, memory size.
 */
#include "arch/mips/asm.h"

        .set    noreorder
        .section .text.start, "ax", @progbits

FUNCTION(_start)
        .cfi_undefined $ra
        mfc0    $t0, CP0_STATUS
        li      $t1, ~(STATUS_IE | STATUS_EXL | STATUS_ERL | STATUS_BEV | STATUS_CU1 | 0xff00)
        and     $t0, $t0, $t1           # kernel mode, interrupts off and masked, vectors at EBase
        mtc0    $t0, CP0_STATUS
        mtc0    $zero, CP0_COMPARE      # quiet until the first tick is armed
        ehb
        la      $gp, _gp                # newlib reaches its small data through gp
        la      $sp, __system_stack_top - 32
        mfc0    $t0, CP0_CONFIG         # so far nothing that any MIPS32 does not have
        srl     $t0, $t0, CONFIG_AR_BIT
        andi    $t0, $t0, 7
        addiu   $t0, $t0, -CONFIG_AR_RELEASE_2
        la      $t3, mips_refused_cpu
        bnez    $t0, 2f
         nop
        la      $t0, __bss_end - 4      # does RAM reach as far as we do? Uncached: the line is not it
        lui     $t1, 0x2000
        or      $t0, $t0, $t1
        lw      $t1, 0($t0)
        li      $t2, 0x5aa5c33c
        sw      $t2, 0($t0)
        lw      $t4, 0($t0)
        sw      $t1, 0($t0)             # without RAM it may be another address's
        la      $t3, mips_refused_ram
        beq     $t2, $t4, 3f
         nop
2:      j       board_early_refuse      # (sentence, a1, a2), never returns
         move   $a0, $t3
3:
#if WEFT_CONFIG_CORES > 1
        la      $t0, cores
        mtc0    $t0, CP0_KSCRATCH1
#endif
        la      $t0, __bss_start
        la      $t1, __bss_end
1:      sw      $zero, 0($t0)           # .bss is 4-aligned at both ends (linker script)
        addiu   $t0, $t0, 4
        bltu    $t0, $t1, 1b
         nop
        jal     upcall_boot             # (a0, a1, a2, a3), never returns
         nop
        .globl  mips_early_refuse         # what the linker script takes when the board has nothing better
mips_early_refuse:
        wait
        b       mips_early_refuse
         nop
END(_start)

        .section .rodata.start, "a", @progbits
mips_refused_cpu:
        .asciz  "this CPU is no MIPS32 release 2 to 5, which this image was built for"
mips_refused_ram:
        .asciz  "there is too little RAM: the image ends behind its end"
        .previous

#if WEFT_CONFIG_CORES > 1
/*
 * Reset entry of the other cores, in kseg0 (the coherence manager is told so before one is let go).
 * Caches: QEMU has none; a board with real ones initialises them before it comes here.
 * mips_boot_core finds the core's number in EBase, core_self() by KScratch1 from then on.
 */
        .section .text.secondary, "ax", @progbits
        .balign 4096                    # what CO_RESET_BASE can express
FUNCTION(arch_secondary_start)
        .cfi_undefined $ra
        move    $t0, $zero
        mtc0    $t0, CP0_STATUS         # kernel mode, interrupts off and masked, vectors at EBase
        mtc0    $zero, CP0_COMPARE
        ehb
        la      $gp, _gp
        mfc0    $a0, CP0_EBASE
        ext     $a0, $a0, 0, 10         # CPUNum
        la      $sp, core_system_stacks
        li      $t0, WEFT_CONFIG_SYSTEM_STACK_BYTES
        addiu   $t1, $a0, 1
        mul     $t1, $t1, $t0
        addu    $sp, $sp, $t1
        addiu   $sp, $sp, -32
        jal     mips_boot_core          # (number), never returns
         nop
END(arch_secondary_start)
#endif
