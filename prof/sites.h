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

#endif
