/* SPDX-License-Identifier: MIT */
/* Thread stacks: spans of their own kind, counted apart from the heap. For sched. */
#ifndef MEM_STACK_H
#define MEM_STACK_H

#include <stddef.h>

/* At least `bytes` bytes aligned to ARCH_STACK_ALIGN (and to 16); *usable_bytes is the real
 * size, which may be larger. NULL: no memory. Not painted. Context: thread or boot, no lock
 * held. */
void *stack_alloc(size_t bytes, size_t *usable_bytes);

/* Gives it back, with the size that stack_alloc reported. Nobody may be running on it. */
void stack_free(void *stack, size_t usable_bytes);

#endif
