/* SPDX-License-Identifier: MIT */
#include "tools/weft/log_reader.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prof/log_format.h"
#include "tools/weft/log_parts.h"
#include "tools/weft/log_record.h"

#define PROBLEMS_SHOWN 8

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

void log_reader_problem(struct log_reader *reader, const char *format, ...)
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

void log_reader_malformed(struct log_reader *reader, const struct log_item *record,
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
    log_totals_clear(core);
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

void log_reader_count_lost(struct log_reader *reader, struct log_core *core, uint8_t number,
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
    log_reader_count_lost(reader, core, record->core_number, reason, count);
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
        log_totals_end(reader, core, &record);
    else if (record.type == LOG_THREAD)
        log_names_thread(reader, &record);
    else if (record.type == LOG_RATE)
        reader_rate(reader, core, &record);
    else if (record.type == LOG_LABEL)
        log_names_label(reader, &record);
    else if (record.type == LOG_WAIT)
        log_names_wait(reader, &record);
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
