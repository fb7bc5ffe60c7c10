/* SPDX-License-Identifier: MIT */
/* The scavenger: gives pages that stayed free back to the board. */
#ifndef MEM_SCAVENGER_H
#define MEM_SCAVENGER_H

#include <stdbool.h>
#include <stddef.h>

struct core;

/* One bounded piece of a round: at most 64 KiB go to the board, with no lock held. True: the
 * round goes on, call again soon. False: it is over; call again after a period. Pages are given
 * back when they were free for one whole round at least, so for between one and two periods.
 * Context: thread. */
bool scavenger_step(void);

/* `pages` have just come back from the board: when the heap is above its goal now, as many others
 * go (at most 64 KiB). Preemption off, no lock. */
void scavenger_grown(size_t pages);

/* The goal of scavenger_step and scavenger_grown, or none: all idle pages go with time, and growth
 * gives nothing back. */
void scavenger_set_goal(bool on, unsigned keep_percent);

/* Is a step under way on this core (which must be the caller's, and pinned)? */
bool scavenger_is_at_work(const struct core *core);

/* For the idle thread: has the scavenger asked this core for what its cache holds? Then
 * cache_flush_idle gives it back. */
bool cache_flush_wanted(const struct core *core);
void cache_flush_idle(void);

/* mem/stats.c: the trace of scavenge `number`, which released `pages`. */
void stats_print(size_t number, size_t pages);

#endif
