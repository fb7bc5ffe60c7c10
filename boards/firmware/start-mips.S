/* SPDX-License-Identifier: MIT */
/* MIPS: from the firmware's C code to weft's, and from the firmware's vectors to weft's. */
#include "arch/mips/asm.h"

        .set    noreorder

/* _Noreturn void weft_start(const struct weft_firmware *firmware) */
        .section .text.weft_start, "ax", @progbits
FUNCTION(weft_start)
        .cfi_undefined $ra
        mfc0    $t0, CP0_STATUS
        li      $t1, ~(STATUS_IE | STATUS_EXL | STATUS_ERL | STATUS_BEV | STATUS_CU1 | STATUS_IM7)
        and     $t0, $t0, $t1           # kernel mode, interrupts off; the firmware's lines stay unmasked
        mtc0    $t0, CP0_STATUS
        mtc0    $zero, CP0_COMPARE      # quiet until the first tick is armed
        ehb
        la      $gp, _gp
        la      $sp, core_system_stacks + WEFT_CONFIG_SYSTEM_STACK_BYTES - 32
        jal     upcall_boot             # (firmware, ...), never returns
         nop
END(weft_start)

/* void firmware_vectors_restore(void *vectors) */
        .section .text.firmware_vectors_restore, "ax", @progbits
FUNCTION(firmware_vectors_restore)
        mtc0    $a0, CP0_EBASE
        jr      $ra
         ehb
END(firmware_vectors_restore)

/* Entered by a jump, with the interrupted context in every register but k0 and k1. */
        .macro  vector name
        .section .text.weft_vector_\name, "ax", @progbits
FUNCTION(weft_vector_\name)
        .cfi_undefined $ra
        j       arch_vector_\name
         nop
END(weft_vector_\name)
        .endm

        vector  tlb_refill
        vector  cache_error
        vector  exception
        vector  interrupt
