/* SPDX-License-Identifier: MIT */
/*
 * The profile's counters against ticks that the image has counted itself.
 *
 * "stop N": starts and stops the profile N times. On one core a tick becomes pending each time
 * while start and stop have interrupts off. One more lands among 64-bit atomics. Nothing may be
 * lost or counted twice: ticks = recorded + lost_atomic64 + lost_full + lost_nolock + suppressed,
 * on each core.
 *
 * "share N" (mips): a thread spends about 30 % of its instructions in 64-bit atomics; after N ticks
 * prints how many were lost there and what share should have been.
 */
#include <string.h>
#include <weft/atomic.h>
#include <weft/weft.h>

#include "../firmware.h"
#include "arch/clock.h"
#include "arch/irq.h"
#include "kernel/core.h"
#include "prof/sampler.h"

#define PENDING_CYCLES 400 /* from arming to a deadline that has surely passed */
#define PARTNER_CORE 1

static uint32_t seen[WEFT_CONFIG_CORES]; /* ticks while the core's sampler ran */
static bool make_pending, done;
static uint32_t pending_at_change;
static uint64_t word __attribute__((aligned(8)));

void __real_upcall_sample(struct core *core, const struct arch_frame *frame, uint32_t due);
void __wrap_upcall_sample(struct core *core, const struct arch_frame *frame, uint32_t due);
uint64_t __real_tick_start_irqoff(uint32_t rate_hz);
uint64_t __wrap_tick_start_irqoff(uint32_t rate_hz);
void __real_tick_restore_irqoff(void);
void __wrap_tick_restore_irqoff(void);

void __wrap_upcall_sample(struct core *core, const struct arch_frame *frame, uint32_t due)
{
    if (samplers[core->id].running)
        seen[core->id] += due;
    __real_upcall_sample(core, frame, due);
}

static void tick_in_irqoff(uint32_t cycles)
{
    struct core *core = core_self();

    core->tick_deadline = arch_clock_now_irqoff() + cycles;
    arch_clock_arm_irqoff(core->tick_deadline);
}

/* Has the hardware a tick for us that it can't deliver? Where that can't be asked, it has. */
static bool tick_pends_irqoff(void)
{
#if defined(__mips__)
    uint32_t cause;

    __asm__ volatile("mfc0 %0, $13" : "=r"(cause));
    return (cause >> 30 & 1) != 0; /* TI */
#else
    return true;
#endif
}

/* In the middle of start or stop. */
static void pend_irqoff(void)
{
    uint64_t until;

    if (!make_pending)
        return;
    tick_in_irqoff(PENDING_CYCLES / 2);
    until = arch_clock_now_irqoff() + PENDING_CYCLES;
    while (arch_clock_now_irqoff() < until)
        ;
    pending_at_change += tick_pends_irqoff();
}

uint64_t __wrap_tick_start_irqoff(uint32_t rate_hz)
{
    pend_irqoff();
    seen[core_self()->id] = 0;
    return __real_tick_start_irqoff(rate_hz);
}

void __wrap_tick_restore_irqoff(void)
{
    pend_irqoff();
    __real_tick_restore_irqoff();
}

static void count_up(unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        (void)weft_atomic64_fetch_add(&word, 1);
}

static void *partner_main(void *argument)
{
    while (!__atomic_load_n(&done, __ATOMIC_RELAXED))
        count_up(100);
    return argument;
}

/* Some ticks, at other places each time: the first among the atomics. */
static void be_profiled(unsigned round)
{
    arch_irq_state state = arch_irq_save();

    tick_in_irqoff(PENDING_CYCLES + round % 199);
    arch_irq_restore(state);
    count_up(20 + round % 37);
}

static void totals_add_up(unsigned round, struct weft_profile_totals *sum)
{
    for (unsigned core = 0; core < WEFT_CONFIG_CORES; core++) {
        struct weft_profile_totals totals;

        sampler_totals(&samplers[core], &totals);
        if (totals.ticks != seen[core] ||
            totals.ticks != totals.recorded + totals.lost_atomic64 + totals.lost_full +
                                totals.lost_nolock + totals.suppressed) {
            printf("round %u, core %u: %u ticks came; ticks=%u recorded=%u lost_atomic64=%u "
                   "lost_full=%u lost_nolock=%u suppressed=%u\n",
                   round, core, (unsigned)seen[core], (unsigned)totals.ticks,
                   (unsigned)totals.recorded, (unsigned)totals.lost_atomic64,
                   (unsigned)totals.lost_full, (unsigned)totals.lost_nolock,
                   (unsigned)totals.suppressed);
            exit(1);
        }
        sum->ticks += totals.ticks;
        sum->recorded += totals.recorded;
        sum->lost_atomic64 += totals.lost_atomic64;
        sum->suppressed += totals.suppressed;
    }
}

static void start_and_stop(unsigned rounds)
{
    static const uint32_t rates_hz[] = {20000, 1000, 7919, 5000};
    struct weft_profile_totals sum = {0};

    make_pending = WEFT_CONFIG_CORES == 1;
    for (unsigned i = 0; i < rounds; i++) {
        CHECK(weft_profile_start(rates_hz[i % 4]) == 0);
        be_profiled(i);
        CHECK(weft_profile_stop() == 0);
        totals_add_up(i, &sum);
        count_up(i % 5); /* a tick that came too late is not counted any more */
        totals_add_up(i, &(struct weft_profile_totals){0});
    }
    printf("stopped %u times, %u ticks pending: ticks=%u recorded=%u lost_atomic64=%u "
           "suppressed=%u\n",
           rounds, (unsigned)pending_at_change, (unsigned)sum.ticks, (unsigned)sum.recorded,
           (unsigned)sum.lost_atomic64, (unsigned)sum.suppressed);
    CHECK(pending_at_change == (make_pending ? 2 * rounds : 0));
    CHECK(sum.recorded > 0 && sum.ticks >= rounds / 2);
    CHECK(sizeof(long) == 8 || sum.lost_atomic64 > 0);
}

#if defined(__mips__)
typedef uint64_t operation(volatile void *at, uint64_t operand, int order);

/* The operations' arguments and frame, without their instructions but two. */
operation two_instructions;
__asm__(".section .text.two_instructions, \"ax\"\n"
        ".globl two_instructions\n.type two_instructions, @function\n.ent two_instructions\n"
        ".set push\n.set noreorder\n"
        "two_instructions: jr $31\n nop\n"
        ".set pop\n.end two_instructions\n.previous");
operation __atomic_fetch_add_8, __atomic_fetch_sub_8, __atomic_fetch_and_8, __atomic_fetch_or_8,
    __atomic_fetch_xor_8, __atomic_fetch_nand_8, __atomic_exchange_8;

static operation *const real[] = {__atomic_fetch_add_8, __atomic_fetch_sub_8, __atomic_fetch_and_8,
                                  __atomic_fetch_or_8,  __atomic_fetch_xor_8, __atomic_fetch_nand_8,
                                  __atomic_exchange_8};
static operation *const empty[] = {two_instructions, two_instructions, two_instructions,
                                   two_instructions, two_instructions, two_instructions,
                                   two_instructions};
#define OPERATIONS (sizeof real / sizeof real[0])
#define CALIBRATE 5000

/* Every operation, again and again; and a pause of a random length that is longer than one such
 * round, so that ticks don't fall into step with them (multiplier: Knuth's MMIX). */
static __attribute__((noinline)) uint64_t some_calls(operation *const *table, unsigned rounds,
                                                     uint64_t random)
{
    for (unsigned i = 0; i < rounds; i++) {
        for (unsigned call = 0; call < OPERATIONS; call++)
            table[call](&word, random, __ATOMIC_SEQ_CST);
        if (i % 4 != 0)
            continue;
        random = random * 6364136223846793005u + 1442695040888963407u;
        for (unsigned pause = (unsigned)(random >> 57) + 40; pause != 0; pause--)
            __asm__ volatile("");
    }
    return random;
}

static uint32_t cycles_of(operation *const *table)
{
    arch_irq_state state = arch_irq_save();
    uint32_t begin = arch_clock_cycles();

    some_calls(table, CALIBRATE, 1);
    begin = arch_clock_cycles() - begin;
    arch_irq_restore(state);
    return begin;
}

static __attribute__((noinline)) uint32_t cycles_of_nops(void)
{
    arch_irq_state state = arch_irq_save();
    uint32_t begin = arch_clock_cycles();

    __asm__ volatile(".rept 6000\n\tnop\n\t.endr");
    begin = arch_clock_cycles() - begin;
    arch_irq_restore(state);
    return begin;
}

/* Clock units, times 6000 by those of 6,000 instructions: instructions. */
static void share(unsigned ticks)
{
    struct weft_profile_totals totals = {0};
    uint64_t with = cycles_of(real), without = cycles_of(empty), nops = cycles_of_nops();
    uint64_t inside = (with - without) * 6000 / nops + OPERATIONS * 2 * CALIBRATE;
    uint64_t all = with * 6000 / nops, random = 1;

    CHECK(weft_profile_start(20000) == 0);
    while (totals.ticks < ticks) {
        random = some_calls(real, 1000, random);
        weft_profile_totals(&totals);
    }
    CHECK(weft_profile_stop() == 0);
    weft_profile_totals(&totals);
    printf("instructions=%u inside=%u ticks=%u lost_atomic64=%u recorded=%u\n", (unsigned)all,
           (unsigned)inside, (unsigned)totals.ticks, (unsigned)totals.lost_atomic64,
           (unsigned)totals.recorded);
}
#else
static void share(unsigned ticks)
{
    (void)ticks;
}
#endif

int main(int argc, char **argv)
{
    const struct weft_thread_attr attr = {
        .name = "partner", .priority = WEFT_PRIORITY_DEFAULT, .cores = 1u << PARTNER_CORE};
    struct weft_thread *partner;

    CHECK(argc == 3);
    if (strcmp(argv[1], "share") == 0) {
        share((unsigned)atoi(argv[2]));
        return 0;
    }
    if (WEFT_CONFIG_CORES > 1)
        CHECK(weft_thread_spawn(&partner, &attr, partner_main, NULL) == 0);
    start_and_stop((unsigned)atoi(argv[2]));
    __atomic_store_n(&done, true, __ATOMIC_RELAXED);
    if (WEFT_CONFIG_CORES > 1)
        CHECK(weft_thread_join(partner, NULL) == 0);
    puts("every tick is accounted for");
    return 0;
}
