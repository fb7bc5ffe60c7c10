/* SPDX-License-Identifier: MIT */
/*
 * A tick that the test fires itself, and a reader of what the sampler has sent, written from
 * prof/log_format.h alone.
 */
#ifndef PROF_TICKS_H
#define PROF_TICKS_H

#include <weft/profile.h>

#include "prof/log_format.h"
#include "prof/sampler.h"
#include "prof_check.h"
#include "prof_fake.h"

/* The functions of the stack that put_stack makes: a leaf, one with a frame of 32 bytes, the start.
 */
extern const char hand_leaf[], hand_frame32[], hand_start[];

extern uintptr_t stack[64], system_stack[64 + 1];
extern struct weft_thread threads[80]; /* the first one runs */
extern struct arch_frame frame;        /* what the tick interrupts */

void ticks_setup(void);

/* leaf <- frame32 <- start on `words`; the interrupted pc is `pc_offset` into the leaf. */
void put_stack(uintptr_t *words, unsigned pc_offset);

void tick(void);
/* One that stands for `due`, of which handlers are charged some. */
void tick_late(uint32_t due, uint32_t of_handlers);
/* They add up. */
struct weft_profile_totals totals(void);

struct reading {
    unsigned records, headers, samples, ends, names;
    unsigned labels, waits, rates;
    uint64_t lost_atomic64, lost_nolock;
    struct log_header header;
    unsigned char build_id[64];
    struct log_end end;
    struct log_sample last;
    uintptr_t last_pcs[64], foreign_pcs[64];
    unsigned by_context[7], by_reason[9], ran, waited;
    char name[81][33]; /* by thread */
};

/* Reads all frames, and holds the log against its own totals and the program's. */
void read_all(struct reading *reading);
void send_and_read(struct reading *reading);

#endif
