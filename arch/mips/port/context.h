/* SPDX-License-Identifier: MIT */
#ifndef PORT_CONTEXT_H
#define PORT_CONTEXT_H

#define ARCH_STACK_ALIGN 8 /* o32 */

/* A parked context, the moved frame of a preemption, and a few calls. */
#define ARCH_STACK_MINIMUM_BYTES 512

#endif
