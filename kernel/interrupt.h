/* SPDX-License-Identifier: MIT */
/* Software interrupts (weft/interrupt.h), for the trap's entry. */
#ifndef KERNEL_INTERRUPT_H
#define KERNEL_INTERRUPT_H

#include <weft/interrupt.h>

#include "arch/cpu.h"

struct interrupt_line {
    weft_interrupt_handler handler; /* never NULL */
    void *argument;
};

extern ARCH_NEAR_DATA struct interrupt_line interrupt_lines[WEFT_INTERRUPT_LINES];

#endif
