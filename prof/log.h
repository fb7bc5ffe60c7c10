/* SPDX-License-Identifier: MIT */
/* One core's sample log in memory: records of prof/log_format.h, back to back. */
#ifndef PROF_LOG_H
#define PROF_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/config.h>

#include "prof/log_format.h"

/* Room that samples leave free: whatever happens, the counted losses (one record for each of two
 * reasons) and the totals still fit. */
#define LOG_LOST_BYTES (sizeof(struct log_record) + sizeof(struct log_lost) + 4)
#define LOG_END_BYTES (sizeof(struct log_record) + sizeof(struct log_end) + 4)
#define LOG_RESERVE_BYTES (2 * LOG_LOST_BYTES + LOG_END_BYTES)

/* Written by the core's own interrupt handler, or by a thread with interrupts off on that core.
 * Read by anyone while nobody writes, and out of a RAM image at any time: a record that was not
 * finished has no check yet, and `used_bytes` does not count it. */
struct log {
    unsigned char *bytes; /* 4-aligned */
    uint32_t capacity_bytes;
    uint32_t used_bytes;
    uint32_t last; /* offset of the newest record */
    uint16_t sequence;
    uint8_t core;
};

void log_init(struct log *log, void *bytes, uint32_t capacity_bytes, unsigned core);

/* Where the payload of the next record goes, when one of up to `payload_bytes` fits; else NULL.
 * With `reserved` the room that is kept for losses and totals may be used. Nothing is written yet.
 */
void *log_open(struct log *log, size_t payload_bytes, bool reserved);

/* Finishes the record that log_open began: payload_bytes, a multiple of 4, may be less than
 * promised. */
void log_commit(struct log *log, enum log_type type, size_t payload_bytes);

/* Ends a record that lies at `record` (header and payload in place): its check. Used by the senders
 * of records that are in no log. */
void log_seal(struct log_record *record);

/* Finishes the LOG_SAMPLE whose payload is complete in place, its count 1. If it says the same as
 * the newest record, that one's count grows instead: a core that idles fills its log slowly. */
void log_commit_sample(struct log *log, const struct log_sample *sample);

/* Walks the log: the record at `offset`, or NULL at the end. The next one is at offset + its
 * length. */
const struct log_record *log_at(const struct log *log, uint32_t offset);

#endif
