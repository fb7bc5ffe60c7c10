/* SPDX-License-Identifier: MIT */
#include "prof/heap_sampling.h"

#include "kernel/divide.h"

#define FRACTION 24                   /* binary places */
#define ONE ((uint64_t)1 << FRACTION) /* 1 */
#define LN_2 ((uint64_t)11629080)     /* ln 2 */
#define LOG2_E ((uint64_t)6196328019) /* 1 / ln 2, with 32 binary places */

/* Xorshift with the shifts 13, 17, 5 (G. Marsaglia, Xorshift RNGs, 2003): 1 .. 2^32 - 1. */
static uint32_t random_next(uint32_t *state)
{
    uint32_t x = *state;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

/* The logarithm's binary places by repeated squaring: a square of 2 or more is a 1. */
uint64_t heap_sampling_log(uint32_t number)
{
    unsigned whole = 31 - (unsigned)__builtin_clz(number);
    uint64_t mantissa = (uint64_t)number << (31 - whole), places = 0; /* 1 <= m < 2, as 2^31 */

    for (unsigned i = 0; i < FRACTION; i++) {
        mantissa = mantissa * mantissa >> 31;
        places <<= 1;
        if (mantissa >> 32) {
            mantissa >>= 1;
            places |= 1;
        }
    }
    return ((32 - whole) * ONE - places) * LN_2 >> FRACTION;
}

static uint64_t distance(uint32_t *state, size_t period)
{
    return (uint64_t)period * heap_sampling_log(random_next(state)) >> FRACTION;
}

void heap_sampling_init(struct heap_sampling *sampling, uint32_t seed, size_t period)
{
    sampling->random = seed | 1;
    for (unsigned i = 0; i < 4; i++) /* seeds that differ little differ much by then */
        (void)random_next(&sampling->random);
    sampling->left = distance(&sampling->random, period);
}

/* The distribution has no memory: what is left behind the block is drawn anew. */
bool heap_sampling_wants_irqoff(struct heap_sampling *sampling, size_t bytes, size_t period)
{
    if (sampling->left >= bytes) {
        sampling->left -= bytes;
        return false;
    }
    sampling->left = distance(&sampling->random, period);
    return true;
}

/* exp(-x), x and the result in units of ONE: 2 to the whole part, and a factor 2^-2^-i for each
 * binary place of the rest. */
static uint64_t exp_minus(uint64_t x)
{
    static const uint32_t root[FRACTION] = {
        /* 2^32 * 2^-2^-i, i = 1 .. 24 */
        3037000500u, 3611622603u, 3938502376u, 4112874773u, 4202935003u, 4248701965u,
        4271771996u, 4283353945u, 4289156690u, 4292061010u, 4293513907u, 4294240540u,
        4294603903u, 4294785595u, 4294876445u, 4294921870u, 4294944583u, 4294955939u,
        4294961618u, 4294964457u, 4294965876u, 4294966586u, 4294966941u, 4294967119u,
    };
    uint64_t power = x * (LOG2_E >> 8) >> FRACTION, result = UINT32_MAX;

    for (unsigned i = 0; i < FRACTION; i++)
        if (power >> (FRACTION - 1 - i) & 1)
            result = result * root[i] >> 32;
    return result >> (power >> FRACTION) >> (32 - FRACTION);
}

/* s / p = period * x / (1 - exp(-x)), x = s / period. Up to 1 by the series 1 + x/2 + x^2/12 -
 * x^4/720 + x^6/30240 - x^8/1209600 (Bernoulli's numbers), which needs no difference of numbers
 * that are nearly equal. */
size_t heap_sampling_weight(size_t bytes, size_t period)
{
    uint64_t x, square, fourth, sixth, factor;

    if (period == 1 || bytes / 32 >= period) /* p = 1 but for e-14 */
        return bytes;
    x = divide_u64((uint64_t)bytes << FRACTION, period);
    if (x > ONE)
        return (size_t)divide_u64((uint64_t)bytes << FRACTION, ONE - exp_minus(x));
    square = x * x >> FRACTION;
    fourth = square * square >> FRACTION;
    sixth = fourth * square >> FRACTION;
    factor = ONE + x / 2 + square / 12 - fourth / 720 + sixth / 30240 -
             (fourth * fourth >> FRACTION) / 1209600;
    return (size_t)(((uint64_t)period * factor + ONE / 2) >> FRACTION);
}

uint64_t heap_sampling_blocks(size_t bytes, size_t weight)
{
    if (bytes == weight)
        return HEAP_SAMPLING_ONE;
    return divide_u64(weight * HEAP_SAMPLING_ONE + bytes / 2, bytes);
}
