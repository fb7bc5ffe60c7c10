/* SPDX-License-Identifier: MIT */
/* The records of a sampler's log that are not samples. Interrupts are off, on the sampler's core.
 */
#ifndef PROF_RECORDS_H
#define PROF_RECORDS_H

#include "prof/sampler.h"

/* Room for a record of up to so many bytes, or NULL: what it would have said is to be counted. */
void *records_open(struct sampler *sampler, size_t payload_bytes, bool reserved);

/* What waits in the pending counters becomes records, as far as there is room. */
void records_losses(struct sampler *sampler, bool reserved);

/* Says a new rate, if there is one; false: no room, so there is none for a sample either. */
bool records_rate(struct sampler *sampler);

/* The record in front of the log, and the one behind it. */
void records_header(struct sampler *sampler);
void records_end(struct sampler *sampler);

#endif
