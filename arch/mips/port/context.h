/* SPDX-License-Identifier: MIT */
#ifndef PORT_CONTEXT_H
#define PORT_CONTEXT_H

#include <weft/config.h>

#include "arch/mips/frame.h"

#define ARCH_STACK_ALIGN 8 /* o32 */

#define ARCH_THREAD_FRAME_OFFSET THREAD_FRAME
#define ARCH_THREAD_FRAME_BYTES FRAME_BYTES

/* From kseg0 to kseg2: arch/mips/stack_map.c. */
#if WEFT_CONFIG_STACK_MAPPED
#define ARCH_STACK_ALIAS 0x40000000u
#endif

/* A parked context, what a preemption takes, and a few calls. */
#define ARCH_STACK_MINIMUM_BYTES 512

#endif
