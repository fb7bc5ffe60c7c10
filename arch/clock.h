/* SPDX-License-Identifier: MIT */
/*
 * Arch contract: the core's cycle counter and its one-shot timer. Times are 64-bit counts of the
 * counter since reset; a port with a narrower counter extends it, and arms itself at least twice
 * per wrap.
 *
 *   ARCH_CLOCK_STEALS   1: the counter goes on while somebody else has the core (a process's)
 */
#ifndef ARCH_CLOCK_H
#define ARCH_CLOCK_H

#include <stdint.h>

/* Prepares this core's counter and timer; the timer is not armed yet. */
void arch_clock_init(void);

/* Now, on this core. Interrupts are off. */
static inline uint64_t arch_clock_now_irqoff(void);

/* What arch_clock_of_stamp makes `now` of, with interrupts off on the same core; for a port whose
 * counter is narrow it is shorter to read. One that has them defines ARCH_CLOCK_STAMPS. */
static inline uint64_t arch_clock_stamp_irqoff(void);
static inline uint64_t arch_clock_of_stamp(uint64_t stamp);

/* This core's time goes forward by `cycles` (modulo 2^64: or back). Used once, when the core takes
 * over core 0's time; a port whose cores share one counter has nothing to do. Interrupts are off.
 */
void arch_clock_advance_irqoff(uint64_t cycles);

/* The low 32 bits of the counter, for measuring short stretches. Any context. */
static inline uint32_t arch_clock_cycles(void);

/* Interrupts this core at `deadline` or soon after, also when it has passed already: the timer is
 * never armed in the past. Early interrupts are allowed (the caller looks at the time). Replaces
 * what was armed, and acknowledges the timer's interrupt. Interrupts are off. */
void arch_clock_arm_irqoff(uint64_t deadline);

#include "port/clock.h"

#ifndef ARCH_CLOCK_STAMPS
static inline uint64_t arch_clock_stamp_irqoff(void)
{
    return arch_clock_now_irqoff();
}

static inline uint64_t arch_clock_of_stamp(uint64_t stamp)
{
    return stamp;
}
#endif

#ifndef ARCH_CLOCK_STEALS
#define ARCH_CLOCK_STEALS 0
#endif

#endif
