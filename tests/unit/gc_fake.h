/* SPDX-License-Identifier: MIT */
/* The world around the collector, for host tests: roots are the words of fake_roots and what a test
 * adds, so that what must be reachable is known exactly. */
#ifndef GC_FAKE_H
#define GC_FAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <weft/gc.h>

#include "kernel/core.h"

#define FAKE_ROOTS 512

extern uintptr_t fake_roots[FAKE_ROOTS];

/* One more root, as a test likes it; none at first. */
extern uintptr_t fake_root_lo, fake_root_hi;

/* May the world be stopped? (mem_fake.h says how often it was.) It is while preemption is off. */
extern bool fake_may_stop;
#define fake_stopped (core_self()->preempt_off != 0)

/* Runs the finalizers that are ready, as the thread would. */
void fake_finalizers_run(void);

/* Collected blocks that exist now. */
unsigned fake_blocks(void);

#endif
