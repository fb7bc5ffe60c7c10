/* SPDX-License-Identifier: MIT */
/*
 * The worst single malloc and free of the deterministic mode, in a heap that is kept fragmented:
 * blocks of every size live and die at random, then all small ones come and go at once. Needs
 * -icount shift=0, under which a nanosecond is an instruction.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <weft/heap.h>
#include <weft/thread.h>
#include <weft/time.h>

#include "../firmware.h"

#define SLOTS 1200
#define STEPS 6000
#define LOG2_MOST 17 /* blocks of up to 256 KiB */

static void *slot[SLOTS];
static uint32_t random_state = 2463534242u;
static uint64_t worst_alloc, worst_free, overhead = UINT64_MAX;
static size_t worst_bytes;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    return random_state ^= random_state << 5;
}

/* Keeps ticks out of a single call's measurement. */
static uint32_t ticks_off(void)
{
    uint32_t state = 0;

#ifdef __mips__
    __asm__ volatile("di %0\n\tehb" : "=r"(state) : : "memory");
#elif !defined(__linux__)
    __asm__ volatile("cli" : : : "memory");
#endif
    return state;
}

static void ticks_back(uint32_t state)
{
#ifdef __mips__
    __asm__ volatile("mtc0 %0, $12\n\tehb" : : "r"(state) : "memory");
#elif !defined(__linux__)
    __asm__ volatile("sti" : : : "memory");
#endif
    (void)state;
}

static void *allocate(size_t bytes)
{
    uint32_t state = ticks_off();
    uint64_t start = weft_time_ns(), took;
    void *block = malloc(bytes);

    took = weft_time_ns() - start;
    ticks_back(state);
    CHECK(block != NULL);
    if (took > worst_alloc) {
        worst_alloc = took;
        worst_bytes = bytes;
    }
    return block;
}

static void release(void *block)
{
    uint32_t state = ticks_off();
    uint64_t start = weft_time_ns(), took;

    free(block);
    took = weft_time_ns() - start;
    ticks_back(state);
    worst_free = took > worst_free ? took : worst_free;
}

static void clock_measure(void)
{
    for (unsigned i = 0; i < 100; i++) {
        uint32_t state = ticks_off();
        uint64_t start = weft_time_ns(), took = weft_time_ns() - start;

        ticks_back(state);
        overhead = took < overhead ? took : overhead;
    }
}

/* Every octave as often as the next. */
static size_t any_size(unsigned log2_most)
{
    size_t octave = (size_t)8 << next_random() % (log2_most - 2);

    return octave + next_random() % octave;
}

static void live_and_die(unsigned steps, unsigned log2_most)
{
    for (unsigned i = 0; i < steps; i++) {
        void **one = &slot[next_random() % SLOTS];

        if (*one)
            release(*one);
        *one = *one ? NULL : allocate(any_size(log2_most));
    }
}

/* All of one size, then back in an order of their own: spans come and go. */
static void come_and_go(size_t bytes)
{
    static void *block[600];

    for (unsigned i = 0; i < 600; i++)
        block[i] = allocate(bytes);
    for (unsigned i = 0; i < 600; i++)
        release(block[i * 7 % 600]);
}

int main(void)
{
    clock_measure();
    weft_preempt_disable();
    live_and_die(STEPS, LOG2_MOST);
    for (size_t bytes = 8; bytes < 3000; bytes += bytes / 2)
        come_and_go(bytes);
    live_and_die(STEPS, 12);
    for (unsigned i = 0; i < SLOTS; i++)
        if (slot[i])
            release(slot[i]);
    weft_preempt_enable();
    CHECK(weft_heap_check() == 0);
    printf("worst call: malloc %u (%zu bytes), free %u\n", (unsigned)(worst_alloc - overhead),
           worst_bytes, (unsigned)(worst_free - overhead));
    return 0;
}
