/* SPDX-License-Identifier: MIT */
/* Records with right checks and arbitrary contents: the reader may complain, but must stay in
 * bounds. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/unit/tool_log.h"
#include "tools/weft/log_reader.h"

static uint64_t random_state = 88172645463325252u;

/* xorshift: the same on every machine. */
static uint32_t random_32(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 16);
}

static const uint8_t build_id[4] = {1, 2, 3, 4};

static void add_random_record(struct log_writer *writer)
{
    uint8_t type = (uint8_t)(random_32() % 7), core = (uint8_t)(random_32() % 3);
    uint32_t words = random_32() % 16;

    writer_begin(writer, type, core);
    for (uint32_t i = 0; i < words; i++)
        writer_32(writer, &writer->record, random_32() % 3 == 0 ? random_32() : random_32() % 12);
    writer_finish(writer);
}

/* Exactly sized copies, so that a tool that watches memory sees every byte read too far. */
static void feed_exactly(struct log_reader *reader, const struct buffer *record)
{
    uint8_t *copy = malloc(record->length);

    cr_assert_not_null(copy);
    memcpy(copy, record->data, record->length);
    log_reader_record(reader, copy, record->length, 0);
    free(copy);
}

static void check_random_records(bool big_endian, uint32_t word_bytes)
{
    const struct log_image image = {"image", big_endian, word_bytes, build_id, sizeof build_id};
    struct log_writer writer = {.big_endian = big_endian, .word_bytes = word_bytes};
    struct log_reader *reader = memory_zeroed(sizeof *reader);
    uint64_t sum = 0;

    log_reader_init(reader, &image);
    for (unsigned i = 0; i < 50000; i++) {
        buffer_clear(&writer.stream);
        add_random_record(&writer);
        feed_exactly(reader, &writer.record);
    }
    log_reader_finish(reader);
    cr_assert_eq(reader->records, 50000);
    cr_assert(!log_reader_complete(reader));
    cr_assert_gt(log_reader_stack_count(reader), 100, "hardly any sample was right by chance");
    for (size_t i = 0; i < log_reader_stack_count(reader); i++) {
        struct log_stack stack = log_reader_stack(reader, i);

        for (uint32_t level = 0; level < stack.depth; level++)
            cr_assert_neq(stack.pcs[level], 0);
        sum += stack.count;
    }
    cr_assert_gt(sum, 0);
    log_reader_free(reader);
    free(reader);
    writer_free(&writer);
}

Test(tool_log_reader, arbitrary_contents_stay_in_bounds)
{
    check_random_records(true, 4);
    check_random_records(false, 4);
    check_random_records(true, 8);
    check_random_records(false, 8);
}

/* A record is taken only with a right check, a right magic and a right length. */
Test(tool_log_reader, a_record_with_any_flipped_bit_is_none)
{
    const struct log_image image = {"image", true, 4, build_id, sizeof build_id};
    struct log_writer writer = {.big_endian = true, .word_bytes = 4};
    const struct log_sample sample = {1, CONTEXT_THREAD, REASON_FULL, 2, 3, 0, 0, 0};
    const uint64_t pcs[] = {0x80100000, 0x80100100};

    writer_sample(&writer, 0, &sample, pcs);
    for (size_t bit = 0; bit < writer.record.length * 8; bit++) {
        struct log_reader *reader = memory_zeroed(sizeof *reader);

        log_reader_init(reader, &image);
        writer.record.data[bit / 8] ^= (char)(1 << bit % 8);
        feed_exactly(reader, &writer.record);
        cr_assert_eq(reader->records, 0, "bit %zu", bit);
        cr_assert_eq(reader->problem_count, 1);
        writer.record.data[bit / 8] ^= (char)(1 << bit % 8);
        log_reader_free(reader);
        free(reader);
    }
    writer_free(&writer);
}

/* The words of 8-byte images, in both orders: halves must not be swapped. */
Test(tool_log_reader, words_are_read_in_their_order)
{
    for (unsigned kind = 0; kind < 4; kind++) {
        bool big_endian = kind & 1;
        uint32_t word_bytes = kind & 2 ? 8 : 4;
        const struct log_image image = {"image", big_endian, word_bytes, build_id, 4};
        struct log_writer writer = {.big_endian = big_endian, .word_bytes = word_bytes};
        const struct log_sample sample = {1, CONTEXT_THREAD, REASON_FULL, 2, 3, 0, 0, 0};
        const uint64_t pcs[] = {word_bytes == 8 ? 0x123456789abcdef0u : 0x9abcdef0u, 0xffffffffu};
        struct log_reader *reader = memory_zeroed(sizeof *reader);
        struct log_stack stack;

        log_reader_init(reader, &image);
        writer_header(&writer, 0, 1, 0x123456789u, build_id, 4);
        feed_exactly(reader, &writer.record);
        writer_sample(&writer, 0, &sample, pcs);
        feed_exactly(reader, &writer.record);
        stack = log_reader_stack(reader, 0);
        cr_assert_eq(reader->problem_count, 0, "%s", buffer_text(&reader->problems));
        cr_assert_eq(log_reader_rate_millihertz(reader), 0x123456789u);
        cr_assert_eq(stack.depth, 2);
        cr_assert_eq(stack.pcs[0], pcs[0]);
        cr_assert_eq(stack.pcs[1], pcs[1]);
        log_reader_free(reader);
        free(reader);
        writer_free(&writer);
    }
}

/* pc 0 is nobody's: what lies behind it in the record is not the stack. */
Test(tool_log_reader, a_stack_ends_at_its_first_zero)
{
    const struct log_image image = {"image", true, 4, build_id, 4};
    struct log_writer writer = {.big_endian = true, .word_bytes = 4};
    const struct log_sample sample = {1, CONTEXT_THREAD, REASON_BOUNDS, 3, 1, 0, 0, 0};
    const uint64_t pcs[] = {0x80100000, 0, 0x80100100};
    struct log_reader *reader = memory_zeroed(sizeof *reader);

    log_reader_init(reader, &image);
    writer_sample(&writer, 0, &sample, pcs);
    feed_exactly(reader, &writer.record);
    cr_assert_eq(log_reader_stack(reader, 0).depth, 1);
    log_reader_free(reader);
    free(reader);
    writer_free(&writer);
}
