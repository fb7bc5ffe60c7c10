/* SPDX-License-Identifier: MIT */
/* Cores that never reach the scheduler (watchdog.c). */
#ifndef SCHED_WATCHDOG_H
#define SCHED_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>
#include <weft/config.h>

struct core;

extern uint32_t watchdog_cores; /* the watched ones, a bit each */

/* At a tick of a core, on its system stack: looks at all watched cores. Set by weft_watchdog_set:
 * an image that does not call it does not contain it. Defined in preempt.c, as is the above. */
extern void (*watchdog_look_irqoff)(const struct core *core);

static inline void watchdog_tick_irqoff(const struct core *core)
{
    if (WEFT_CONFIG_WATCHDOG &&
        __builtin_expect(__atomic_load_n(&watchdog_cores, __ATOMIC_ACQUIRE) != 0, 0))
        watchdog_look_irqoff(core);
}

/* Does a watched core rely on the tick of `core`? */
static inline bool watchdog_needs_tick(unsigned core)
{
    return WEFT_CONFIG_WATCHDOG && WEFT_CONFIG_CORES > 1 &&
           (__atomic_load_n(&watchdog_cores, __ATOMIC_RELAXED) & ~(1u << core)) != 0;
}

#endif
