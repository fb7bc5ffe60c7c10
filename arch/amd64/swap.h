/* SPDX-License-Identifier: MIT */
/* Compare and exchange against this core's own interrupts: one instruction is that without a lock
 * prefix, at a third of the time. Race detectors know the compiler's only. */
#ifndef ARCH_AMD64_SWAP_H
#define ARCH_AMD64_SWAP_H

#include <stdbool.h>
#include <stdint.h>

#ifndef __SANITIZE_THREAD__
#define ARCH_SWAP_32
#define ARCH_SWAP_WORD

static inline bool arch_swap_32(uint32_t *word, uint32_t expected, uint32_t desired)
{
    bool swapped;

    __asm__ volatile("cmpxchgl %[desired], %[word]"
                     : "=@ccz"(swapped), [word] "+m"(*word), "+a"(expected)
                     : [desired] "r"(desired)
                     : "memory");
    return swapped;
}

static inline bool arch_swap_word(uintptr_t *word, uintptr_t expected, uintptr_t desired)
{
    bool swapped;

    __asm__ volatile("cmpxchgq %[desired], %[word]"
                     : "=@ccz"(swapped), [word] "+m"(*word), "+a"(expected)
                     : [desired] "r"(desired)
                     : "memory");
    return swapped;
}
#endif

#endif
