/* SPDX-License-Identifier: MIT */
/*
 * Arch contract: thread-local variables (__thread, _Thread_local, thread_local).
 *
 * The linker script gathers their initial values (linker/sections.ld.h: .tdata, .tbss). Each thread
 * has a block of them in its own memory, right below its control block, so that where it is follows
 * from the control block's address and nothing has to be remembered. Images without such variables
 * pay two instructions at a switch.
 */
#ifndef ARCH_TLS_H
#define ARCH_TLS_H

#include <stddef.h>
#include <stdint.h>

enum arch_tls {
    ARCH_TLS_NONE,       /* the image has no thread-local variables: nothing else need be called */
    ARCH_TLS_OF_THREADS, /* a variable's address is the thread's, wherever it runs */
    ARCH_TLS_OF_CORES,   /* it is the core's: code that has computed one must stay there */
};

/* What this core needs so that code finds the current thread's block. Boot, each core. */
enum arch_tls arch_tls_init(void);

/* How much memory arch_tls_make may take. Any context. */
size_t arch_tls_bytes(void);

/* Makes a block with the initial values below `top`, the control block's address; returns its lower
 * end, aligned to 16. */
uintptr_t arch_tls_make(uintptr_t top);

/* From now on the code of this core means `to`'s block; `from`'s was in force (0: no
 * thread's; so may the new one be). Both are what arch_tls_make was given as `top`. Interrupts are
 * off. */
void arch_tls_switch(uintptr_t from, uintptr_t to);

/* From the linker script: the initial values, their size, the whole block's size and its alignment
 * (the last three are numbers, taken by their addresses). */
extern const char __tls_image[], __tls_image_bytes[], __tls_block_bytes[], __tls_align[];

/* A number of the linker script's, which the compiler must not believe to be a valid address. */
static inline size_t tls_number(const char *symbol)
{
    __asm__("" : "+r"(symbol));
    return (size_t)(uintptr_t)symbol;
}

#endif
