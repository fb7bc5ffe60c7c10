/* SPDX-License-Identifier: MIT */
/* Help from parked cores (sched/help.c has the essay). */
#ifndef SCHED_HELP_H
#define SCHED_HELP_H

#include "kernel/core.h"
#include "sched/world.h"

/* Runs, with interrupts on, what a parked core is asked for. By the idle thread. */
void help_wanted_irqoff(const struct core *core);

static inline void help_irqoff(const struct core *core)
{
    if (WEFT_CONFIG_CORES > 1 && __atomic_load_n(&world.help, __ATOMIC_RELAXED) != NULL)
        help_wanted_irqoff(core);
}

#endif
