/* SPDX-License-Identifier: MIT */
#ifndef PORT_CONTEXT_H
#define PORT_CONTEXT_H

#include <weft/config.h>

#define ARCH_STACK_ALIGN 8 /* o32 */

/* From kseg0 to kseg2: arch/mips/stack_map.c. */
#if WEFT_CONFIG_STACK_MAPPED
#define ARCH_STACK_ALIAS 0x40000000u
#endif

/* A parked context, the moved frame of a preemption, and a few calls. */
#define ARCH_STACK_MINIMUM_BYTES 512

#endif
