/* SPDX-License-Identifier: MIT */
/* What a core says at its end, compared with what came; and what all of them come to. */
#include <inttypes.h>

#include "prof/log_format.h"
#include "tools/weft/log_parts.h"

void log_totals_clear(struct log_core *core)
{
    core->recorded = core->waited = core->lost_atomic64 = core->lost_nolock = 0;
}

/* Compares what the end record says with what came, as the target counts: modulo 2^32. */
static void totals_compare(struct log_reader *reader, const struct log_core *core, unsigned number,
                           uint64_t offset, const struct log_end *end)
{
    uint32_t sum =
        end->recorded + end->lost_atomic64 + end->lost_full + end->lost_nolock + end->suppressed;

    if (end->ticks != sum)
        log_reader_problem(reader,
                           "core %u: ticks=%u, but recorded, lost and suppressed add up to %u "
                           "at offset %" PRIu64,
                           number, end->ticks, sum, offset);
    if (end->recorded != core->recorded)
        log_reader_problem(reader,
                           "core %u: recorded=%u, but the samples received add up to %u at "
                           "offset %" PRIu64,
                           number, end->recorded, core->recorded, offset);
    if (end->waited != core->waited)
        log_reader_problem(reader,
                           "core %u: waited=%u, but the samples of blocked threads received add "
                           "up to %u at offset %" PRIu64,
                           number, end->waited, core->waited, offset);
    if (end->lost_atomic64 != core->lost_atomic64)
        log_reader_problem(reader,
                           "core %u: lost_atomic64=%u, but the loss records received add up to "
                           "%u at offset %" PRIu64,
                           number, end->lost_atomic64, core->lost_atomic64, offset);
}

static void core_end(struct log_core *core, const struct log_end *end)
{
    core->open = false;
    log_totals_clear(core);
    core->totals.ticks += end->ticks;
    core->totals.recorded += end->recorded;
    core->totals.lost_atomic64 += end->lost_atomic64;
    core->totals.lost_full += end->lost_full;
    core->totals.lost_nolock += end->lost_nolock;
    core->totals.suppressed += end->suppressed;
    core->totals.waited += end->waited;
    core->totals.waited_lost += end->waited_lost;
    core->duration_ns += (uint64_t)end->duration_ns_high << 32 | end->duration_ns_low;
}

void log_totals_end(struct log_reader *reader, struct log_core *core, const struct log_item *record)
{
    struct log_end end;
    uint32_t *fields = &end.ticks;

    if (record->payload_bytes != sizeof end) {
        log_reader_malformed(reader, record, "an end record with a wrong length");
        return;
    }
    for (size_t i = 0; i < sizeof end / 4; i++)
        fields[i] = log_record_32(record, i);
    totals_compare(reader, core, record->core_number, record->offset, &end);
    core_end(core, &end);
}

void log_reader_live(struct log_reader *reader, unsigned number, const struct log_end *live,
                     uint64_t offset)
{
    struct log_core *core = &reader->cores[number];
    struct log_end end = *live;
    uint64_t ns;

    /* A tick was being taken: it is counted, and has no record. */
    end.suppressed = end.ticks - end.recorded - end.lost_atomic64 - end.lost_full - end.lost_nolock;
    if (end.lost_atomic64 != core->lost_atomic64)
        log_reader_count_lost(reader, core, (uint8_t)number, REASON_ATOMIC64,
                              end.lost_atomic64 - core->lost_atomic64);
    if (end.lost_nolock != core->lost_nolock)
        log_reader_count_lost(reader, core, (uint8_t)number, REASON_NO_LOCK,
                              end.lost_nolock - core->lost_nolock);
    totals_compare(reader, core, number, offset, &end);
    ns = core->rate_millihertz == 0
             ? 0
             : (uint64_t)((unsigned __int128)end.ticks * 1000000000000u / core->rate_millihertz);
    end.duration_ns_high = (uint32_t)(ns >> 32);
    end.duration_ns_low = (uint32_t)ns;
    core_end(core, &end);
}

struct log_totals log_reader_totals(const struct log_reader *reader)
{
    struct log_totals sum = {0};

    for (unsigned i = 0; i < LOG_CORES_MAX; i++) {
        const struct log_totals *core = &reader->cores[i].totals;

        sum.ticks += core->ticks;
        sum.recorded += core->recorded;
        sum.lost_atomic64 += core->lost_atomic64;
        sum.lost_full += core->lost_full;
        sum.lost_nolock += core->lost_nolock;
        sum.suppressed += core->suppressed;
        sum.waited += core->waited;
        sum.waited_lost += core->waited_lost;
    }
    return sum;
}

unsigned log_reader_core_count(const struct log_reader *reader)
{
    unsigned count = 0;

    for (unsigned i = 0; i < LOG_CORES_MAX; i++)
        count += reader->cores[i].seen;
    return count;
}

uint64_t log_reader_duration_ns(const struct log_reader *reader)
{
    uint64_t longest = 0;

    for (unsigned i = 0; i < LOG_CORES_MAX; i++)
        if (reader->cores[i].duration_ns > longest)
            longest = reader->cores[i].duration_ns;
    return longest;
}

uint64_t log_reader_rate_millihertz(const struct log_reader *reader)
{
    for (unsigned i = 0; i < LOG_CORES_MAX; i++)
        if (reader->cores[i].first_rate_millihertz != 0)
            return reader->cores[i].first_rate_millihertz;
    return 0;
}
