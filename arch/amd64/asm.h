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
/* clang-format on */

#endif
