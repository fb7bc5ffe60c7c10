/* SPDX-License-Identifier: MIT */
/* One core's sample log in memory: records of prof/log_format.h in a ring. */
#ifndef PROF_LOG_H
#define PROF_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/config.h>

#include "prof/log_format.h"

/* Room that samples leave free: whatever happens, the counted losses (one record for each of two
 * reasons) still fit, also when the ring's end cuts them. */
#define LOG_LOST_BYTES (sizeof(struct log_record) + sizeof(struct log_lost) + 4)
#define LOG_RESERVE_BYTES (3 * LOG_LOST_BYTES)

/*
 * Positions count bytes since the start and never go back; modulo the ring's size they are offsets.
 *
 * Written by the core's own interrupt handler, or by a thread with interrupts off on that core.
 * One reader may take records out while it is being written (log_take); it reads what lies before
 * `last`, which is never touched again. Otherwise read by anyone while nobody writes, and out of a
 * RAM image at any time: `written` counts a record only when it is finished.
 */
struct log {
    unsigned char *bytes;    /* 4-aligned */
    uint32_t capacity_bytes; /* a power of two */
    /* The three positions stand together: a reader of a RAM image looks for them so. */
    uint32_t written; /* where the next record goes */
    uint32_t last;    /* the newest record; before `read`: there is none */
    uint32_t read;    /* the oldest record; what lies before it is gone */
    uint16_t sequence;
    uint8_t core;
};

/* Empty; the first record will have the sequence number `sequence`. */
void log_init(struct log *log, void *bytes, uint32_t capacity_bytes, unsigned core,
              uint16_t sequence);

/* Where the payload of the next record goes, when one of up to `payload_bytes` fits; else NULL.
 * With `reserved` the room that is kept for losses may be used. Nothing is written yet. */
void *log_open(struct log *log, size_t payload_bytes, bool reserved);

/* Finishes the record that log_open began: payload_bytes, a multiple of 4, may be less than
 * promised. */
void log_commit(struct log *log, enum log_type type, size_t payload_bytes);

/* Fills in a record that is in no log: header and check around the payload behind `record`. */
void log_make(struct log_record *record, enum log_type type, unsigned core, uint16_t sequence,
              size_t payload_bytes);

/* Finishes the LOG_SAMPLE whose payload is complete in place, its count set. If it says the same as
 * the newest record, that one's count grows instead: a core that idles fills its log slowly. */
void log_commit_sample(struct log *log, const struct log_sample *sample);

/* The record at *position, which then lies behind it; NULL at `end`, a position too. Start from
 * log->read. */
const struct log_record *log_next(const struct log *log, uint32_t *position, uint32_t end);

/* The oldest record; NULL: the log is empty. log_drop makes room by forgetting it. Of the core that
 * writes the log, interrupts off, or while nobody writes it. */
const struct log_record *log_oldest(const struct log *log);
void log_drop(struct log *log);

/* For the one reader beside the writer: where the records end that will not change any more, and
 * that all before `position` has been taken. */
uint32_t log_settled(const struct log *log);
void log_take(struct log *log, uint32_t position);

#endif
