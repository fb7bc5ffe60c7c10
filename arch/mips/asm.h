/* SPDX-License-Identifier: MIT */
/* Macros for the port's assembly. */
#ifndef ARCH_MIPS_ASM_H
#define ARCH_MIPS_ASM_H

#include <weft/config.h>

#include "arch/mips/frame.h"

/* clang-format off */
#define FUNCTION(name)                                                                             \
        .globl  name;                                                                              \
        .type   name, @function;                                                                   \
        .ent    name;                                                                              \
name:   .cfi_startproc

#define END(name)                                                                                  \
        .cfi_endproc;                                                                              \
        .end    name;                                                                              \
        .size   name, . - name

/* The running core's struct core, into `register`; clobbers nothing else. */
        .macro  load_core register
#if WEFT_CONFIG_CORES == 1
        lui     \register, %hi(cores)
        addiu   \register, \register, %lo(cores)
#else
        mfc0    \register, CP0_KSCRATCH1
#endif
        .endm
/* clang-format on */

#endif
