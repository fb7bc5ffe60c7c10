/* SPDX-License-Identifier: MIT */
/* One core's sampler: what upcall_sample works on. prof/profile.c starts and stops it. */
#ifndef PROF_SAMPLER_H
#define PROF_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>
#include <weft/profile.h>

#include "kernel/core.h"
#include "prof/log.h"
#include "prof/names.h"
#include "prof/unwind.h"

#define SAMPLER_ID_BYTES_MAX 64

/* Records that are not in the ring, complete as they stand. */
struct sampler_header {
    struct log_record record;
    struct log_header header;
    unsigned char build_id[SAMPLER_ID_BYTES_MAX];
    uint32_t check; /* behind a shorter id it comes earlier */
};
struct sampler_end {
    struct log_record record;
    struct log_end end;
    uint32_t check;
};

/* Written on its own core with interrupts off, and by nobody else. Other cores read the totals
 * while it runs, the settled part of its log if it streams, everything once `generation` says that
 * it stopped. */
struct sampler {
    uint32_t running;
    uint32_t generation; /* of the request that it last followed */
    uint32_t writing;    /* odd while the totals are being changed */
    struct weft_profile_totals totals;
    uint32_t due; /* how many ticks the present sample stands for */

    /* Counted in the totals, not yet in the log (requirements C4). Taken by exchange. */
    uint32_t pending_atomic64;
    uint32_t pending_nolock;

    uint32_t flags;           /* enum log_flag */
    uint64_t rate_millihertz; /* the present one */
    bool rate_unsaid;         /* and it is not in the log yet */
    uint64_t started_cycles;
    struct log log;
    struct sampler_header header;
    struct sampler_end ended; /* its magic is 0 until the profile has ended */
    struct names names;
    struct unwind_cache cache;
};

extern struct sampler samplers[WEFT_CONFIG_CORES];

enum sampler_wish { SAMPLER_STOP, SAMPLER_START, SAMPLER_RATE };

/* What all cores are asked to do. A core follows at its next tick, in its handler, so that nothing
 * of it is ever changed from outside; the core that asks follows at once. */
struct sampler_request {
    uint32_t generation; /* written last */
    uint32_t wish;       /* enum sampler_wish */
    uint32_t rate_hz;
    uint32_t flags; /* enum log_flag, for a start */
    uint32_t core;  /* which asks: with LOG_REMOTE only it starts */
};

/* Asks. The calling core follows before this returns, the others at their next tick;
 * sampler_followed says when all have. */
void sampler_ask(enum sampler_wish wish, uint32_t rate_hz, uint32_t flags);
bool sampler_followed(void);

/* A blocked thread was not running for the last `due` ticks (wall-clock mode): writes its stack,
 * walked from *registers without the `skip` innermost frames, into this core's log. The caller has
 * the right to walk it. Interrupts are off, on a core whose sampler runs. */
struct weft_thread;
void sampler_waited_irqoff(struct sampler *sampler, const struct weft_thread *thread,
                           unsigned reason, struct arch_unwind *registers, unsigned skip,
                           uint32_t due);

/* The system is going down: ends the log of a core that is this one or stands still, if it samples.
 */
void sampler_crash_irqoff(struct sampler *sampler);

/* A consistent copy of one core's totals. Context: any. */
void sampler_totals(const struct sampler *sampler, struct weft_profile_totals *totals);

#endif
