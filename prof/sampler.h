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

/* Written on its own core with interrupts off, and by nobody else. Other cores read the totals
 * while it runs, everything once `generation` says that it stopped. */
struct sampler {
    uint32_t running;
    uint32_t generation; /* of the request that it last followed */
    uint32_t writing;    /* odd while the totals are being changed */
    struct weft_profile_totals totals;

    /* Counted in the totals, not yet in the log (requirements C4). Taken by exchange. */
    uint32_t pending_atomic64;
    uint32_t pending_nolock;

    uint64_t started_cycles;
    struct log log;
    struct names names;
    struct unwind_cache cache;
};

extern struct sampler samplers[WEFT_CONFIG_CORES];

/* What all cores are asked to do. A core follows at its next tick, in its handler, so that nothing
 * of it is ever changed from outside; the core that asks follows at once. */
struct sampler_request {
    uint32_t generation; /* written last */
    uint32_t rate_hz;    /* 0: stop */
};

/* Asks: rate_hz 0 stops. The calling core follows before this returns, the others at their next
 * tick; sampler_followed says when all have. */
void sampler_ask(uint32_t rate_hz);
bool sampler_followed(void);

/* The system is going down: ends the log of a core that is this one or stands still, if it samples.
 */
void sampler_crash_irqoff(struct sampler *sampler);

/* A consistent copy of one core's totals. Context: any. */
void sampler_totals(const struct sampler *sampler, struct weft_profile_totals *totals);

#endif
