/* SPDX-License-Identifier: MIT */
/* Tables of places in the program with numbers. prof/sites.c has the essay. */
#ifndef PROF_SITES_H
#define PROF_SITES_H

#include <stdint.h>
#include <weft/config.h>

#include "kernel/spinlock.h"
#include "prof/unwind.h"

#define SITES_DEPTH 24
#define SITES_VALUES 2

/* On the line: behind those of weft/sites.h and the threads. */
#define SITES_NUMBER_ALLOCATIONS 4

/* One place: a stack, and what kind of event it is about. */
struct site {
    uint32_t hash; /* 0: free */
    uint8_t tag;
    uint8_t depth;
    uint64_t value[SITES_VALUES];
    uintptr_t pcs[SITES_DEPTH];
};

struct site_table {
    const char *name;                      /* also the host's file name */
    const char *types;                     /* "contentions/count,delay/nanoseconds"; one or two */
    const char *(*tag_name)(unsigned tag); /* NULL: tags mean nothing */
    struct spinlock lock;
    uint32_t running, period;
    uint32_t skipped[WEFT_CONFIG_CORES]; /* events since the last recorded one */
    struct site other;                   /* what found no room */
    struct site site[WEFT_CONFIG_PROFILE_SITES];
};

/* Empties the table. */
void sites_clear(struct site_table *table);

/* Is this event one to be recorded? Interrupts are off. */
bool sites_wants_irqoff(struct site_table *table);

/* Adds to the place's numbers. Interrupts are off. */
void sites_add_irqoff(struct site_table *table, unsigned tag, const unwind_pc *pcs, unsigned depth,
                      const uint64_t value[SITES_VALUES]);

void sites_print(struct site_table *table);
void sites_send(struct site_table *table, unsigned number);

/* Of a stack and its kind; never 0. */
uint32_t sites_hash(unsigned tag, const unwind_pc *pcs, unsigned depth);

/* The stack and an empty line. */
void sites_print_stack(const uintptr_t *pcs, unsigned depth);

/* ---- sites_message.c: a profile on its way to the host tool ---- */

#define SITES_TEXT_BYTES 96

/* A record under construction: words, then texts padded to words. */
struct sites_message {
    struct log_record record;
    uint32_t
        payload[(sizeof(struct log_site) + SITES_DEPTH * sizeof(uintptr_t) + 3 * SITES_TEXT_BYTES) /
                    4 +
                1];
    unsigned used; /* words */
    unsigned number;
    uint16_t sequence;
};

/* `types`: "allocations/count,space/bytes", up to LOG_SITE_VALUES of them. One of `period` units of
 * the last type was recorded. Blocks for the line. Context: thread. */
void sites_message_begin(struct sites_message *message, const char *name, const char *types,
                         unsigned number, uint64_t period);
void sites_message_place(struct sites_message *message, const uint64_t value[LOG_SITE_VALUES],
                         const uintptr_t *pcs, unsigned depth, const char *tag);
void sites_message_end(struct sites_message *message);

#endif
