/* SPDX-License-Identifier: MIT */
/*
 * The log fills once, from the start, and then refuses: the sampler counts what it refused
 * (lost_full). Filling once keeps the beginning of a run, needs no reader that keeps up, and leaves
 * every record where it was written, so that a RAM image of a dead system can be searched for
 * records.
 *
 * Sample payloads are written in place, by the walker itself: open, walk into it, commit.
 */
#include "prof/log.h"

#include "kernel/assert.h"

#define RECORD_OVERHEAD_BYTES (sizeof(struct log_record) + 4)

void log_init(struct log *log, void *bytes, uint32_t capacity_bytes, unsigned core)
{
    ASSERT((uintptr_t)bytes % 4 == 0 && capacity_bytes % 4 == 0);
    ASSERT(capacity_bytes >= LOG_RESERVE_BYTES);
    log->bytes = bytes;
    log->capacity_bytes = capacity_bytes;
    log->used_bytes = 0;
    log->last = 0;
    log->sequence = 0;
    log->core = (uint8_t)core;
}

void *log_open(struct log *log, size_t payload_bytes, bool reserved)
{
    size_t wanted = RECORD_OVERHEAD_BYTES + payload_bytes + (reserved ? 0 : LOG_RESERVE_BYTES);

    if (log->capacity_bytes - log->used_bytes < wanted)
        return NULL;
    return log->bytes + log->used_bytes + sizeof(struct log_record);
}

void log_seal(struct log_record *record)
{
    uint32_t *words = (uint32_t *)record;
    size_t count = record->length / 4 - 1u;

    __asm__ volatile("" ::
                         : "memory"); /* the fields just written are read as words: in this order */
    words[count] = log_check(words, count);
}

void log_commit(struct log *log, enum log_type type, size_t payload_bytes)
{
    struct log_record *record = (struct log_record *)(void *)(log->bytes + log->used_bytes);

    DEBUG_ASSERT(payload_bytes % 4 == 0);
    record->magic = LOG_MAGIC;
    record->type = (uint8_t)type;
    record->core = log->core;
    record->length = (uint16_t)(RECORD_OVERHEAD_BYTES + payload_bytes);
    record->sequence = log->sequence++;
    log_seal(record);
    log->last = log->used_bytes;
    log->used_bytes += record->length;
}

/* Equal but for the count? Both are in the log's memory and `bytes` long, counts included. */
static bool sample_same(const struct log_sample *a, const struct log_sample *b, size_t bytes)
{
    const uint32_t *left = (const uint32_t *)(a + 1), *right = (const uint32_t *)(b + 1);

    /* The innermost pc first: it is what differs in nearly all cases. */
    for (size_t i = 0; i < (bytes - sizeof *a) / 4; i++)
        if (left[i] != right[i])
            return false;
    return a->thread == b->thread && a->context == b->context && a->reason == b->reason;
}

void log_commit_sample(struct log *log, const struct log_sample *sample)
{
    struct log_record *newest = (struct log_record *)(void *)(log->bytes + log->last);
    struct log_sample *before = (struct log_sample *)(newest + 1);
    size_t bytes = sizeof *sample + sample->depth * sizeof(uintptr_t);

    __asm__ volatile("" ::: "memory"); /* the walker's words are compared as 32-bit ones */
    if (newest->type == LOG_SAMPLE && newest->length == RECORD_OVERHEAD_BYTES + bytes &&
        sample_same(before, sample, bytes)) {
        before->count++;
        log_seal(newest);
    } else {
        log_commit(log, LOG_SAMPLE, bytes);
    }
}

const struct log_record *log_at(const struct log *log, uint32_t offset)
{
    if (offset >= log->used_bytes)
        return NULL;
    return (const struct log_record *)(const void *)(log->bytes + offset);
}
