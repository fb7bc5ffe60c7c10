/* SPDX-License-Identifier: MIT */
/* Stop-the-world, inside the scheduler. sched/world.c has the essay. */
#ifndef SCHED_WORLD_H
#define SCHED_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <weft/config.h>
#include <weft/wait.h>

#include "kernel/core.h"

struct weft_thread;

/* Guarded by sched_lock. */
struct world {
    struct weft_thread *holder; /* of the world semaphore: it may have stopped the world */
    struct weft_wait_queue waiters;
    bool stopping;   /* the flag */
    uint32_t core;   /* the stopper's */
    uint32_t parked; /* cores that run nothing, the stopper's own among them */
    const char *reason;
    uint64_t began, stopped; /* cycles */
    uint32_t stops;
    uint64_t longest, longest_wait; /* cycles */

    /* While the world is stopped: what parked cores are asked to do, and those that do it. */
    void (*help)(unsigned core);
    uint32_t helping;
};

extern ARCH_NEAR_DATA struct world world;

/* Would weft_world_stop be allowed here? Context: any. */
bool world_may_stop(void);

/* Is the world stopped as seen from `core`, so that it may run nothing but its idle thread? */
static inline bool world_core_stopped_locked(const struct core *core)
{
    return WEFT_CONFIG_CORES > 1 && world.stopping && core->id != world.core;
}

/* The core has switched to its idle thread, or is about to, while the world is stopped. */
static inline void world_core_parked_locked(const struct core *core)
{
    /* Under the lock; the stopper looks without. */
    __atomic_store_n(&world.parked, world.parked | 1u << core->id, __ATOMIC_RELEASE);
}

#endif
