/* SPDX-License-Identifier: MIT */
/*
 * The CPU profiler: every tick of the timer interrupt records the exact call stack of what was
 * running into a per-core log; nothing is lost without being counted.
 */
#ifndef WEFT_PROFILE_H
#define WEFT_PROFILE_H

#include <stdint.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Every tick since weft_profile_start is in exactly one of the counters after the first:
 * ticks = recorded + lost_atomic64 + lost_full + lost_nolock + suppressed. Words, so that no read
 * is torn on a 32-bit CPU; they wrap together. */
struct weft_profile_totals {
    uint32_t ticks;
    uint32_t recorded; /* written to the log, with or without a walked stack */
    uint32_t
        lost_atomic64;    /* landed inside a 64-bit atomic; still in the log as a counted record */
    uint32_t lost_full;   /* the log had no room */
    uint32_t lost_nolock; /* the stack belonged to someone else at that moment */
    uint32_t suppressed;  /* came while the profiler was being stopped or its log sent */
};

/* Starts sampling at `rate_hz` ticks a second (10 to 20000), with empty logs and totals. The exact
 * rate, which the timer may round, is in the log. Errors: WEFT_EINVAL, WEFT_EBUSY (already
 * running). Context: thread. */
WEFT_MUST_CHECK int weft_profile_start(uint32_t rate_hz);

/* Stops sampling; the log stays readable. Errors: WEFT_ESTATE (not running). Context: thread. */
WEFT_MUST_CHECK int weft_profile_stop(void);

/* Totals of the running or last profile, over all cores. Context: any. */
void weft_profile_totals(struct weft_profile_totals *totals);

/* Sends the stopped profile's log over the console's line, framed between ordinary text; the host
 * tool takes it out again. Errors: WEFT_ESTATE (running, or never started). Blocks for as long as
 * the line takes. Context: thread. */
WEFT_MUST_CHECK int weft_profile_send(void);

#ifdef __cplusplus
}
#endif

#endif
