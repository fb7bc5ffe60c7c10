/* SPDX-License-Identifier: MIT */
/*
 * The log is a ring of whole records: one that would be cut by the ring's end is put at its start,
 * and a zero word where it would have been says so. What happens when it is full is the sampler's
 * choice: it counts what does not fit (then the log keeps the beginning of a run, and may be
 * emptied by a reader meanwhile), or it drops the oldest records (then the log keeps the end).
 *
 * Sample payloads are written in place, by the walker itself: open, walk into it, commit. Writer
 * and reader share nothing but three positions, each written by one of them, so neither waits.
 */
#include "prof/log.h"

#include "kernel/assert.h"

#define RECORD_OVERHEAD_BYTES (sizeof(struct log_record) + 4)

static struct log_record *record_at(const struct log *log, uint32_t position)
{
    return (struct log_record *)(void *)(log->bytes + (position & (log->capacity_bytes - 1)));
}

static uint32_t bytes_to_end(const struct log *log, uint32_t position)
{
    return log->capacity_bytes - (position & (log->capacity_bytes - 1));
}

void log_init(struct log *log, void *bytes, uint32_t capacity_bytes, unsigned core,
              uint16_t sequence)
{
    ASSERT((uintptr_t)bytes % 4 == 0);
    ASSERT((capacity_bytes & (capacity_bytes - 1)) == 0 && capacity_bytes >= 4096);
    log->bytes = bytes;
    log->capacity_bytes = capacity_bytes;
    log->written = 0;
    log->read = 0;
    log->last = UINT32_MAX; /* before `read` */
    log->sequence = sequence;
    log->core = (uint8_t)core;
}

void *log_open(struct log *log, size_t payload_bytes, bool reserved)
{
    uint32_t wanted = (uint32_t)(RECORD_OVERHEAD_BYTES + payload_bytes);
    uint32_t used = log->written - __atomic_load_n(&log->read, __ATOMIC_ACQUIRE);
    uint32_t skipped = bytes_to_end(log, log->written);

    if (__builtin_expect(skipped >= wanted, 1))
        skipped = 0;
    if (log->capacity_bytes - used < wanted + skipped + (reserved ? 0 : LOG_RESERVE_BYTES))
        return NULL;
    if (skipped != 0) {
        *(uint32_t *)(void *)record_at(log, log->written) = 0;
        __atomic_store_n(&log->written, log->written + skipped, __ATOMIC_RELEASE);
    }
    return record_at(log, log->written) + 1;
}

static void record_seal(struct log_record *record)
{
    uint32_t *words = (uint32_t *)record;
    size_t count = record->length / 4 - 1u;

    __asm__ volatile("" ::
                         : "memory"); /* the fields just written are read as words: in this order */
    words[count] = log_check(words, count);
}

void log_make(struct log_record *record, enum log_type type, unsigned core, uint16_t sequence,
              size_t payload_bytes)
{
    DEBUG_ASSERT(payload_bytes % 4 == 0);
    record->magic = LOG_MAGIC;
    record->type = (uint8_t)type;
    record->core = (uint8_t)core;
    record->length = (uint16_t)(RECORD_OVERHEAD_BYTES + payload_bytes);
    record->sequence = sequence;
    record_seal(record);
}

void log_commit(struct log *log, enum log_type type, size_t payload_bytes)
{
    struct log_record *record = record_at(log, log->written);

    DEBUG_ASSERT(payload_bytes % 4 == 0);
    log_make(record, type, log->core, log->sequence++, payload_bytes);
    __atomic_store_n(&log->last, log->written, __ATOMIC_RELEASE);
    __atomic_store_n(&log->written, log->written + record->length, __ATOMIC_RELEASE);
}

/* Equal but for the count? Both are in the log's memory and `bytes` long, counts included. */
static bool sample_same(const struct log_sample *a, const struct log_sample *b, size_t bytes)
{
    const uint32_t *left = (const uint32_t *)(a + 1), *right = (const uint32_t *)(b + 1);

    /* The innermost pc first: it is what differs in nearly all cases. */
    for (size_t i = 0; i < (bytes - sizeof *a) / 4; i++)
        if (left[i] != right[i])
            return false;
    return a->thread == b->thread && a->context == b->context && a->reason == b->reason &&
           a->labels == b->labels && a->wait == b->wait && a->on == b->on;
}

static bool is_empty_or_taken(const struct log *log)
{
    return (int32_t)(log->last - log->read) < 0;
}

void log_commit_sample(struct log *log, const struct log_sample *sample)
{
    struct log_record *newest = record_at(log, log->last);
    struct log_sample *before = (struct log_sample *)(newest + 1);
    size_t bytes = sizeof *sample + sample->depth * sizeof(uintptr_t);

    __asm__ volatile("" ::: "memory"); /* the walker's words are compared as 32-bit ones */
    if (!is_empty_or_taken(log) && newest->type == LOG_SAMPLE &&
        newest->length == RECORD_OVERHEAD_BYTES + bytes && sample_same(before, sample, bytes)) {
        before->count += sample->count;
        record_seal(newest);
    } else {
        log_commit(log, LOG_SAMPLE, bytes);
    }
}

const struct log_record *log_next(const struct log *log, uint32_t *position, uint32_t end)
{
    const struct log_record *record;

    if (*position == end)
        return NULL;
    record = record_at(log, *position);
    if (record->magic == 0) { /* the rest of the ring was too small for what came then */
        *position += bytes_to_end(log, *position);
        if (*position == end)
            return NULL;
        record = record_at(log, *position);
    }
    *position += record->length;
    return record;
}

const struct log_record *log_oldest(const struct log *log)
{
    uint32_t position = log->read;

    return log_next(log, &position, log->written);
}

void log_drop(struct log *log)
{
    uint32_t position = log->read;

    (void)log_next(log, &position, log->written);
    __atomic_store_n(&log->read, position, __ATOMIC_RELEASE);
}

uint32_t log_settled(const struct log *log)
{
    uint32_t last = __atomic_load_n(&log->last, __ATOMIC_ACQUIRE);

    return (int32_t)(last - log->read) < 0 ? log->read : last;
}

void log_take(struct log *log, uint32_t position)
{
    __atomic_store_n(&log->read, position, __ATOMIC_RELEASE);
}
