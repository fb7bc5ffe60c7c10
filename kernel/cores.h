/* SPDX-License-Identifier: MIT */
/* The other cores: started, counted. kernel/cores.c has the essay. */
#ifndef KERNEL_CORES_H
#define KERNEL_CORES_H

#include <stdbool.h>
#include <stdint.h>
#include <weft/config.h>

extern uint32_t cores_running;

/* The cores that run threads, a bit each. Constant once main runs. */
static inline uint32_t cores_online(void)
{
    return WEFT_CONFIG_CORES == 1 ? 1 : __atomic_load_n(&cores_running, __ATOMIC_ACQUIRE);
}

/* Starts the other cores and waits until they are ready to run threads. Core 0, boot context, after
 * the scheduler's structures exist. */
void cores_start(void);

/* ---- freezing: for a panic, and for dumps from an interrupt handler ---- */

/* The core that has frozen the others, + 1; 0: none. */
extern uint32_t cores_freezer;

/* The cores that stand still in a trap, their interrupted context in core->frame. */
extern uint32_t cores_frozen;

/* Makes the other cores stand still where they are, as soon as their interrupts are on; waits for
 * them a bounded time. A core that is asked by two does not come back from the second: it becomes
 * one of the frozen. Interrupts are off. */
void cores_freeze_irqoff(void);

/* The same, unless another core is freezing: then this one stands still for it, and false. */
bool cores_freeze_first_irqoff(void);
void cores_thaw_irqoff(void);

/* Slow half of cores_freeze_point. */
void cores_stand_still_irqoff(void);

/* In every trap's entry: stands still when another core says so. */
static inline void cores_freeze_point_irqoff(void)
{
    if (WEFT_CONFIG_CORES > 1 &&
        __builtin_expect(__atomic_load_n(&cores_freezer, __ATOMIC_RELAXED) != 0, 0))
        cores_stand_still_irqoff();
}

/* ---- holding: for a look at one core from another (prof/remote.c) ---- */

struct arch_unwind;

/* What a held core shows: its frame is core->frame; when that has not all registers, a walk from
 * `here` on its system stack leads to where it was interrupted. */
struct cores_hold {
    uint32_t wanted; /* by another core, which alone sets and clears it */
    uint32_t held;   /* by the core itself */
    bool frame_is_full;
    const struct arch_unwind *here;
};
extern struct cores_hold cores_hold[WEFT_CONFIG_CORES];

/* Makes `core` stand still; false: it did not within `limit_cycles`. Interrupts are off, and nobody
 * else holds that core. cores_release lets it go; also to be called after false. */
bool cores_hold_irqoff(unsigned core, uint64_t limit_cycles);
void cores_release_irqoff(unsigned core);

/* Slow half of cores_hold_point. */
void cores_be_held_irqoff(bool frame_is_full);

/* In a trap's entry, core->frame set: stands still when another core wants to look. False: nobody
 * does. */
static inline bool cores_hold_point_irqoff(unsigned core, bool frame_is_full)
{
    if (WEFT_CONFIG_CORES == 1 ||
        __builtin_expect(__atomic_load_n(&cores_hold[core].wanted, __ATOMIC_RELAXED) == 0, 1))
        return false;
    cores_be_held_irqoff(frame_is_full);
    return true;
}

/* Is `core` standing still, so that its frame may be read? */
static inline bool cores_is_frozen(unsigned core)
{
    return WEFT_CONFIG_CORES > 1 &&
           (__atomic_load_n(&cores_frozen, __ATOMIC_ACQUIRE) >> core & 1) != 0;
}

#endif
