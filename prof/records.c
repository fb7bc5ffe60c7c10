/* SPDX-License-Identifier: MIT */
/* The records of a sampler's log that are not samples, and what happens when there is no room. */
#include "prof/records.h"

#include "arch/clock.h"
#include "kernel/assert.h"
#include "kernel/tick.h"
#include "prof/image.h"
#include "prof/labels.h"

#define WORD_BYTES sizeof(uintptr_t)

static struct log_wide wide(uint64_t value)
{
    return (struct log_wide){(uint32_t)(value >> 32), (uint32_t)value};
}

static struct log_wide place_of(const volatile void *address)
{
    return wide((uintptr_t)address);
}

static void header_seal(struct sampler *sampler)
{
    struct sampler_header *header = &sampler->header;

    log_make(&header->record, LOG_HEADER, sampler->log.core, 0,
             sizeof header->header + ((header->header.build_id_bytes + 3) & ~3u));
}

static void header_set_rate(struct sampler *sampler, uint32_t high, uint32_t low)
{
    sampler->header.header.rate_millihertz_high = high;
    sampler->header.header.rate_millihertz_low = low;
}

/* The oldest record gives way: its ticks are now lost ones, or wait to be written again. */
static void give_way(struct sampler *sampler)
{
    const struct log_record *oldest = log_oldest(&sampler->log);
    const struct log_sample *sample = (const struct log_sample *)(oldest + 1);
    const struct log_lost *lost = (const struct log_lost *)(oldest + 1);
    const struct log_rate *rate = (const struct log_rate *)(oldest + 1);
    struct weft_profile_totals *totals = &sampler->totals;

    if (oldest->type == LOG_SAMPLE && sample->context == CONTEXT_BLOCKED) {
        totals->waited -= sample->count;
        totals->waited_lost += sample->count;
    } else if (oldest->type == LOG_SAMPLE) {
        totals->recorded -= sample->count;
        totals->lost_full += sample->count;
    } else if (oldest->type == LOG_LOST) {
        __atomic_fetch_add(lost->reason == REASON_ATOMIC64 ? &sampler->pending_atomic64
                                                           : &sampler->pending_nolock,
                           lost->count, __ATOMIC_RELAXED);
    } else if (oldest->type == LOG_RATE) {
        header_set_rate(sampler, rate->millihertz_high, rate->millihertz_low);
        header_seal(sampler);
    }
    log_drop(&sampler->log);
}

/* Room for a record of up to so many bytes, or NULL: what it would have said is to be counted. */
void *records_open(struct sampler *sampler, size_t payload_bytes, bool reserved)
{
    void *payload = log_open(&sampler->log, payload_bytes, reserved);

    while (__builtin_expect(payload == NULL, 0) && (sampler->flags & LOG_KEEPS_NEWEST) != 0) {
        give_way(sampler);
        payload = log_open(&sampler->log, payload_bytes, reserved);
    }
    return payload;
}

/* Ticks that were only counted so far become a record, if there is room; otherwise they go on
 * waiting. */
static void write_pending(struct sampler *sampler, uint32_t *pending, enum log_reason reason,
                          bool reserved)
{
    struct log_lost *lost;

    if (__atomic_load_n(pending, __ATOMIC_RELAXED) == 0)
        return;
    lost = records_open(sampler, sizeof *lost, reserved);
    if (lost == NULL)
        return;
    lost->reason = reason;
    lost->count = __atomic_exchange_n(pending, 0, __ATOMIC_RELAXED);
    log_commit(&sampler->log, LOG_LOST, sizeof *lost);
}

void records_losses(struct sampler *sampler, bool reserved)
{
    write_pending(sampler, &sampler->pending_atomic64, REASON_ATOMIC64, reserved);
    write_pending(sampler, &sampler->pending_nolock, REASON_NO_LOCK, reserved);
}

/* Before a sample of another rate; false: no room, so there is none for the sample either. */
bool records_rate(struct sampler *sampler)
{
    struct log_rate *rate;

    if (__builtin_expect(!sampler->rate_unsaid, 1))
        return true;
    rate = records_open(sampler, sizeof *rate, false);
    if (rate == NULL)
        return false;
    rate->millihertz_high = (uint32_t)(sampler->rate_millihertz >> 32);
    rate->millihertz_low = (uint32_t)sampler->rate_millihertz;
    log_commit(&sampler->log, LOG_RATE, sizeof *rate);
    sampler->rate_unsaid = false;
    return true;
}

static void fill_directory(const struct sampler *sampler, struct log_directory *directory)
{
    directory->self = place_of(&sampler->header);
    directory->ring = place_of(sampler->log.bytes);
    directory->ended = place_of(&sampler->ended);
    directory->live = place_of(&sampler->totals);
    directory->positions = place_of(&sampler->log.written);
    directory->names = place_of(sampler->names.entry);
    directory->labels = place_of(labels);
    directory->ring_bytes = sampler->log.capacity_bytes;
    directory->names_count = NAMES_SLOTS;
    directory->labels_count = WEFT_CONFIG_PROFILE_LABELS;
}

void records_header(struct sampler *sampler)
{
    struct log_header *header = &sampler->header.header;
    uint32_t id_bytes;
    const unsigned char *id = image_build_id(&id_bytes);

    header->version = LOG_VERSION;
    header->word_bytes = WORD_BYTES;
    header_set_rate(sampler, (uint32_t)(sampler->rate_millihertz >> 32),
                    (uint32_t)sampler->rate_millihertz);
    header->text_start_high = (uint32_t)((uint64_t)image_text_start() >> 32);
    header->text_start_low = (uint32_t)image_text_start();
    header->text_end_high = (uint32_t)((uint64_t)image_text_end() >> 32);
    header->text_end_low = (uint32_t)image_text_end();
    header->cores = (sampler->flags & LOG_REMOTE) != 0 ? 1 : WEFT_CONFIG_CORES;
    header->flags = sampler->flags;
    fill_directory(sampler, &header->directory);
    header->build_id_bytes = id_bytes < SAMPLER_ID_BYTES_MAX ? id_bytes : SAMPLER_ID_BYTES_MAX;
    for (uint32_t i = 0; i < SAMPLER_ID_BYTES_MAX; i++) {
        sampler->header.build_id[i] = i < header->build_id_bytes ? id[i] : 0;
        __asm__ volatile(""); /* not a call of memcpy */
    }
    header_seal(sampler);
}

/* The losses that wait, for which room is kept, and the totals. */
void records_end(struct sampler *sampler)
{
    uint64_t duration_ns = tick_cycles_to_ns(arch_clock_now_irqoff() - sampler->started_cycles);
    const struct weft_profile_totals *totals = &sampler->totals;
    struct log_end *end = &sampler->ended.end;

    records_losses(sampler, true);
    ASSERT(sampler->pending_atomic64 == 0 && sampler->pending_nolock == 0);
    /* Requirements C3, at the end of every profile of every program. */
    ASSERT(totals->ticks == totals->recorded + totals->lost_atomic64 + totals->lost_full +
                                totals->lost_nolock + totals->suppressed);
    end->ticks = totals->ticks;
    end->recorded = totals->recorded;
    end->lost_atomic64 = totals->lost_atomic64;
    end->lost_full = totals->lost_full;
    end->lost_nolock = totals->lost_nolock;
    end->suppressed = totals->suppressed;
    end->waited = totals->waited;
    end->waited_lost = totals->waited_lost;
    end->duration_ns_high = (uint32_t)(duration_ns >> 32);
    end->duration_ns_low = (uint32_t)duration_ns;
    log_make(&sampler->ended.record, LOG_END, sampler->log.core, sampler->log.sequence,
             sizeof *end);
}
