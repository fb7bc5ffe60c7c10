/* SPDX-License-Identifier: MIT */
/*
 * An interrupt between any two instructions of malloc's and free's fast paths, by the CPU's
 * single-step trap: the n-th step of an attempt is taken for an interrupt. What a way into an
 * interrupt does to the interrupted sequence is done to its frame, and what it finds is a handler
 * that allocates and frees, and mostly keeps its block to a later attempt. n rises until an attempt
 * ends before it.
 */
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"
#include "arch/amd64/frame.h"
#include "arch/atomic64.h"
#include "kernel/core.h"

#define RFLAGS_TRAP 0x100u
#define ROUNDS 24
#define CODE_BYTES 1024

/* Single-stepping starts behind single_step's return, and ends in normal_step. */
void single_step(void);
void normal_step(void);
__asm__(".text\n"
        "single_step:\n\tpushfq\n\torl $0x100, (%rsp)\n\tpopfq\n\tret\n"
        "normal_step:\n\tpushfq\n\tandl $~0x100, (%rsp)\n\tpopfq\n\tret\n");

static uint8_t hits_malloc[CODE_BYTES], hits_free[CODE_BYTES];
static volatile unsigned steps_left, steps, interrupts, restarts, handler_blocks;
static void *volatile thread_block;

static void note(uint8_t *hits, uintptr_t pc, const void *function)
{
    if (pc - (uintptr_t)function < CODE_BYTES)
        hits[pc - (uintptr_t)function] = 1;
}

static uint8_t *handler_alloc(void)
{
    uint8_t *block = malloc(32);

    if (block == NULL)
        weft_panic("the handler found no block in the cache");
    handler_blocks++;
    if (block == thread_block)
        weft_panic("the handler got the thread's block %p", (void *)block);
    memset(block, 0xee, 32);
    return block;
}

/* Leaves the cache as it was, or with an object less, or more. */
static void handler(void)
{
    static uint8_t *kept;

    if (interrupts++ % 3 == 0) {
        free(handler_alloc());
    } else if (kept == NULL) {
        kept = handler_alloc();
    } else {
        for (unsigned i = 0; i < 32; i++)
            if (kept[i] != 0xee)
                weft_panic("the handler's block %p is the thread's, too", (void *)kept);
        free(kept);
        kept = NULL;
    }
}

static bool on_step(struct weft_trap *trap, enum weft_trap_cause cause, void *argument)
{
    struct arch_frame *frame = core_self()->frame;
    uintptr_t pc = weft_trap_pc(trap);

    (void)cause;
    (void)argument;
    steps++;
    if (--steps_left != 0)
        return true;
    frame->rflags &= ~(uint64_t)RFLAGS_TRAP;
    note(hits_malloc, pc, (void *)malloc);
    note(hits_free, pc, (void *)free);
    arch_atomic64_settle_irqoff(frame);
    restarts += weft_trap_pc(trap) != pc;
    handler();
    return true;
}

/* False: it ended before the step. */
static bool attempt(unsigned step)
{
    uint8_t *block;

    thread_block = NULL;
    steps_left = step;
    single_step();
    block = malloc(32);
    thread_block = block;
    block[0] = 0x11;
    block[31] = 0x22;
    __asm__ volatile("" ::: "memory");
    if (block[0] != 0x11 || block[31] != 0x22)
        weft_panic("somebody wrote to the thread's block %p", (void *)block);
    thread_block = NULL;
    free(block);
    normal_step();
    return steps_left == 0;
}

static unsigned distinct(const uint8_t *hits, long bytes)
{
    unsigned count = 0;

    for (long i = 0; i < bytes; i++)
        count += hits[i] != 0;
    return count;
}

/* The usual paths need objects in the cache, and room: a step with interrupts off is no step. */
static void cache_warm(void)
{
    void *block[6];

    for (unsigned i = 0; i < 6; i++)
        CHECK((block[i] = malloc(32)) != NULL);
    for (unsigned i = 0; i < 6; i++)
        free(block[i]);
}

int main(int argc, char **argv)
{
    long malloc_bytes, free_bytes;

    CHECK(argc == 3);
    malloc_bytes = atoi(argv[1]);
    free_bytes = atoi(argv[2]);
    CHECK(malloc_bytes <= CODE_BYTES && free_bytes <= CODE_BYTES);
    cache_warm();
    CHECK(weft_trap_handle(WEFT_TRAP_BREAKPOINT, on_step, NULL) == 0);
    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned step = 1; attempt(step); step++)
            ;
    CHECK(weft_trap_handle(WEFT_TRAP_BREAKPOINT, NULL, NULL) == 0);
    printf(
        "malloc: %u instructions interrupted, free: %u, of %u steps; %u blocks for the handler\n",
        distinct(hits_malloc, malloc_bytes), distinct(hits_free, free_bytes), steps,
        handler_blocks);
    printf("%u sequences started again\n", restarts);
    CHECK(weft_heap_check() == 0);
    puts("every instruction of the heap");
    return 0;
}
