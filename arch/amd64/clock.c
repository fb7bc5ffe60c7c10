/* SPDX-License-Identifier: MIT */
/*
 * Time is the time stamp counter; the interrupt comes from the local APIC's timer, in one of two
 * modes. Where the CPU has it, the timer compares with the counter itself (TSC deadline): a
 * deadline that has passed fires at once. Otherwise the timer counts down at a rate of its own,
 * which is measured against the counter here; its ticks are rounded up, so that it does not fire
 * just before the deadline. Source: Intel SDM volume 3, 10.5.4.
 *
 * The counter is the clock in both modes, so the mode is the CPU's only: neither the counter's
 * frequency nor whether it is constant says anything about it. Tested on a played CPU
 * (tests/unit/amd64_timer.c), since QEMU's TCG has one mode only.
 */
#include "arch/clock.h"

#include <weft/console.h>

#include "arch/amd64/amd64.h"
#include "arch/amd64/frame.h"
#include "arch/cpu.h"

#define TIMER_DEADLINE_MODE (2u << 17)
#define TIMER_DIVIDE_BY_1 0xbu
#define TIMER_DIVIDE_BY_16 0x3u
#define CALIBRATE_CYCLES (1u << 24)  /* 5 ms at 3 GHz */
#define FARTHEST_CYCLES (1ull << 30) /* an early interrupt arms again */
#define RATE_LIMIT (4ull << 32)      /* with it, the count for the farthest would not fit */
#define SAMPLE_TRIES 16

static bool deadline_mode;
static uint64_t ticks_per_2_32_cycles; /* the countdown's rate */

/* A point where the two counters were read together: the closest of several tries, since an
 * emulator or a system management interrupt may come in between. */
struct sample {
    uint64_t cycles;
    uint32_t ticks;
};

static struct sample sample_take(void)
{
    struct sample best = {0, 0};
    uint64_t narrowest = UINT64_MAX;

    for (unsigned i = 0; i < SAMPLE_TRIES; i++) {
        uint64_t before = arch_clock_now_irqoff();
        uint32_t ticks = lapic_read(LAPIC_TIMER_CURRENT);
        uint64_t after = arch_clock_now_irqoff();

        if (after - before < narrowest) {
            narrowest = after - before;
            best = (struct sample){before + narrowest / 2, ticks};
        }
    }
    return best;
}

static void calibrate(void)
{
    struct sample start, end;

    lapic_write(LAPIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
    lapic_write(LAPIC_TIMER_INITIAL, UINT32_MAX);
    start = sample_take();
    while (arch_clock_now_irqoff() - start.cycles < CALIBRATE_CYCLES)
        arch_cpu_relax();
    end = sample_take();
    lapic_write(LAPIC_TIMER_INITIAL, 0);
    ticks_per_2_32_cycles = (uint64_t)(((unsigned __int128)(start.ticks - end.ticks) << 32) /
                                       (end.cycles - start.cycles));
    if (ticks_per_2_32_cycles == 0)
        weft_panic("the local APIC's timer does not count: there is no usable timer");
    if (ticks_per_2_32_cycles >= RATE_LIMIT) { /* a slow counter; up to 64 times are fine then */
        lapic_write(LAPIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_16);
        ticks_per_2_32_cycles /= 16;
    }
}

void arch_clock_init(void)
{
    deadline_mode = (amd64_cpuid(1, 0).c & CPUID_1C_TSC_DEADLINE) != 0;
    if (deadline_mode) {
        lapic_write(LAPIC_LVT_TIMER, TIMER_DEADLINE_MODE | VECTOR_TIMER);
        /* The mode is written to memory, the deadline to a register: nothing else orders the two.
         */
        __asm__ volatile("mfence\n\tlfence" ::: "memory");
        return;
    }
    calibrate();
    lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER); /* one shot */
}

/* All cores' time stamp counters start together at reset and stay so where they are invariant. */
void arch_clock_advance_irqoff(uint64_t cycles)
{
    (void)cycles;
}

void arch_clock_arm_irqoff(uint64_t deadline)
{
    uint64_t now, left;

    if (deadline_mode) {
        amd64_wrmsr(MSR_TSC_DEADLINE, deadline != 0 ? deadline : 1); /* 0 would disarm */
        return;
    }
    now = arch_clock_now_irqoff();
    left = deadline > now ? deadline - now : 0;
    if (left > FARTHEST_CYCLES)
        left = FARTHEST_CYCLES;
    lapic_write(LAPIC_TIMER_INITIAL, (uint32_t)(left * ticks_per_2_32_cycles >> 32) + 1);
}
