/* SPDX-License-Identifier: MIT */
/*
 * Which allocations are recorded, and for how much each one stands.
 *
 * Bytes are chosen at distances that are exponentially distributed with the mean `period`, so a
 * block of s bytes is recorded with the probability p = 1 - exp(-s / period), whatever came before,
 * and stands for s / p bytes in 1 / p blocks (Horvitz and Thompson's estimator: its expectation is
 * the truth). Integers only: the hook may run in a handler, and on CPUs without an FPU.
 */
#ifndef PROF_HEAP_SAMPLING_H
#define PROF_HEAP_SAMPLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_SAMPLING_PERIOD_MAX ((size_t)1 << 30)

/* Numbers of blocks have 16 binary places. */
#define HEAP_SAMPLING_ONE ((uint64_t)1 << 16)

/* One core's. */
struct heap_sampling {
    uint32_t random; /* never 0 */
    uint64_t left;   /* bytes before the chosen one */
};

void heap_sampling_init(struct heap_sampling *sampling, uint32_t seed, size_t period);

/* An allocation of `bytes` (not 0) happens: is it recorded? Interrupts off. */
bool heap_sampling_wants_irqoff(struct heap_sampling *sampling, size_t bytes, size_t period);

/* How many bytes a recorded block of `bytes` stands for. Within 2^-20 of s / p. */
size_t heap_sampling_weight(size_t bytes, size_t period);

/* In how many blocks. */
uint64_t heap_sampling_blocks(size_t bytes, size_t weight);

/* -ln(number / 2^32), number not 0, in units of 2^-24. */
uint64_t heap_sampling_log(uint32_t number);

#endif
