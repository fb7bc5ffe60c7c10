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
        la      $t0, __bss_start
        la      $t1, __bss_end
1:      sw      $zero, 0($t0)           # .bss is 4-aligned at both ends (linker script)
        addiu   $t0, $t0, 4
        bltu    $t0, $t1, 1b
         nop
        jal     upcall_boot             # (a0, a1, a2, a3), never returns
         nop
END(_start)
