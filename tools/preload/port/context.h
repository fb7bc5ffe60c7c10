/* SPDX-License-Identifier: MIT */
#ifndef PORT_CONTEXT_H
#define PORT_CONTEXT_H

#define ARCH_STACK_ALIGN 16
#define ARCH_STACK_MINIMUM_BYTES 1024

#endif
