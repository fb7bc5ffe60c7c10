/* SPDX-License-Identifier: MIT */
/* The log's records in memory and their frames on the line, read back by an independent reader
 * written here from the words of prof/log_format.h. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "prof/frame.h"
#include "prof/log.h"
#include "prof/names.h"
#include "prof_check.h"
#include "prof_fake.h"

static uint32_t memory[4096];
static struct log log_under_test;

static void setup(void)
{
    fake_reset();
    memset(memory, 0x5a, sizeof memory);
    log_init(&log_under_test, memory, sizeof memory, 3, 0);
}

TestSuite(prof_log, .init = setup);

static void add_sample(uint32_t thread, unsigned depth, uintptr_t first_pc)
{
    struct log_sample *sample =
        log_open(&log_under_test, sizeof *sample + depth * sizeof(uintptr_t), false);
    uintptr_t pc = first_pc;

    cr_assert(sample != NULL);
    *sample = (struct log_sample){thread, CONTEXT_THREAD, REASON_FULL, (uint16_t)depth, 1, 0, 0, 0};
    for (unsigned i = 0; i < depth; i++, pc++)
        memcpy((char *)(sample + 1) + i * sizeof pc, &pc, sizeof pc);
    log_commit_sample(&log_under_test, sample);
}

static unsigned count_records(void)
{
    const struct log_record *record;
    uint32_t position = log_under_test.read;
    unsigned count = 0, first = 0;

    while ((record = log_next(&log_under_test, &position, log_under_test.written)) != NULL) {
        const uint32_t *words = (const uint32_t *)record;

        /* Not cr_assert, which is a system call each. */
        first = count == 0 ? record->sequence : first;
        if (record->magic != LOG_MAGIC || record->core != 3 ||
            record->sequence != (uint16_t)(first + count) || record->length % 4 != 0 ||
            record->length < 12 ||
            words[record->length / 4 - 1] != log_check(words, record->length / 4 - 1u))
            cr_assert_fail("record %u is damaged", count);
        count++;
    }
    return count;
}

Test(prof_log, records_stand_for_themselves)
{
    for (unsigned i = 0; i < 20; i++)
        add_sample(i, i % 5, 0x1000 * (i + 1));
    cr_assert(count_records() == 20);
}

Test(prof_log, a_record_not_committed_is_not_in_the_log)
{
    add_sample(1, 2, 0x1000);
    cr_assert(log_open(&log_under_test, 100, false) != NULL);
    cr_assert(count_records() == 1);
}

/* What a handler can still write when the log is full of samples: both losses. */
Test(prof_log, room_for_losses_is_always_left)
{
    for (unsigned step = 4; step < 80; step += 4) {
        setup();
        while (log_open(&log_under_test, step, false) != NULL)
            log_commit(&log_under_test, LOG_SAMPLE, step);
        for (int i = 0; i < 2; i++) {
            cr_assert(log_open(&log_under_test, sizeof(struct log_lost), true) != NULL);
            log_commit(&log_under_test, LOG_LOST, sizeof(struct log_lost));
        }
        cr_assert(log_under_test.written - log_under_test.read <= sizeof memory);
        count_records();
    }
}

Test(prof_log, equal_neighbours_are_one_record_with_a_count)
{
    const struct log_sample *sample;

    for (unsigned i = 0; i < 1000; i++)
        add_sample(7, 2, 0x4000);
    cr_assert(count_records() == 1);
    sample = (const struct log_sample *)(log_oldest(&log_under_test) + 1);
    cr_assert(sample->count == 1000);
}

/* Anything that differs makes a record of its own. */
Test(prof_log, unequal_neighbours_are_two_records)
{
    add_sample(7, 2, 0x4000);
    add_sample(8, 2, 0x4000);
    add_sample(8, 3, 0x4000);
    add_sample(8, 3, 0x4001);
    add_sample(8, 3, 0x4000);
    cr_assert(count_records() == 5);
}

Test(prof_log, a_sample_behind_a_loss_is_not_merged_with_the_one_before_it)
{
    add_sample(7, 2, 0x4000);
    cr_assert(log_open(&log_under_test, sizeof(struct log_lost), false) != NULL);
    log_commit(&log_under_test, LOG_LOST, sizeof(struct log_lost));
    add_sample(7, 2, 0x4000);
    cr_assert(count_records() == 3);
}

/* ---- the ring ---- */

static unsigned oldest_thread(void)
{
    return ((const struct log_sample *)(log_oldest(&log_under_test) + 1))->thread;
}

/* Rounds over rounds of records of every size: each comes back whole, in order, also those before
 * and behind the ring's end. */
Test(prof_log, the_newest_stay_when_the_oldest_are_dropped)
{
    unsigned added = 0;

    srand(3);
    while (added < 30000) {
        unsigned depth = (unsigned)rand() % 64;

        while (log_open(&log_under_test, sizeof(struct log_sample) + 8 * depth, false) == NULL)
            log_drop(&log_under_test);
        add_sample(added++, depth, 0x1000);
        if (added % 500 == 0 && added - oldest_thread() != count_records())
            cr_assert_fail("%u added, %u is the oldest, %u there", added, oldest_thread(),
                           count_records());
    }
    cr_assert(log_under_test.written > 100 * sizeof memory);
    cr_assert(count_records() > 25);
}

/* A reader that takes records out while others are written: all that was written is read once. */
Test(prof_log, a_reader_empties_it_while_it_is_written)
{
    unsigned added = 0, taken = 0;

    srand(4);
    while (added < 20000) {
        uint32_t position = log_under_test.read, end = log_settled(&log_under_test);
        const struct log_record *record;

        for (int i = rand() % 20; i > 0; i--) {
            unsigned depth = (unsigned)rand() % 20;

            if (log_open(&log_under_test, sizeof(struct log_sample) + 8 * depth, false) != NULL)
                add_sample(added++ / 3, depth, 0x1000); /* some grow the newest one's count */
        }
        while ((record = log_next(&log_under_test, &position, end)) != NULL) {
            const uint32_t *words = (const uint32_t *)record;

            if (words[record->length / 4 - 1] != log_check(words, record->length / 4 - 1u))
                cr_assert_fail("damaged");
            taken += ((const struct log_sample *)(record + 1))->count;
            log_take(&log_under_test, position);
        }
        for (position = log_under_test.read, end = taken;
             (record = log_next(&log_under_test, &position, log_under_test.written)) != NULL;)
            end += ((const struct log_sample *)(record + 1))->count;
        if (end != added)
            cr_assert_fail("%u added, %u taken or there", added, end);
    }
    cr_assert(taken > 15000, "%u", taken);
}

Test(prof_log, the_sequence_wraps_at_65536)
{
    static uint32_t large[1 << 20];

    log_init(&log_under_test, large, sizeof large, 3, 0);
    for (unsigned i = 0; i < 70000; i++) {
        if (log_open(&log_under_test, 4, false) == NULL)
            cr_assert_fail("full");
        log_commit(&log_under_test, LOG_SAMPLE, 4);
    }
    cr_assert(count_records() == 70000);
}

/* ---- CRC and frames ---- */

Test(prof_log, crc32_is_zlibs)
{
    unsigned char bytes[600];

    cr_assert(frame_crc32(0, "123456789", 9) == 0xcbf43926u); /* the standard's check value */
    srand(1);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)rand();
    for (size_t count = 0; count <= sizeof bytes; count += 7)
        cr_assert(frame_crc32(0, bytes, count) == crc32(0, bytes, (uInt)count));
    cr_assert(frame_crc32(frame_crc32(0, bytes, 100), bytes + 100, 500) == crc32(0, bytes, 600));
}

/* One frame at *at of the console, undone into `record`; its length. */
static size_t read_frame(size_t *at, unsigned char *record)
{
    size_t count = 0;
    uint32_t crc;

    CHECK(fake_console[(*at)++] == FRAME_BEGIN);
    while (fake_console[*at] != FRAME_END) {
        unsigned char byte = fake_console[(*at)++];

        CHECK(byte != FRAME_BEGIN);
        if (byte == FRAME_ESCAPE)
            byte = fake_console[(*at)++] ^ FRAME_FLIP;
        record[count++] = byte;
        CHECK(*at < fake_console_bytes);
    }
    (*at)++;
    CHECK(count > 4);
    crc = (uint32_t)record[count - 4] << 24 | record[count - 3] << 16 | record[count - 2] << 8 |
          record[count - 1];
    CHECK(crc == crc32(0, record, (uInt)(count - 4)));
    return count - 4;
}

Test(prof_log, frames_carry_every_byte_value_and_keep_the_console_locked)
{
    unsigned char back[4096];
    size_t at = 0;
    uint32_t offset = 0;

    for (unsigned byte = 0; byte < 256; byte++)
        add_sample(byte * 0x01010101u, 3, (uintptr_t)0xfdfeff0000000000u + byte * 0x10101u);
    for (const struct log_record *record;
         (record = log_next(&log_under_test, &offset, log_under_test.written)) != NULL;)
        frame_send(record);
    cr_assert(fake_console_locks == 256 && fake_console_unlocks == 256);
    for (offset = 0; at < fake_console_bytes;) {
        size_t count = read_frame(&at, back);
        const struct log_record *record =
            log_next(&log_under_test, &offset, log_under_test.written);

        cr_assert(count == record->length);
        cr_assert(memcmp(back, record, count) == 0);
    }
    cr_assert(offset == log_under_test.written);
}

/* ---- names ---- */

Test(prof_log, names_outlive_their_threads)
{
    static struct names names;
    char text[] = "worker";

    names_clear(&names);
    names_note(&names, 5, text);
    text[0] = 'x';
    cr_assert(names_find(&names, 5)->bytes == 6);
    cr_assert(memcmp(names_find(&names, 5)->text, "worker", 6) == 0);
    names_note(&names, 6, NULL);
    cr_assert(names_find(&names, 6)->bytes == 0);
    names_note(&names, 7, "a name that is longer than the thirty-two bytes kept");
    cr_assert(names_find(&names, 7)->bytes == NAMES_BYTES);
    cr_assert(names_find(&names, 8) == NULL);
}

Test(prof_log, names_without_room_are_counted)
{
    static struct names names;

    names_clear(&names);
    for (uint32_t thread = 1; thread <= NAMES_SLOTS; thread++)
        names_note(&names, thread, "t");
    cr_assert(names.dropped == 0, "%u", names.dropped);
    names_note(&names, 1000, "t");
    names_note(&names, 1000, "t");
    cr_assert(names.dropped == 2);
    cr_assert(names_find(&names, 1000) == NULL);
    for (uint32_t thread = 1; thread <= NAMES_SLOTS; thread++)
        cr_assert(names_find(&names, thread) != NULL);
}
