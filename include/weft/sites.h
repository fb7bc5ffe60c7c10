/* SPDX-License-Identifier: MIT */
/*
 * Profiles that count by place in the program instead of sampling time: where threads were made,
 * what they waited for, which interrupts came; and the stacks of all threads at one moment.
 */
#ifndef WEFT_SITES_H
#define WEFT_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weft_sites {
    WEFT_SITES_CREATION,   /* stacks that spawned threads: how many */
    WEFT_SITES_CONTENTION, /* stacks that waited for a mutex, a channel, a queue or another object
                              (sleeping is not waiting): how often, and for how long together */
    WEFT_SITES_INTERRUPTS, /* sources: how often, and how long their handlers took */
};

/* Starts counting, from nothing. Of each core's events every `period`th is recorded, and stands for
 * `period` (interrupts: all are; the period is ignored). A place that finds the table of
 * WEFT_CONFIG_PROFILE_SITES full is counted as "[other]". Cost while it runs: the walk of a stack
 * for each recorded event. Errors: WEFT_EINVAL (no such profile, period 0), WEFT_ESTATE (it runs).
 * Context: thread. */
WEFT_MUST_CHECK int weft_sites_start(enum weft_sites profile, uint32_t period);

/* Stops counting; what was counted stays. Errors: WEFT_EINVAL, WEFT_ESTATE (it does not run).
 * Context: thread. */
WEFT_MUST_CHECK int weft_sites_stop(enum weft_sites profile);

/* What was counted, as text on the console, the heaviest first: a line with the numbers, then the
 * stack (the host tool puts names there). Context: thread; also while it runs. */
void weft_sites_print(enum weft_sites profile);

/* The same over the line, framed, for the host tool, which makes a pprof profile of it
 * (contention.pb.gz and so on). Context: thread; also while it runs. */
void weft_sites_send(enum weft_sites profile);

/* A thread's stack at one moment. */
#define WEFT_STACK_RECORD_DEPTH 32
struct weft_stack_record {
    uintptr_t pcs[WEFT_STACK_RECORD_DEPTH]; /* call sites, innermost first; ends at the first 0 */
};

/* The stacks of all threads that exist, the caller's first. *count: how many there are. True: they
 * were written to records[0 .. *count); false: `capacity` is smaller, and nothing was written.
 * Stops the world, counts and walks. Blocks. Context: thread. */
WEFT_MUST_CHECK bool weft_thread_stacks(struct weft_stack_record *records, size_t capacity,
                                        size_t *count);

/* The same over the line, as threads.pb.gz, and as text: threads with the same stack are one. Does
 * not allocate: those that find no room among WEFT_CONFIG_PROFILE_SITES are "[other]". */
void weft_thread_stacks_print(void);
void weft_thread_stacks_send(void);

#ifdef __cplusplus
}
#endif

#endif
