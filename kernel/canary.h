/* SPDX-License-Identifier: MIT */
/* The stack protector's word (kernel/canary.c). */
#ifndef KERNEL_CANARY_H
#define KERNEL_CANARY_H

#include <stdint.h>

/* gcc's name for it. */
extern uintptr_t __stack_chk_guard;

/* Chooses the word. Boot, after board_init, called by a function that never returns. */
void canary_init(void);

#endif
