/* SPDX-License-Identifier: MIT */
/*
 * Arch contract: 64-bit atomics on CPUs without them. Their code is one section of its own; whoever
 * must not act inside it (profiler, preemption and with it stopping the world) asks
 * arch_in_atomic64 and nothing else. The watchdog only looks, so it may do that anywhere.
 */
#ifndef ARCH_ATOMIC64_H
#define ARCH_ATOMIC64_H

#include <stdbool.h>
#include <stdint.h>

struct arch_frame;

/* `pc` is inside a 64-bit atomic. Constant false on a CPU that has them. Context: any. */
static inline bool arch_in_atomic64(uintptr_t pc);

/* Leaves no lock behind an interrupted operation: rolls it back to its start, or forward past its
 * commit. The pc stays inside the section. At trap entry, interrupts off. */
static inline void arch_atomic64_settle_irqoff(struct arch_frame *frame);

#include "port/atomic64.h"

#endif
