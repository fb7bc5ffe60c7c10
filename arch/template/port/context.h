/* SPDX-License-Identifier: MIT */
#ifndef PORT_CONTEXT_H
#define PORT_CONTEXT_H

#define ARCH_STACK_ALIGN 16          /* what the ABI asks of a stack's top */
#define ARCH_STACK_MINIMUM_BYTES 512 /* a parked context, a moved frame, a few calls */

#endif
