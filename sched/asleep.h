/* SPDX-License-Identifier: MIT */
/* All threads are asleep: looked for by the idle thread, confirmed by an interrupt (asleep.c). */
#ifndef SCHED_ASLEEP_H
#define SCHED_ASLEEP_H

struct core;
struct weft_alarm;

/* A timer of weft's own, which wakes nobody; NULL: there is none. */
extern const struct weft_alarm *asleep_ignored;

/* `core` has nobody to run: if no other core has, and nothing can wake a thread, an interrupt of
 * this core is asked for at once. */
void asleep_look_locked(const struct core *core);

/* In the timer's interrupt, after those whose time has come were woken: reports, if that was what
 * the interrupt was asked for, and it is still so. */
void asleep_confirm_locked(const struct core *core);

#endif
