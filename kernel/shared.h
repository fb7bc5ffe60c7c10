/* SPDX-License-Identifier: MIT */
/*
 * Words, at most as wide as a pointer, that one core or the holder of a lock writes, and that
 * others look at without it: they want the value before or after, in one piece, and each time anew.
 * With several cores that takes relaxed atomics. With one there are only interrupts, and the
 * accesses stay plain, so that the compiler may join them with their neighbours.
 */
#ifndef KERNEL_SHARED_H
#define KERNEL_SHARED_H

#include <weft/config.h>

#define SHARED_LOAD(word)                                                                          \
    (WEFT_CONFIG_CORES == 1 ? (word) : __atomic_load_n(&(word), __ATOMIC_RELAXED))

#define SHARED_STORE(word, value)                                                                  \
    do {                                                                                           \
        _Static_assert(sizeof(word) <= sizeof(void *), "wider than one access");                   \
        if (WEFT_CONFIG_CORES == 1)                                                                \
            (word) = (value);                                                                      \
        else                                                                                       \
            __atomic_store_n(&(word), (value), __ATOMIC_RELAXED);                                  \
    } while (0)

#endif
