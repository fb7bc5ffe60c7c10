/* SPDX-License-Identifier: MIT */
/*
 * Count and Compare. Two traps for the unwary (MIPS32 PRA, Compare): the interrupt is raised when
 * the two are equal, so a Compare written a moment too late fires a whole wrap later; and Count
 * wraps, in half a minute on a fast part. So arming re-reads Count, and never reaches further than
 * a quarter of a wrap: the timer interrupt that comes early finds that its deadline has not passed
 * and arms again, and each half wrap is counted, even if interrupts are off for a quarter.
 */
#include "arch/clock.h"
#include "arch/mips/frame.h"

#define FARTHEST_CYCLES 0x3fffffffu
#define NEAREST_CYCLES 16u /* about what it takes to write Compare and look at Count again */

void arch_clock_init(void)
{
    uint32_t status;

    core_self()->clock_halves = arch_clock_cycles() >> 31;
    __asm__ volatile("mfc0 %0, $12\n\tor %0, %0, %1\n\tmtc0 %0, $12\n\tehb"
                     : "=&r"(status)
                     : "r"(STATUS_IM7)
                     : "memory");
}

void arch_clock_advance_irqoff(uint64_t cycles)
{
    struct core *core = core_self();
    uint64_t now = arch_clock_now_irqoff() + cycles;

    core->clock_halves = (uint32_t)(now >> 31);
    __asm__ volatile("mtc0 %0, $9\n\tehb" ::"r"((uint32_t)now) : "memory");
}

/* Writes Compare, which also drops a pending timer interrupt; true if it will fire, or has. It has
 * if the interrupt's line says so: with several cores QEMU 7.2 may raise Cause.TI and the line
 * while the write is still on its way to drop both, and then only the line is dropped. */
static bool compare_write(uint32_t compare)
{
    uint32_t cause;

    __asm__ volatile("mtc0 %0, $11\n\tehb" ::"r"(compare) : "memory");
    if ((int32_t)(compare - arch_clock_cycles()) > 0)
        return true;
    __asm__ volatile("mfc0 %0, $13" : "=r"(cause));
    return (cause >> CAUSE_IP7_BIT & 1) != 0;
}

void arch_clock_arm_irqoff(uint64_t deadline)
{
    uint64_t now = arch_clock_now_irqoff();
    uint32_t margin = NEAREST_CYCLES;
    uint32_t left = FARTHEST_CYCLES;

    if (deadline <= now + margin)
        left = margin;
    else if (deadline - now < FARTHEST_CYCLES)
        left = (uint32_t)(deadline - now);

    /* Too late by the time it was written: ask for a little later, until it is in the future. */
    for (uint32_t compare = (uint32_t)now + left; !compare_write(compare); margin *= 2)
        compare = arch_clock_cycles() + margin;
}
