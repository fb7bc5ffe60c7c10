/* SPDX-License-Identifier: MIT */
#ifndef PORT_CONTEXT_H
#define PORT_CONTEXT_H

#include "arch/amd64/port/trap.h"

#define ARCH_STACK_ALIGN 16

/* A parked context, what a preemption adds, and a few calls. */
#define ARCH_STACK_MINIMUM_BYTES (ARCH_PREEMPT_STACK_BYTES + 512)

#endif
