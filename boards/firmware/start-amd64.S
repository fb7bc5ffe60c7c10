/* SPDX-License-Identifier: MIT */
/* amd64: from the firmware's C code to weft's. The firmware's interrupt table needs no jumps: weft fills gates in. */
#include "arch/amd64/asm.h"

/* clang-format off */
/* _Noreturn void weft_start(const struct weft_firmware *firmware), in 64-bit mode */
        .section .text.weft_start, "ax", @progbits
FUNCTION(weft_start)
        .cfi_undefined rip
        cli
        cld
        movl    $core_system_stacks + WEFT_CONFIG_SYSTEM_STACK_BYTES, %esp
        xorl    %ebp, %ebp
        movb    $1, lapic_lines_kept    # LINT0 and LINT1 are the firmware's
        callq   upcall_boot             # (firmware, ...), never returns
        ud2
END(weft_start)
/* clang-format on */

        .section .note.GNU-stack, "", @progbits
