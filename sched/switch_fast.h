/* SPDX-License-Identifier: MIT */
/* The switch in line, for the paths in which it is measured in instructions. Others call switch.c's
 * functions, which are made of these. */
#ifndef SCHED_SWITCH_FAST_H
#define SCHED_SWITCH_FAST_H

#include "arch/context.h"
#include "kernel/assert.h"
#include "sched/account.h"
#include "sched/sched.h"
#include "sched/world.h"

/* switch.c: a switch with which more than registers must follow, or none, since the stack has
 * overflowed; one for which other cores' queues are to be looked at. Apart, so that the usual case
 * keeps nothing across a call. */
void switch_more_locked(struct core *core, struct weft_thread *previous, struct weft_thread *next);
void switch_among_cores_locked(struct core *core);

/* From `previous`, which has been put where it belongs, to `next`, which is out of its queue:
 * everything but the registers. */
static inline void switch_begin_locked(struct core *core, struct weft_thread *previous,
                                       struct weft_thread *next)
{
    struct scheduler *scheduler = sched_of(core); /* found before anything is written */

    SHARED_STORE(scheduler->switches, scheduler->switches + 1);
    account_switch_locked(core, previous, next);
    core_current_set(core, next);
}

static inline __attribute__((always_inline)) void switch_to_locked(struct core *core,
                                                                   struct weft_thread *previous,
                                                                   struct weft_thread *next)
{
    uintptr_t more = core->switch_more;

    DEBUG_ASSERT(!arch_irq_enabled());
    if (WEFT_CONFIG_STACK_CANARY)
        more |= *(const uint32_t *)previous->stack_lo ^ thread_canary(previous);
    if (__builtin_expect(more != 0, 0)) {
        switch_more_locked(core, previous, next);
        return;
    }
    switch_begin_locked(core, previous, next);
    arch_switch(&previous->saved_sp, next->saved_sp);
}

/* The next thread of this core's queue, taken out; the idle one when there is none. */
static inline struct weft_thread *pick_here_locked(struct core *core)
{
    struct weft_thread *next = runq_pop(&sched_of(core)->ready);

    if (next != NULL)
        return next;
    if (WEFT_CONFIG_CORES > 1)
        place.idle |= 1u << core->id;
    return &sched_of(core)->idle;
}

/* Is it only this core's queue that counts? Nobody waits elsewhere for this core, or here for
 * another one. */
static inline bool pick_is_here_locked(void)
{
    return WEFT_CONFIG_CORES == 1 || (place_movable() | world.stopping) == 0;
}

/* The current thread has been blocked. */
static inline __attribute__((always_inline)) void block_locked(struct core *core)
{
    struct weft_thread *previous = core->current;

    DEBUG_ASSERT(previous->state != THREAD_READY);
    if (!pick_is_here_locked()) {
        switch_among_cores_locked(core);
        return;
    }
    core_reschedule_clear(core);
    switch_to_locked(core, previous, pick_here_locked(core));
}

#endif
