/* SPDX-License-Identifier: MIT */
/*
 * An interrupt at every instruction of malloc's and free's fast paths, and of the counters' update.
 *
 * Again and again: a tick is armed a few counts ahead, a few nops shift the phase, and the thread
 * allocates and frees a block of 32 bytes; in another sweep a large block, which changes counters.
 * upcall_timer and what settles a restartable sequence are wrapped (link-flags) and count where the
 * tick found the program. The handler itself allocates, frees, mostly at another tick, and reads
 * the counters: its block is not the thread's, each counter is one from before or after the
 * thread's operation, and the identities hold. The instructions that must have been hit are those
 * that a run without ticks executes: they are found by the sweep itself, which goes on until no new
 * one comes for a whole round. In the full tier it looks at every block as well.
 */
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"
#include "arch/clock.h"
#include "arch/mips/frame.h"
#include "arch/trap.h"
#include "kernel/core.h"
#include "kernel/tick.h"
#include "mem/guard.h"

#define PHASES 8
#define AHEAD_FIRST 30
#define AHEAD_COUNT (WEFT_CONFIG_HEAP_FULL ? 500 : 300)
#define AHEAD_COUNT_LARGE 3000 /* a page run: some thousand instructions */
#define FAR 100000000u
#define CODE_WORDS 512
#define LARGE_BYTES 20000

bool __real_upcall_timer(struct arch_frame *frame);
bool __wrap_upcall_timer(struct arch_frame *frame);
void __real_atomic64_settle_irqoff(struct arch_frame *frame);
void __wrap_atomic64_settle_irqoff(struct arch_frame *frame);
void __real_upcall_sched_slice(struct core *core);
void __wrap_upcall_sched_slice(struct core *core);

static uint32_t hits_malloc[CODE_WORDS], hits_free[CODE_WORDS];
static volatile uint32_t ticks, handler_blocks, restarts;
static volatile bool armed;
static void *volatile thread_block;
static struct weft_mstats before, after; /* the thread's large operation */
static volatile bool counters_known;

static uint32_t malloc_words, free_words; /* arguments: the host knows the functions' sizes */

static void note(uint32_t *hits, uintptr_t pc, const void *function, uint32_t words)
{
    uintptr_t at = (pc - (uintptr_t)function) / 4;

    if (at < words)
        hits[at]++;
}

static void note_both(uintptr_t pc)
{
    if (armed) {
        note(hits_malloc, pc, (void *)malloc, malloc_words);
        note(hits_free, pc, (void *)free, free_words);
    }
}

bool __wrap_upcall_timer(struct arch_frame *frame)
{
    note_both(arch_frame_pc(frame));
    return __real_upcall_timer(frame);
}

/* Inside a restartable sequence the frame still says where, here. */
void __wrap_atomic64_settle_irqoff(struct arch_frame *frame)
{
    uintptr_t pc = arch_frame_pc(frame);

    note_both(pc);
    __real_atomic64_settle_irqoff(frame);
    restarts += armed && arch_frame_pc(frame) != pc;
}

static bool is_either(size_t now, size_t one, size_t other)
{
    return now == one || now == other;
}

static void look_at_counters(void)
{
    struct weft_mstats now;

    weft_heap_stats(&now);
    if (now.sys_pages != now.inuse_pages + now.idle_pages + now.stack_pages + now.meta_pages)
        weft_panic("a tick saw half an update");
    if (counters_known && (!is_either(now.inuse_pages, before.inuse_pages, after.inuse_pages) ||
                           !is_either(now.idle_pages, before.idle_pages, after.idle_pages)))
        weft_panic("a tick saw a counter that never was: inuse %zu, idle %zu", now.inuse_pages,
                   now.idle_pages);
}

/* In the full tier a handler never sees a block without its record, or half freed. */
static void look_at_blocks(void)
{
    if (WEFT_CONFIG_HEAP_FULL && ticks % 8 == 0 && guard_check() != 0)
        weft_panic("a tick saw a block whose record is not whole");
}

static uint8_t *handler_alloc(void)
{
    uint8_t *block = malloc(32);

    if (block == NULL)
        return NULL;
    handler_blocks++;
    if (block == thread_block)
        weft_panic("the handler got the thread's block %p", (void *)block);
    memset(block, 0xee, 32);
    return block;
}

/* Leaves the cache as it was. */
static void handler_takes_and_gives(void)
{
    free(handler_alloc());
}

/* Leaves it with an object less, or more: whoever was interrupted finds another one there. */
static void handler_takes_or_gives(void)
{
    static uint8_t *kept;

    if (kept == NULL) {
        kept = handler_alloc();
        return;
    }
    for (unsigned i = 0; i < 32; i++)
        if (kept[i] != 0xee)
            weft_panic("the handler's block %p is the thread's, too", (void *)kept);
    free(kept);
    kept = NULL;
}

void __wrap_upcall_sched_slice(struct core *core)
{
    core->tick_period = FAR;
    if (armed) {
        ticks++;
        look_at_blocks();
        if (ticks % 3 == 0)
            handler_takes_and_gives();
        else
            handler_takes_or_gives();
        look_at_counters();
    }
    __real_upcall_sched_slice(core);
}

static void tick_in(uint32_t ahead)
{
    arch_irq_state state = arch_irq_save();
    struct core *core = core_self();

    core->tick_deadline = arch_clock_now_irqoff() + ahead;
    arch_clock_arm_irqoff(core->tick_deadline);
    arch_irq_restore(state);
}

static void attempt(size_t bytes, uint32_t ahead, unsigned phase)
{
    uint8_t *block;

    thread_block = NULL;
    armed = true;
    tick_in(ahead);
    for (unsigned i = 0; i < phase; i++)
        __asm__ volatile("nop");
    block = malloc(bytes);
    thread_block = block;
    CHECK(block != NULL);
    block[0] = 0x11;
    block[31] = 0x22;
    __asm__ volatile("" ::: "memory");
    CHECK(block[0] == 0x11 && block[31] == 0x22);
    thread_block = NULL;
    free(block);
    armed = false;
    tick_in(FAR);
}

static unsigned distinct(const uint32_t *hits)
{
    unsigned count = 0;

    for (unsigned i = 0; i < CODE_WORDS; i++)
        count += hits[i] != 0;
    return count;
}

static void sweep(size_t bytes, uint32_t counts)
{
    for (uint32_t ahead = 0; ahead < counts; ahead++)
        for (unsigned phase = 0; phase < PHASES; phase++)
            attempt(bytes, AHEAD_FIRST + ahead, phase);
}

/* The counters that a large block changes, before and after. */
static void counters_learn(void)
{
    void *block;

    free(malloc(LARGE_BYTES));
    weft_heap_stats(&before);
    block = malloc(LARGE_BYTES);
    weft_heap_stats(&after);
    free(block);
    CHECK(after.inuse_pages > before.inuse_pages);
    counters_known = !WEFT_CONFIG_HEAP_FULL; /* there the block is in quarantine */
}

int main(int argc, char **argv)
{
    unsigned known, rounds = 0;

    CHECK(argc == 3);
    malloc_words = (uint32_t)atoi(argv[1]) / 4;
    free_words = (uint32_t)atoi(argv[2]) / 4;
    CHECK(malloc_words <= CODE_WORDS && free_words <= CODE_WORDS);
    free(malloc(32));
    tick_in(FAR);
    do {
        known = distinct(hits_malloc) + distinct(hits_free);
        sweep(32, AHEAD_COUNT);
        rounds++;
    } while (distinct(hits_malloc) + distinct(hits_free) > known || rounds < 3);
    printf("malloc: %u instructions interrupted, free: %u, in %u rounds; %u ticks, %u blocks for "
           "the handler\n",
           distinct(hits_malloc), distinct(hits_free), rounds, (unsigned)ticks,
           (unsigned)handler_blocks);
    printf("%u sequences started again\n", (unsigned)restarts);
    counters_learn();
    sweep(LARGE_BYTES, WEFT_CONFIG_HEAP_FULL ? AHEAD_COUNT : AHEAD_COUNT_LARGE);
    printf("ticks in all: %u\n", (unsigned)ticks);
    CHECK(weft_heap_check() == 0);
    puts("every instruction of the heap");
    return 0;
}
