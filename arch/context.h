/* SPDX-License-Identifier: MIT */
/*
 * Arch contract: contexts. A parked thread is one word, its stack pointer; its registers lie on its
 * own stack. A voluntary switch is a plain call: the compiler has already saved what a call may
 * clobber, so only callee-saved registers move.
 */
#ifndef ARCH_CONTEXT_H
#define ARCH_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

/* Builds, below `stack_top`, a parked context that will call entry(argument), and returns its stack
 * pointer. `entry` must not return. The first frame ends call chains (undefined return address). */
void *arch_context_init(void *stack_top, void (*entry)(void *argument), void *argument);

/* Parks the caller in *save_sp and resumes next_sp. Interrupts are off across the switch. */
void arch_switch(void **save_sp, void *next_sp);

/* The instructions during which the stack pointer and the current thread may disagree. */
extern const char arch_switch_begin[], arch_switch_end[];

/* ARCH_STACK_ALIGN: alignment of a stack's top, in bytes.
 * ARCH_STACK_MINIMUM_BYTES: what a thread that does nothing needs, an interrupt's frame included.
 */
#include "port/context.h"

/* How far above its memory a guarded stack is used, in bytes: for ports that reach memory without
 * pages, but have some addresses with. */
#ifndef ARCH_STACK_ALIAS
#define ARCH_STACK_ALIAS 0
#endif

/* A port may have interrupts save a thread's registers in its control block,
 * ARCH_THREAD_FRAME_OFFSET bytes from its start: nothing moves when the thread is preempted. 0:
 * frames are elsewhere. */
#ifndef ARCH_THREAD_FRAME_BYTES
#define ARCH_THREAD_FRAME_BYTES 0
#endif

/* [lo, hi) becomes the stack of a context, which arch_context_init will build at `hi`; stops being
 * one. For ports whose tools want to know (sanitizers, valgrind): they define ARCH_STACK_IS_TOLD
 * and the two. Context: thread, boot. */
#ifdef ARCH_STACK_IS_TOLD
static inline void arch_stack_open(uintptr_t lo, uintptr_t hi);
static inline void arch_stack_close(uintptr_t lo, uintptr_t hi);
#else
static inline void arch_stack_open(uintptr_t lo, uintptr_t hi)
{
    (void)lo;
    (void)hi;
}

static inline void arch_stack_close(uintptr_t lo, uintptr_t hi)
{
    (void)lo;
    (void)hi;
}
#endif

#endif
