/* SPDX-License-Identifier: MIT */
#include "tools/weft/log_reader.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prof/log_format.h"
#include "tools/weft/log_record.h"

#define PROBLEMS_SHOWN 8
#define NAME_BYTES_MAX 32u

/* Everything that makes two samples the same; the pcs follow. Compared bytewise: no padding. */
struct stack_key {
    uint32_t thread;
    uint8_t core, context, reason, lost;
    uint16_t labels;
    uint8_t wait, on;
    uint32_t unused;
    uint64_t rate_millihertz;
};
_Static_assert(sizeof(struct stack_key) == 24, "a key must not have padding");

void log_reader_init(struct log_reader *reader, const struct log_image *image)
{
    memset(reader, 0, sizeof *reader);
    reader->image = image;
}

void log_reader_free(struct log_reader *reader)
{
    for (size_t i = 0; i < reader->threads.count; i++)
        free(reader->names[i]);
    for (size_t i = 0; i < reader->label_numbers.count; i++) {
        free(reader->labels[i].key);
        free(reader->labels[i].value);
    }
    for (size_t i = 0; i < 256; i++)
        free(reader->waits[i]);
    free(reader->labels);
    free(reader->names);
    free(reader->counts);
    map_free(&reader->label_numbers);
    map_free(&reader->threads);
    map_free(&reader->stacks);
    buffer_free(&reader->problems);
    buffer_free(&reader->refusal);
}

static void __attribute__((format(printf, 2, 3)))
log_reader_problem(struct log_reader *reader, const char *format, ...)
{
    char clause[256];
    va_list arguments;

    reader->problem_count++;
    if (reader->problem_count > PROBLEMS_SHOWN)
        return;
    va_start(arguments, format);
    vsnprintf(clause, sizeof clause, format, arguments);
    va_end(arguments);
    if (reader->problems.length > 0)
        buffer_string(&reader->problems, "; ");
    buffer_string(&reader->problems, clause);
}

void log_reader_damage(struct log_reader *reader, uint64_t offset, const char *what)
{
    log_reader_problem(reader, "%s at offset %" PRIu64, what, offset);
}

static void log_reader_malformed(struct log_reader *reader, const struct log_item *record,
                                 const char *what)
{
    log_reader_problem(reader, "core %u: %s at offset %" PRIu64, record->core_number, what,
                       record->offset);
}

/*
 * Follows the core's sequence numbers. False: the record was there before and must not count twice.
 * A header may start again at 0, because a new profile may.
 */
static bool reader_sequence(struct log_reader *reader, struct log_core *core,
                            const struct log_item *record)
{
    uint16_t ahead = (uint16_t)(record->sequence - core->sequence);
    bool restart = record->type == LOG_HEADER && !core->open && record->sequence == 0;

    if (core->seen && !restart && ahead != 1 && !core->gap_allowed) {
        if (ahead == 0 || ahead > UINT16_MAX / 2) {
            log_reader_problem(
                reader, "core %u: record %u again, after record %u, at offset %" PRIu64,
                record->core_number, record->sequence, core->sequence, record->offset);
            return false;
        }
        log_reader_problem(reader,
                           "core %u: %u record%s missing between %u and %u before offset %" PRIu64,
                           record->core_number, ahead - 1u, ahead == 2 ? "" : "s", core->sequence,
                           record->sequence, record->offset);
    }
    core->seen = true;
    core->gap_allowed = false;
    core->sequence = record->sequence;
    return true;
}

static void __attribute__((format(printf, 2, 3)))
reader_refuse(struct log_reader *reader, const char *format, ...)
{
    char clause[1024];
    va_list arguments;

    if (reader->refusal.length > 0)
        return;
    va_start(arguments, format);
    vsnprintf(clause, sizeof clause, format, arguments);
    va_end(arguments);
    buffer_string(&reader->refusal, clause);
}

static void append_hex(struct buffer *text, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        buffer_printf(text, "%02x", bytes[i]);
}

static void reader_check_build_id(struct log_reader *reader, const uint8_t *id, size_t length)
{
    const struct log_image *image = reader->image;
    struct buffer theirs = {0}, ours = {0};

    append_hex(&theirs, id, length);
    append_hex(&ours, image->build_id, image->build_id_bytes);
    if (image->build_id_bytes == 0)
        reader_refuse(reader, "%s has no build id, so it cannot be told whether it is what ran",
                      image->path);
    else if (length == 0)
        reader_refuse(reader, "the log carries no build id, so it cannot be told whether %s ran",
                      image->path);
    else if (length != image->build_id_bytes || memcmp(id, image->build_id, length) != 0)
        reader_refuse(reader, "%s is not the image that ran: its build id is %s, the log's is %s",
                      image->path, buffer_text(&ours), buffer_text(&theirs));
    buffer_free(&theirs);
    buffer_free(&ours);
}

#define HEADER_FIELDS (sizeof(struct log_header) / 4)

static void reader_check_image(struct log_reader *reader, const struct log_item *record)
{
    uint32_t version = log_record_32(record, 0), word_bytes = log_record_32(record, 1);
    uint32_t id_bytes = log_record_32(record, HEADER_FIELDS - 1);

    if (version != LOG_VERSION)
        reader_refuse(reader, "the log has version %u, this tool reads version %u", version,
                      LOG_VERSION);
    if (id_bytes > record->payload_bytes - sizeof(struct log_header)) {
        log_reader_malformed(reader, record, "a header record with a wrong length");
        return;
    }
    reader_check_build_id(reader, record->payload + sizeof(struct log_header), id_bytes);
    if (word_bytes != reader->image->word_bytes || record->big_endian != reader->image->big_endian)
        reader_refuse(reader, "%s is not the image that ran: the log has %u-byte %s-endian words",
                      reader->image->path, word_bytes, record->big_endian ? "big" : "little");
}

static void core_clear(struct log_core *core)
{
    core->recorded = core->waited = core->lost_atomic64 = core->lost_nolock = 0;
}

static void reader_header(struct log_reader *reader, struct log_core *core,
                          const struct log_item *record)
{
    uint32_t flags;

    if (record->payload_bytes < sizeof(struct log_header)) {
        log_reader_malformed(reader, record, "a header record that is too short");
        return;
    }
    reader_check_image(reader, record);
    if (core->open)
        log_reader_malformed(reader, record, "a header record before the last profile's end");
    core->open = true;
    core->headers++;
    core_clear(core);
    core->rate_millihertz = log_record_64(record, 2);
    if (core->first_rate_millihertz == 0)
        core->first_rate_millihertz = core->rate_millihertz;
    core->text_start = log_record_64(record, 4);
    core->text_end = log_record_64(record, 6);
    reader->cores_expected = log_record_32(record, 8);
    flags = log_record_32(record, 9);
    reader->flags |= flags;
    core->gap_allowed = (flags & LOG_KEEPS_NEWEST) != 0;
    if (core->rate_millihertz == 0)
        log_reader_malformed(reader, record, "a header record with rate 0");
}

static void reader_count(struct log_reader *reader, const void *key, size_t length, uint32_t count)
{
    bool is_new;
    size_t number = map_number(&reader->stacks, key, length, &is_new);

    reader->counts = array_reserve(reader->counts, &reader->counts_capacity, number + 1,
                                   sizeof reader->counts[0]);
    reader->counts[number] = (is_new ? 0 : reader->counts[number]) + count;
}

static void reader_sample(struct log_reader *reader, struct log_core *core,
                          const struct log_item *record)
{
    const uint8_t *fixed = record->payload;
    uint32_t word_bytes = reader->image->word_bytes;
    uint32_t depth, count;
    struct stack_key *key;
    uint64_t *pcs;
    size_t key_bytes;

    if (record->payload_bytes < sizeof(struct log_sample)) {
        log_reader_malformed(reader, record, "a sample record that is too short");
        return;
    }
    depth = log_record_16(record, 6);
    count = log_record_32(record, 2);
    if (record->payload_bytes != sizeof(struct log_sample) + depth * word_bytes || count == 0 ||
        fixed[4] > CONTEXT_BLOCKED || fixed[5] > REASON_NO_ANSWER) {
        log_reader_malformed(reader, record, "a sample record that contradicts itself");
        return;
    }
    key = memory_zeroed(sizeof *key + depth * sizeof *pcs);
    *key = (struct stack_key){.thread = log_record_32(record, 0),
                              .core = record->core_number,
                              .context = fixed[4],
                              .reason = fixed[5],
                              .labels = log_record_16(record, 12),
                              .wait = fixed[14],
                              .on = fixed[15],
                              .rate_millihertz = core->rate_millihertz};
    pcs = (uint64_t *)(key + 1);
    for (key_bytes = 0; key_bytes < depth; key_bytes++) {
        pcs[key_bytes] = log_record_word(record, sizeof(struct log_sample), key_bytes, word_bytes);
        if (pcs[key_bytes] == 0)
            break; /* pc 0 is nobody's: the stack ends here */
    }
    reader_count(reader, key, sizeof *key + key_bytes * sizeof *pcs, count);
    free(key);
    *(fixed[4] == CONTEXT_BLOCKED ? &core->waited : &core->recorded) += count;
}

static void reader_count_lost(struct log_reader *reader, struct log_core *core, uint8_t number,
                              uint32_t reason, uint32_t count)
{
    struct stack_key key = {.core = number,
                            .on = number,
                            .context = CONTEXT_SYSTEM,
                            .reason = (uint8_t)reason,
                            .lost = 1,
                            .rate_millihertz = core->rate_millihertz};

    reader_count(reader, &key, sizeof key, count);
    if (reason == REASON_ATOMIC64)
        core->lost_atomic64 += count;
    else if (reason == REASON_NO_LOCK)
        core->lost_nolock += count;
}

static void reader_lost(struct log_reader *reader, struct log_core *core,
                        const struct log_item *record)
{
    uint32_t reason, count;

    if (record->payload_bytes != sizeof(struct log_lost)) {
        log_reader_malformed(reader, record, "a loss record with a wrong length");
        return;
    }
    reason = log_record_32(record, 0);
    count = log_record_32(record, 1);
    if (reason > REASON_NO_ANSWER || count == 0) {
        log_reader_malformed(reader, record, "a loss record that contradicts itself");
        return;
    }
    reader_count_lost(reader, core, record->core_number, reason, count);
}

/* Compares what the end record says with what came, as the target counts: modulo 2^32. */
static void reader_compare(struct log_reader *reader, const struct log_core *core, unsigned number,
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
    core_clear(core);
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

static void reader_end(struct log_reader *reader, struct log_core *core,
                       const struct log_item *record)
{
    struct log_end end;
    uint32_t *fields = &end.ticks;

    if (record->payload_bytes != sizeof end) {
        log_reader_malformed(reader, record, "an end record with a wrong length");
        return;
    }
    for (size_t i = 0; i < sizeof end / 4; i++)
        fields[i] = log_record_32(record, i);
    reader_compare(reader, core, record->core_number, record->offset, &end);
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
        reader_count_lost(reader, core, (uint8_t)number, REASON_ATOMIC64,
                          end.lost_atomic64 - core->lost_atomic64);
    if (end.lost_nolock != core->lost_nolock)
        reader_count_lost(reader, core, (uint8_t)number, REASON_NO_LOCK,
                          end.lost_nolock - core->lost_nolock);
    reader_compare(reader, core, number, offset, &end);
    ns = core->rate_millihertz == 0
             ? 0
             : (uint64_t)((unsigned __int128)end.ticks * 1000000000000u / core->rate_millihertz);
    end.duration_ns_high = (uint32_t)(ns >> 32);
    end.duration_ns_low = (uint32_t)ns;
    core_end(core, &end);
}

static char *reader_text(const uint8_t *bytes, size_t count)
{
    char *text = memory_zeroed(count + 1);

    memcpy(text, bytes, count);
    return text;
}

void log_reader_name(struct log_reader *reader, uint32_t thread, const uint8_t *name, size_t bytes)
{
    bool is_new;
    size_t number = map_number(&reader->threads, &thread, sizeof thread, &is_new);

    reader->names =
        array_reserve(reader->names, &reader->names_capacity, number + 1, sizeof reader->names[0]);
    if (!is_new)
        free(reader->names[number]);
    reader->names[number] = reader_text(name, bytes);
}

static void reader_thread(struct log_reader *reader, const struct log_item *record)
{
    uint32_t name_bytes;

    if (record->payload_bytes < sizeof(struct log_thread) ||
        (name_bytes = log_record_32(record, 1)) > NAME_BYTES_MAX ||
        name_bytes > record->payload_bytes - sizeof(struct log_thread)) {
        log_reader_malformed(reader, record, "a thread record with a wrong length");
        return;
    }
    log_reader_name(reader, log_record_32(record, 0), record->payload + sizeof(struct log_thread),
                    name_bytes);
}

void log_reader_label(struct log_reader *reader, uint32_t label, uint32_t parent,
                      const uint8_t *key, size_t key_bytes, const uint8_t *value,
                      size_t value_bytes)
{
    bool is_new;
    size_t number = map_number(&reader->label_numbers, &label, sizeof label, &is_new);
    struct log_reader_label *entry;

    reader->labels = array_reserve(reader->labels, &reader->labels_capacity, number + 1,
                                   sizeof reader->labels[0]);
    entry = &reader->labels[number];
    if (!is_new) {
        free(entry->key);
        free(entry->value);
    }
    *entry = (struct log_reader_label){parent, reader_text(key, key_bytes),
                                       reader_text(value, value_bytes)};
}

static void reader_label(struct log_reader *reader, const struct log_item *record)
{
    size_t room = record->payload_bytes - sizeof(struct log_label), key_room;
    uint32_t key_bytes, value_bytes, label, parent;

    if (record->payload_bytes >= sizeof(struct log_label)) {
        label = log_record_32(record, 0);
        parent = log_record_32(record, 1);
        key_bytes = log_record_32(record, 2);
        value_bytes = log_record_32(record, 3);
        key_room = (key_bytes + 3u) & ~(size_t)3;
        if (key_bytes <= LOG_LABEL_BYTES && value_bytes <= LOG_LABEL_BYTES && key_room <= room &&
            value_bytes <= room - key_room && parent < label) {
            const uint8_t *key = record->payload + sizeof(struct log_label);

            log_reader_label(reader, label, parent, key, key_bytes, key + key_room, value_bytes);
            return;
        }
    }
    log_reader_malformed(reader, record, "a label record that contradicts itself");
}

static void reader_wait(struct log_reader *reader, const struct log_item *record)
{
    uint32_t wait, name_bytes;

    if (record->payload_bytes < sizeof(struct log_wait) ||
        (wait = log_record_32(record, 0)) > UINT8_MAX ||
        (name_bytes = log_record_32(record, 1)) > NAME_BYTES_MAX ||
        name_bytes > record->payload_bytes - sizeof(struct log_wait)) {
        log_reader_malformed(reader, record, "a record of a reason for waiting that is wrong");
        return;
    }
    free(reader->waits[wait]);
    reader->waits[wait] = reader_text(record->payload + sizeof(struct log_wait), name_bytes);
}

static void reader_rate(struct log_reader *reader, struct log_core *core,
                        const struct log_item *record)
{
    if (record->payload_bytes != sizeof(struct log_rate) || log_record_64(record, 0) == 0)
        log_reader_malformed(reader, record, "a rate record that is wrong");
    else
        core->rate_millihertz = log_record_64(record, 0);
}

void log_reader_record(struct log_reader *reader, const uint8_t *bytes, size_t length,
                       uint64_t offset)
{
    struct log_item record;
    struct log_core *core;

    if (!log_record_open(&record, bytes, length, offset)) {
        log_reader_damage(reader, offset, "a record whose check is wrong");
        return;
    }
    reader->records++;
    core = &reader->cores[record.core_number];
    if (!reader_sequence(reader, core, &record))
        return;
    if (record.type != LOG_HEADER && !core->open && !core->headerless) {
        core->headerless = true;
        log_reader_malformed(reader, &record, "a record without a header record before it");
    }
    if (record.type == LOG_HEADER)
        reader_header(reader, core, &record);
    else if (record.type == LOG_SAMPLE)
        reader_sample(reader, core, &record);
    else if (record.type == LOG_LOST)
        reader_lost(reader, core, &record);
    else if (record.type == LOG_END)
        reader_end(reader, core, &record);
    else if (record.type == LOG_THREAD)
        reader_thread(reader, &record);
    else if (record.type == LOG_RATE)
        reader_rate(reader, core, &record);
    else if (record.type == LOG_LABEL)
        reader_label(reader, &record);
    else if (record.type == LOG_WAIT)
        reader_wait(reader, &record);
    else
        log_reader_malformed(reader, &record, "a record of unknown type");
}

void log_reader_finish(struct log_reader *reader)
{
    unsigned headers = 0;

    for (unsigned i = 0; i < LOG_CORES_MAX; i++) {
        if (reader->cores[i].open)
            log_reader_problem(reader, "core %u: its end record is missing", i);
        headers += reader->cores[i].headers > 0;
    }
    if (headers < reader->cores_expected)
        log_reader_problem(reader, "only %u of %u cores sent a header record", headers,
                           reader->cores_expected);
    if (reader->problem_count > PROBLEMS_SHOWN)
        buffer_printf(&reader->problems, "; and %u more", reader->problem_count - PROBLEMS_SHOWN);
}

bool log_reader_complete(const struct log_reader *reader)
{
    return reader->records > 0 && reader->problem_count == 0 && reader->refusal.length == 0;
}

size_t log_reader_stack_count(const struct log_reader *reader)
{
    return reader->stacks.count;
}

struct log_stack log_reader_stack(const struct log_reader *reader, size_t number)
{
    const struct map_entry *entry = &reader->stacks.entries[number];
    const struct stack_key *key = entry->key;

    return (struct log_stack){.core = key->core,
                              .context = key->context,
                              .reason = key->reason,
                              .lost = key->lost != 0,
                              .on = key->on,
                              .wait = key->wait,
                              .labels = key->labels,
                              .rate_millihertz = key->rate_millihertz,
                              .thread = key->thread,
                              .depth = (uint32_t)((entry->length - sizeof *key) / sizeof(uint64_t)),
                              .pcs = (const uint64_t *)(key + 1),
                              .count = reader->counts[number]};
}

const char *log_reader_thread_name(const struct log_reader *reader, uint32_t thread)
{
    size_t number;

    if (!map_find(&reader->threads, &thread, sizeof thread, &number))
        return NULL;
    return reader->names[number];
}

const struct log_reader_label *log_reader_label_find(const struct log_reader *reader,
                                                     uint32_t label)
{
    size_t number;

    if (label == 0 || !map_find(&reader->label_numbers, &label, sizeof label, &number))
        return NULL;
    return &reader->labels[number];
}

const char *log_reader_wait_name(const struct log_reader *reader, uint8_t wait)
{
    static char text[32];

    if (reader->waits[wait] != NULL)
        return reader->waits[wait];
    snprintf(text, sizeof text, "wait reason %u", wait);
    return text;
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
