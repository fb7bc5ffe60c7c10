/* SPDX-License-Identifier: MIT */
/* What prof's host tests see of the rest of weft: one core, a clock that they turn, a console that
 * is kept, and threads that they make up. */
#ifndef PROF_FAKE_H
#define PROF_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/trap.h"
#include "arch/unwind.h"
#include "sched/sched.h"

extern bool fake_irq_on;
extern uint64_t fake_cycles;  /* one per nanosecond */
extern uint32_t fake_rate_hz; /* 0: the scheduler's */
extern unsigned fake_console_locks, fake_console_unlocks;

/* All that was printed or sent. */
extern unsigned char fake_console[];
extern size_t fake_console_bytes;

/* pcs that count as inside a 64-bit atomic, or inside the switch. */
extern uintptr_t fake_atomic64_start, fake_atomic64_end;
extern const char arch_switch_begin[], arch_switch_end[];

/* A trap frame stands at the stack pointer when a walk comes to this pc. */
extern uintptr_t fake_trap_return;

/* Called whenever somebody asks for the time: a place for an interrupt. */
extern void (*fake_now_hook)(void);

/* Everything back to what it was before the first test; no threads. */
void fake_reset(void);

/* A thread in the list, with the stack [lo, hi). */
void fake_thread_add(struct weft_thread *thread, uint32_t id, const char *name, uintptr_t lo,
                     uintptr_t hi);

/* Makes `thread` the current one. */
void fake_thread_run(struct weft_thread *thread);

/* The bounds of the stack that the test itself runs on. */
void fake_host_stack(uintptr_t *lo, uintptr_t *hi);

/* Who was last said to watch the heap. */
extern const struct heap_watcher *fake_heap_watcher;

/* As arch_switch; a new context is made by fake_context. Both in prof_fake_switch.S or on top of
 * it. */
void fake_switch(void **save_sp, void *next_sp);
void *fake_context(void *stack_top, void (*entry)(void));

#endif
