/* SPDX-License-Identifier: MIT */
/* Names of the threads that were sampled, kept so that a thread that has exited still has one when
 * the log is sent. */
#ifndef PROF_NAMES_H
#define PROF_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "prof/log_format.h"

#define NAMES_SLOTS 64 /* a power of two */
#define NAMES_PROBES 4
#define NAMES_BYTES LOG_NAME_BYTES

/* One core's, written by its sampler only. Thread ids are consecutive, so id modulo slots spreads
 * them; when a neighbourhood is full the thread is counted as dropped (its samples keep the
 * number). */
struct names {
    uint32_t dropped; /* samples whose thread got no entry */
    struct log_name entry[NAMES_SLOTS];
};

void names_clear(struct names *names);

/* Fills an entry with a copy of the name, cut at NAMES_BYTES. */
void names_fill(struct log_name *entry, uint32_t thread, const char *name);

/* Slow half of names_note: copies the name. */
void names_add(struct names *names, uint32_t thread, const char *name);

/* Thread `thread`, now alive and called `name`, was sampled. */
static inline void names_note(struct names *names, uint32_t thread, const char *name)
{
    if (names->entry[thread & (NAMES_SLOTS - 1)].thread != thread)
        names_add(names, thread, name);
}

/* The entry, or NULL. */
const struct log_name *names_find(const struct names *names, uint32_t thread);

#endif
