/* SPDX-License-Identifier: MIT */
/*
 * The CPU profiler: every tick of the timer interrupt records the exact call stack of what was
 * running into a per-core log; nothing is lost without being counted.
 */
#ifndef WEFT_PROFILE_H
#define WEFT_PROFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Every tick since weft_profile_start is in exactly one of the five counters after the first:
 * ticks = recorded + lost_atomic64 + lost_full + lost_nolock + suppressed. A tick that came late,
 * because interrupts were off for longer than a period, counts as all that it stands for. Words, so
 * that no read is torn on a 32-bit CPU; they wrap together. */
struct weft_profile_totals {
    uint32_t ticks;
    uint32_t recorded; /* written to the log, with or without a walked stack */
    uint32_t
        lost_atomic64;    /* landed inside a 64-bit atomic; still in the log as a counted record */
    uint32_t lost_full;   /* the log had no room, or they gave way to newer ones */
    uint32_t lost_nolock; /* the stack belonged to someone else at that moment */
    uint32_t suppressed;  /* came while the profiler was being stopped or its log sent */
    uint32_t waited;      /* wall-clock mode: ticks of blocked threads, written to the log */
    uint32_t waited_lost; /* the same for which the log had no room */
};

/* What happens when a core's log (WEFT_CONFIG_LOG_BYTES) is full, and when it is sent. */
enum weft_profile_log {
    WEFT_PROFILE_LOG_FIRST,  /* what does not fit is counted: the beginning of the run is kept */
    WEFT_PROFILE_LOG_NEWEST, /* the oldest samples give way, and are counted: the end is kept */
    WEFT_PROFILE_LOG_STREAM, /* a thread sends the log while it grows; what it can't send in time is
                                counted */
};

/* How a profile is taken. Zero-initialised but for the rate: a CPU profile, as weft_profile_start
 * makes it. */
struct weft_profile_options {
    uint32_t rate_hz; /* ticks a second: 10 to 20000 */
    enum weft_profile_log log;
    bool wall;   /* blocked threads are sampled too, at the same rate, with what they wait for */
    bool remote; /* the core that starts the profile samples all others too, at its own ticks, by
                    making each stand still for a moment: for boards with one timer, and (on boards
                    that have an NMI) for cores with their interrupts off. Not together with `wall`
                  */
    int sender_priority; /* WEFT_PROFILE_LOG_STREAM: the sending thread's (weft/thread.h) */
};

/* Starts sampling at `rate_hz` ticks a second (10 to 20000), with empty logs and totals. The exact
 * rate, which the timer may round, is in the log. Errors: WEFT_EINVAL, WEFT_EBUSY (already
 * running). Context: thread. */
WEFT_MUST_CHECK int weft_profile_start(uint32_t rate_hz);

/* The same with a choice. Clocked by the same tick; a wall-clock profile's cost is in the waits
 * that a tick falls into: their threads walk their own stacks when they wake. Errors: as above, and
 * WEFT_ENOMEM (no memory for the sending thread). Context: thread. */
WEFT_MUST_CHECK int weft_profile_start_with(const struct weft_profile_options *options);

/* Changes the rate of the running profile, on all cores, before it returns. Every tick before and
 * after is counted, and weighs what its own rate says. Errors: WEFT_EINVAL, WEFT_ESTATE (not
 * running). Context: thread. */
WEFT_MUST_CHECK int weft_profile_rate_set(uint32_t rate_hz);

/* Gives the calling thread a label, which its samples carry from now on (pprof: -tagfocus
 * KEY=VALUE); replaces the value that it had for the key; NULL takes the label away. Threads
 * inherit the labels of the one that spawns them. Key and value are copied, up to 32 bytes each;
 * what is set once stays in a table of WEFT_CONFIG_PROFILE_LABELS for good, so they are meant to be
 * few. Errors: WEFT_EINVAL (no key, or too long), WEFT_ENOMEM (the table is full). Does not block.
 * Cost: a search in the table. Context: thread. */
WEFT_MUST_CHECK int weft_profile_label_set(const char *key, const char *value);

/* Stops sampling; the log stays readable. A streamed one has been sent when this returns. Errors:
 * WEFT_ESTATE (not running). Context: thread. */
WEFT_MUST_CHECK int weft_profile_stop(void);

/* Totals of the running or last profile, over all cores. Context: any. */
void weft_profile_totals(struct weft_profile_totals *totals);

/* Sends the stopped profile's log over the console's line, framed between ordinary text; the host
 * tool takes it out again. Errors: WEFT_ESTATE (running, never started, or streamed). Blocks for as
 * long as the line takes. Context: thread. */
WEFT_MUST_CHECK int weft_profile_send(void);

/*
 * A bracket around calls of code without unwind information (a vendor's library, ROM routines):
 *
 *      struct weft_foreign bracket;
 *
 *      weft_foreign_enter(&bracket);
 *      rom_routine();
 *      weft_foreign_exit(&bracket);
 *
 * Samples in between go to `_ForeignCode` below the function that entered, whose stack is walked
 * from there, whatever the foreign code does with its registers and its stack. Brackets nest; enter
 * and exit stand in one function, which must not return in between. Cost: some twenty instructions
 * each. Context: thread.
 */
struct weft_foreign {
    struct weft_foreign *outer;
    uintptr_t registers[33]; /* of the function that enters */
};

/* Fills in the registers: arch_unwind_here. */
void weft_foreign_registers(uintptr_t *registers) __asm__("arch_unwind_here");
void weft_foreign_begin(struct weft_foreign *bracket);

static inline __attribute__((always_inline)) void weft_foreign_enter(struct weft_foreign *bracket)
{
    weft_foreign_registers(bracket->registers);
    weft_foreign_begin(bracket);
}

void weft_foreign_exit(struct weft_foreign *bracket);

#ifdef __cplusplus
}
#endif

#endif
