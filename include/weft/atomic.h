/* SPDX-License-Identifier: MIT */
/*
 * 64-bit atomics on every CPU; C11's _Atomic uint64_t is the same. Sequentially consistent.
 * `word` is aligned to 8 bytes. Context of all: any, interrupt handlers included; none blocks.
 */
#ifndef WEFT_ATOMIC_H
#define WEFT_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline uint64_t weft_atomic64_load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static inline void weft_atomic64_store(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

/* Returns what was there before, as do the fetch operations. */
static inline uint64_t weft_atomic64_exchange(uint64_t *word, uint64_t value)
{
    return __atomic_exchange_n(word, value, __ATOMIC_SEQ_CST);
}

/* Stores `desired` and returns true if *word is *expected; otherwise *expected becomes *word. */
static inline bool weft_atomic64_compare_exchange(uint64_t *word, uint64_t *expected,
                                                  uint64_t desired)
{
    return __atomic_compare_exchange_n(word, expected, desired, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static inline uint64_t weft_atomic64_fetch_add(uint64_t *word, uint64_t value)
{
    return __atomic_fetch_add(word, value, __ATOMIC_SEQ_CST);
}

static inline uint64_t weft_atomic64_fetch_sub(uint64_t *word, uint64_t value)
{
    return __atomic_fetch_sub(word, value, __ATOMIC_SEQ_CST);
}

static inline uint64_t weft_atomic64_fetch_and(uint64_t *word, uint64_t value)
{
    return __atomic_fetch_and(word, value, __ATOMIC_SEQ_CST);
}

static inline uint64_t weft_atomic64_fetch_or(uint64_t *word, uint64_t value)
{
    return __atomic_fetch_or(word, value, __ATOMIC_SEQ_CST);
}

static inline uint64_t weft_atomic64_fetch_xor(uint64_t *word, uint64_t value)
{
    return __atomic_fetch_xor(word, value, __ATOMIC_SEQ_CST);
}

/* The word becomes ~(word & value). */
static inline uint64_t weft_atomic64_fetch_nand(uint64_t *word, uint64_t value)
{
    return __atomic_fetch_nand(word, value, __ATOMIC_SEQ_CST);
}

#ifdef __cplusplus
}
#endif

#endif
