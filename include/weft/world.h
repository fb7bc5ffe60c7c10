/* SPDX-License-Identifier: MIT */
/*
 * Stopping the world: no thread but the caller runs, on any core, until the world is started again.
 * Interrupt handlers still run, and may wake threads, which then wait for the start.
 */
#ifndef WEFT_WORLD_H
#define WEFT_WORLD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Stops all other threads and returns when they are parked. `reason` is shown in reports and must
 * outlive the stop. One thread at a time: others that ask wait their turn, in order of asking,
 * asleep. The caller may not block until weft_world_start, and stays on its core.
 *
 * A thread that holds one of weft's own locks is stopped when it lets go of the last one; so is one
 * that has preemption off, or is inside a 64-bit atomic. A stop therefore can't wait for a lock
 * that a stopped thread holds, unless the caller itself holds it: then, and in an interrupt
 * handler, on a system stack, with interrupts or preemption off, and for a thread that has stopped
 * the world already, it panics and says why, naming the lock.
 *
 * Context: thread. Blocks. Cost: one core: some tens of instructions; more: an interprocessor
 * interrupt each, and what the slowest core needs to let go.
 */
void weft_world_stop(const char *reason);

/* Lets the others go on. Panics unless the caller has stopped the world. Context: the thread that
 * stopped it. */
void weft_world_start(void);

/* How often the world was stopped, and the longest stop: from the moment the caller had its turn
 * until weft_world_start, in nanoseconds. Context: any. */
struct weft_world_stats {
    uint32_t stops;
    uint64_t longest_ns;
    uint64_t longest_wait_ns; /* the part of a stop that was waiting for others to park */
};
void weft_world_stats(struct weft_world_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
