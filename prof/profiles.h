/* SPDX-License-Identifier: MIT */
#ifndef PROF_PROFILES_H
#define PROF_PROFILES_H

struct weft_thread;
struct arch_unwind;

/* `thread`, the calling one, has waited since thread->wait_since; `here` is in its caller's frame,
 * which is left out. Interrupts off; the scheduler's lock may be held. */
void contention_note_irqoff(struct weft_thread *thread, unsigned reason,
                            const struct arch_unwind *here);

#endif
