/* SPDX-License-Identifier: MIT */
/* The reader of heap dumps: a small dump, whole, at every truncation, with every byte damaged. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tools/weft/heap_report.h"

static struct heap_reader reader;
static struct buffer stream;
static bool big;
static unsigned sequence;

static void put(struct buffer *out, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buffer_byte(out, (int)(number >> 8 * (big ? bytes - 1 - i : i) & 0xff));
}

static void frame_byte(unsigned byte)
{
    if (byte >= FRAME_ESCAPE) {
        buffer_byte(&stream, FRAME_ESCAPE);
        byte ^= FRAME_FLIP;
    }
    buffer_byte(&stream, (int)byte);
}

static void record(unsigned type, const uint64_t *number, unsigned count, const void *bytes,
                   size_t length)
{
    struct buffer body = {0};
    uint32_t crc;

    put(&body, LOG_MAGIC, 2);
    buffer_byte(&body, (int)type);
    buffer_byte(&body, 0);
    put(&body, 8 + count * 8 + (length + 3) / 4 * 4, 2);
    put(&body, sequence++ & 0xffff, 2);
    for (unsigned i = 0; i < count; i++)
        put(&body, number[i], 8);
    buffer_append(&body, bytes, length);
    while (body.length % 4 != 0)
        buffer_byte(&body, 0);
    crc = (uint32_t)crc32(0, (const uint8_t *)body.data, (unsigned)body.length);
    buffer_byte(&stream, FRAME_BEGIN);
    for (size_t i = 0; i < body.length; i++)
        frame_byte((unsigned char)body.data[i]);
    for (int shift = 24; shift >= 0; shift -= 8)
        frame_byte(crc >> shift & 0xff);
    buffer_byte(&stream, FRAME_END);
    buffer_free(&body);
}

#define RECORD(type, bytes, length, ...)                                                           \
    record(type, (const uint64_t[]){__VA_ARGS__},                                                  \
           sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), bytes, length)

/* Two pages: one span of eight blocks of 64 bytes, five alive; one free page. A thread. Block
 * 0x1040 is pointed at from .bss. */
static void make_stream(void)
{
    uint64_t thread[HEAP_THREAD_NUMBERS + 4] = {1, 1, 16, 0, 0x3000, 0x2000, 0x2100, 0, 0x77, 4};
    uint8_t bss[16] = {0}, block[64];

    buffer_clear(&stream);
    sequence = 0;
    memset(block, 0xfe, sizeof block);
    bss[big ? 6 : 5] = 0x10;
    bss[big ? 7 : 4] = 0x48;
    buffer_string(&stream, "some text\n");
    RECORD(HEAP_HEADER, "\1\2\3\4\5", 5, HEAP_VERSION, 4, 8, 1, 4, 5);
    RECORD(HEAP_REGION, NULL, 0, 0x1000, 1024, 0, 512);
    RECORD(HEAP_RUN, "\x57", 1, 0x1000, 512, RUN_SPAN, 0x1000, 64, 8);
    RECORD(HEAP_RUN, NULL, 0, 0x1200, 512, RUN_FREE, 0x1200, 0, 0);
    record(HEAP_THREAD, thread, HEAP_THREAD_NUMBERS + 4, "main", 4);
    RECORD(HEAP_ROOT, NULL, 0, 0x5000, 0x5010, ROOT_BSS);
    buffer_string(&stream, "more text\n");
    RECORD(HEAP_MEMORY, bss, 16, 0x5000, 16);
    RECORD(HEAP_MEMORY, block, 64, 0x1040, 64);
    RECORD(HEAP_ZEROS, NULL, 0, 0x1000, 64);
    RECORD(HEAP_MEMORY, block, 32, 0x1060, 32); /* again */
    RECORD(HEAP_SITE, NULL, 0, 0x1040, 0x80100000);
    RECORD(HEAP_END, NULL, 0, 11);
}

static bool read_stream(const char *bytes, size_t length)
{
    heap_reader_free(&reader);
    heap_reader_init(&reader);
    heap_reader_feed(&reader, (const uint8_t *)bytes, length);
    return heap_reader_finish(&reader);
}

static void check_contents(void)
{
    const struct heap_run_info *run;
    uint64_t start, word;

    cr_assert(reader.dump.big_endian == big && reader.dump.word_bytes == 4);
    cr_assert(heap_block_at(&reader.dump, 0x107f, &run, &start) && start == 0x1040);
    cr_assert_not(heap_block_at(&reader.dump, 0x10c0, &run, &start));
    cr_assert_not(heap_block_at(&reader.dump, 0x1200, &run, &start));
    cr_assert(heap_word(&reader.dump, 0x5004, &word) && word == 0x1048, "%lx", (long)word);
    cr_assert(heap_word(&reader.dump, 0x1004, &word) && word == 0);
    cr_assert(heap_word(&reader.dump, 0x1060, &word) && word == 0xfefefefe);
    cr_assert_not(heap_word(&reader.dump, 0x1080, &word));
    cr_assert_eq(heap_block_site(&reader.dump, 0x1040), 0x80100000);
    cr_assert_eq(heap_block_site(&reader.dump, 0x1000), 0);
    cr_assert_eq(reader.dump.memory_count, 3, "the piece that came again is dropped");
}

Test(tool_heap, a_whole_dump_is_read_in_either_byte_order)
{
    for (big = false;; big = true) {
        make_stream();
        cr_assert(read_stream(stream.data, stream.length), "%s", buffer_text(&reader.refusal));
        check_contents();
        if (big)
            break;
    }
}

/* The text before and after the dump is no part of it. */
Test(tool_heap, every_truncation_is_refused_with_its_offset)
{
    char offset[32];

    make_stream();
    for (size_t length = 0; length < stream.length - 1; length++) {
        cr_assert_not(read_stream(stream.data, length), "%zu bytes", length);
        snprintf(offset, sizeof offset, "%zu", length);
        cr_assert(strstr(buffer_text(&reader.refusal), "offset ") != NULL, "%zu: %s", length,
                  buffer_text(&reader.refusal));
    }
}

/* Damage in a frame's contents is noticed; damage of text, or of what merely stands between frames,
 * may leave the dump as it was. Nothing else may come of it. */
Test(tool_heap, every_damaged_byte_is_refused_or_changes_nothing)
{
    static const unsigned char flips[] = {0x01, 0x80, 0xff, 0x03};
    unsigned refused = 0, kept = 0;

    make_stream();
    for (size_t at = 0; at < stream.length; at++)
        for (unsigned i = 0; i < sizeof flips; i++) {
            stream.data[at] = (char)(stream.data[at] ^ flips[i]);
            if (read_stream(stream.data, stream.length)) {
                check_contents();
                kept++;
            } else {
                cr_assert(strstr(buffer_text(&reader.refusal), "offset ") != NULL);
                refused++;
            }
            stream.data[at] = (char)(stream.data[at] ^ flips[i]);
        }
    cr_assert(refused > 20 * kept, "%u refused, %u kept", refused, kept);
}

Test(tool_heap, records_that_make_no_sense_are_refused)
{
    static const uint64_t bad[][HEAP_RUN_NUMBERS] = {
        {0x1000, 512, RUN_KINDS, 0x1000, 64, 8},    /* kind */
        {0x1000, 512, RUN_SPAN, 0x1000, 65, 8},     /* too large */
        {0x1000, 512, RUN_SPAN, 0x0fff, 1, 8},      /* before its pages */
        {0x1000, 512, RUN_SPAN, 0x1000, 0, 8},      /* no size */
        {0x1000, 512, RUN_SPAN, 0x1000, 64, 80000}, /* too many */
        {UINT64_MAX, 512, RUN_SPAN, 0x1000, 64, 8}, /* wraps */
        {0x1000, 512, RUN_SPAN, 0x1000, 64, 33},    /* more than its bits */
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        buffer_clear(&stream);
        sequence = 0;
        RECORD(HEAP_HEADER, NULL, 0, HEAP_VERSION, 4, 8, 1, 4, 0);
        record(HEAP_RUN, bad[i], HEAP_RUN_NUMBERS, "\0", 1);
        RECORD(HEAP_END, NULL, 0, 2);
        cr_assert_not(read_stream(stream.data, stream.length), "case %zu", i);
        cr_assert_str_eq(buffer_text(&reader.refusal),
                         "a heap dump's record of type 66 makes no sense at offset 62", "%s",
                         buffer_text(&reader.refusal));
    }
}

Test(tool_heap, reports_name_blocks_sites_pointers_and_threads)
{
    struct buffer text = {0};

    make_stream();
    cr_assert(read_stream(stream.data, stream.length));
    heap_report(&text, &reader.dump, NULL, 3);
    cr_assert_not_null(
        strstr(text.data, "small blocks                    1          512          5          320"),
        "%s", text.data);
    cr_assert_not_null(strstr(text.data, "0x00001000           64 bytes, small blocks"), "%s",
                       text.data);
    cr_assert_not_null(strstr(text.data, "1                    64  pc=0x80100000"), "%s",
                       text.data);
    cr_assert_not_null(strstr(text.data, "main"), "%s", text.data);
    buffer_clear(&text);
    heap_report_pointers(&text, &reader.dump, 0x1041);
    cr_assert_str_eq(text.data, "pointers to the block 0x00001040 of 64 bytes\n"
                                "0x00005004 in .bss -> +8\n");
    buffer_clear(&text);
    heap_map_svg(&text, &reader.dump);
    cr_assert_not_null(strstr(text.data, "<title>0x1000: small blocks of 64 bytes</title>"));
    cr_assert_not_null(strstr(text.data, "<title>0x1200: free</title>"));
    buffer_clear(&text);
    heap_core(&text, &reader.dump, 0x70001000);
    cr_assert(memcmp(text.data, "\177ELF\1\1\1", 7) == 0);
}

/* libFuzzer, for as long as its runs take; the corpus starts with a whole dump. */
Test(tool_heap, reports_are_json_too)
{
    struct buffer json = {0};
    FILE *parser;

    make_stream();
    cr_assert(read_stream(stream.data, stream.length));
    if (system("command -v python3 >/dev/null") != 0)
        cr_skip_test("python3 is not installed");
    for (int pointers = 0; pointers < 2; pointers++) {
        buffer_clear(&json);
        if (pointers)
            heap_report_pointers_json(&json, &reader.dump, 0x1000);
        else
            heap_report_json(&json, &reader.dump, NULL);
        parser = popen("python3 -m json.tool >/dev/null", "w");
        cr_assert(parser != NULL && fwrite(json.data, 1, json.length, parser) == json.length);
        cr_assert_eq(pclose(parser), 0, "%s", json.data);
    }
    buffer_free(&json);
}

Test(tool_heap, survives_whatever_libfuzzer_thinks_of, .timeout = 600)
{
    if (getenv("SOAK") == NULL)
        cr_skip_test("make soak");
    if (system("command -v clang >/dev/null") != 0)
        cr_skip_test("clang is not installed");
    make_stream();
    cr_assert_eq(system("rm -rf build/tests/fuzz-heap && mkdir -p build/tests/fuzz-heap/corpus"),
                 0);
    FILE *seed = fopen("build/tests/fuzz-heap/corpus/whole", "w");

    cr_assert_not_null(seed);
    fputc(1, seed);
    fwrite(stream.data, 1, stream.length, seed);
    fclose(seed);
    cr_assert_eq(system("clang -g -O1 -D_GNU_SOURCE -I. -fsanitize=fuzzer,address,undefined "
                        "-fno-sanitize-recover=all -o build/tests/fuzz-heap/fuzz "
                        "tests/unit/tool_heap_fuzz.c tools/weft/heap_reader.c "
                        "tools/weft/heap_report.c tools/weft/demux.c tools/weft/buffer.c "
                        "tools/weft/message.c -lz 2>&1"),
                 0);
    cr_assert_eq(system("build/tests/fuzz-heap/fuzz -runs=200000 -max_len=4096 -rss_limit_mb=1024 "
                        "build/tests/fuzz-heap/corpus >build/tests/fuzz-heap/log 2>&1"),
                 0, "see build/tests/fuzz-heap/log");
}
