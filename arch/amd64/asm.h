/* SPDX-License-Identifier: MIT */
/* Macros for the port's assembly. */
#ifndef ARCH_AMD64_ASM_H
#define ARCH_AMD64_ASM_H

#include <weft/config.h>

#include "arch/amd64/frame.h"

/* clang-format off */
#define FUNCTION(name)                                                                             \
        .globl  name;                                                                              \
        .type   name, @function;                                                                   \
name:   .cfi_startproc

#define END(name)                                                                                  \
        .cfi_endproc;                                                                              \
        .size   name, . - name

/* The running core's struct core, into register r`name`; clobbers nothing else, not even flags. */
        .macro  load_core name
#if WEFT_CONFIG_CORES == 1
        movl    $cores, %e\name
#else
        movq    %gs:GS_CORE, %r\name
#endif
        .endm

/* The CFA rules of what the CPU pushes, given the bytes below the interrupted context on the stack. */
        .macro  cfi_hardware bytes
        .cfi_signal_frame
        .cfi_def_cfa rsp, \bytes
        .cfi_offset rip, FRAME_RIP - FRAME_BYTES
        .cfi_offset rsp, FRAME_RSP - FRAME_BYTES
        .endm

        .macro  cfi_clobbered_saved
        .cfi_offset rax, FRAME_RAX - FRAME_BYTES
        .cfi_offset rcx, FRAME_RCX - FRAME_BYTES
        .cfi_offset rdx, FRAME_RDX - FRAME_BYTES
        .cfi_offset rsi, FRAME_RSI - FRAME_BYTES
        .cfi_offset rdi, FRAME_RDI - FRAME_BYTES
        .cfi_offset r8, FRAME_R8 - FRAME_BYTES
        .cfi_offset r9, FRAME_R9 - FRAME_BYTES
        .cfi_offset r10, FRAME_R10 - FRAME_BYTES
        .cfi_offset r11, FRAME_R11 - FRAME_BYTES
        .endm
/* clang-format on */

#endif
