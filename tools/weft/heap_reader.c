/* SPDX-License-Identifier: MIT */
#include "tools/weft/heap_reader.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES sizeof(struct log_record)
#define BLOCKS_MAX 65536u
#define NAME_BYTES_MAX 4096u

/* A record's payload, being taken apart. */
struct cursor {
    const uint8_t *at;
    size_t left;
    bool big_endian;
};

static void __attribute__((format(printf, 2, 3)))
refuse(struct heap_reader *reader, const char *format, ...)
{
    char sentence[256];
    va_list arguments;

    if (reader->refusal.length > 0)
        return;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    buffer_string(&reader->refusal, sentence);
}

/* ---- taking apart ---- */

static uint64_t number_at(const uint8_t *bytes, size_t count, bool big_endian)
{
    uint64_t number = 0;

    for (size_t i = 0; i < count; i++)
        number |= (uint64_t)bytes[i] << (8 * (big_endian ? count - 1 - i : i));
    return number;
}

/* The caller has checked that they are there. */
static uint64_t take_number(struct cursor *cursor)
{
    uint64_t number = number_at(cursor->at, 8, cursor->big_endian);

    cursor->at += 8;
    cursor->left -= 8;
    return number;
}

static bool take_numbers(struct cursor *cursor, uint64_t *number, size_t count)
{
    if (cursor->left < count * 8)
        return false;
    for (size_t i = 0; i < count; i++)
        number[i] = take_number(cursor);
    return true;
}

/* What is left must be `bytes` bytes and their padding. */
static bool rest_is(const struct cursor *cursor, uint64_t bytes)
{
    return bytes <= cursor->left && cursor->left == ((bytes + 3) & ~(uint64_t)3);
}

/* ---- one function per type of record: false, it makes no sense ---- */

static bool read_header(struct heap_dump *dump, struct cursor *cursor)
{
    uint64_t number[HEAP_HEADER_NUMBERS];

    if (!take_numbers(cursor, number, HEAP_HEADER_NUMBERS))
        return false;
    if (number[HEAP_HEADER_VERSION] != HEAP_VERSION || number[HEAP_HEADER_CORES] > 64 ||
        (number[HEAP_HEADER_WORD_BYTES] != 4 && number[HEAP_HEADER_WORD_BYTES] != 8) ||
        number[HEAP_HEADER_REGISTERS] > HEAP_REGISTERS_MAX ||
        number[HEAP_HEADER_MACHINE] > UINT16_MAX ||
        number[HEAP_HEADER_ID_BYTES] > sizeof dump->build_id ||
        !rest_is(cursor, number[HEAP_HEADER_ID_BYTES]))
        return false;
    dump->big_endian = cursor->big_endian;
    dump->word_bytes = (uint32_t)number[HEAP_HEADER_WORD_BYTES];
    dump->machine = (uint32_t)number[HEAP_HEADER_MACHINE];
    dump->cores = (uint32_t)number[HEAP_HEADER_CORES];
    dump->registers = (uint32_t)number[HEAP_HEADER_REGISTERS];
    dump->build_id_bytes = (size_t)number[HEAP_HEADER_ID_BYTES];
    memcpy(dump->build_id, cursor->at, dump->build_id_bytes);
    return true;
}

static bool read_region(struct heap_dump *dump, struct cursor *cursor)
{
    struct heap_region region;

    if (cursor->left != 32)
        return false;
    region.base = take_number(cursor);
    region.bytes = take_number(cursor);
    region.memory = take_number(cursor);
    region.page_bytes = take_number(cursor);
    if (region.base + region.bytes < region.base || region.page_bytes == 0 ||
        region.bytes / region.page_bytes > UINT32_MAX)
        return false;
    dump->regions =
        array_reserve(dump->regions, &dump->region_capacity, dump->region_count + 1, sizeof region);
    dump->regions[dump->region_count++] = region;
    return true;
}

static bool run_is_sane(const uint64_t *number)
{
    uint64_t address = number[HEAP_RUN_ADDRESS], bytes = number[HEAP_RUN_BYTES];
    uint64_t first = number[HEAP_RUN_FIRST], blocks = number[HEAP_RUN_BLOCKS];

    if (number[HEAP_RUN_KIND] >= RUN_KINDS || address + bytes < address || blocks > BLOCKS_MAX)
        return false;
    if (blocks == 0)
        return true;
    return number[HEAP_RUN_BLOCK_BYTES] != 0 && first >= address && first - address <= bytes &&
           number[HEAP_RUN_BLOCK_BYTES] <= (bytes - (first - address)) / blocks;
}

static bool read_run(struct heap_dump *dump, struct cursor *cursor)
{
    uint64_t number[HEAP_RUN_NUMBERS];
    struct heap_run_info run;

    if (!take_numbers(cursor, number, HEAP_RUN_NUMBERS) || !run_is_sane(number) ||
        !rest_is(cursor, (number[HEAP_RUN_BLOCKS] + 7) / 8))
        return false;
    run = (struct heap_run_info){.address = number[HEAP_RUN_ADDRESS],
                                 .bytes = number[HEAP_RUN_BYTES],
                                 .first = number[HEAP_RUN_FIRST],
                                 .block_bytes = number[HEAP_RUN_BLOCK_BYTES],
                                 .blocks = number[HEAP_RUN_BLOCKS],
                                 .kind = (enum heap_run)number[HEAP_RUN_KIND],
                                 .live = memory_copy(cursor->at, cursor->left)};
    dump->runs = array_reserve(dump->runs, &dump->run_capacity, dump->run_count + 1, sizeof run);
    dump->runs[dump->run_count++] = run;
    return true;
}

static bool read_thread(struct heap_dump *dump, struct cursor *cursor)
{
    struct heap_thread_info thread = {0};
    uint64_t bytes;

    if (!take_numbers(cursor, thread.number, HEAP_THREAD_NUMBERS) ||
        !take_numbers(cursor, thread.registers, dump->registers))
        return false;
    bytes = thread.number[HEAP_THREAD_NAME_BYTES];
    if (bytes > NAME_BYTES_MAX || !rest_is(cursor, bytes))
        return false;
    thread.name = memory_zeroed((size_t)bytes + 1);
    memcpy(thread.name, cursor->at, (size_t)bytes);
    dump->threads =
        array_reserve(dump->threads, &dump->thread_capacity, dump->thread_count + 1, sizeof thread);
    dump->threads[dump->thread_count++] = thread;
    return true;
}

static bool read_root(struct heap_dump *dump, struct cursor *cursor)
{
    uint64_t number[3];

    if (cursor->left != sizeof number || !take_numbers(cursor, number, 3) ||
        number[2] >= ROOT_KINDS || number[0] > number[1])
        return false;
    dump->roots =
        array_reserve(dump->roots, &dump->root_capacity, dump->root_count + 1, sizeof *dump->roots);
    dump->roots[dump->root_count++] =
        (struct heap_root_info){number[0], number[1], (enum heap_root)number[2]};
    return true;
}

static bool read_memory(struct heap_dump *dump, struct cursor *cursor, bool zeros)
{
    uint64_t number[2];
    struct heap_memory memory;

    if (!take_numbers(cursor, number, 2) || number[1] == 0 || number[1] > HEAP_PIECE_BYTES ||
        number[0] + number[1] < number[0] || !rest_is(cursor, zeros ? 0 : number[1]))
        return false;
    memory = (struct heap_memory){number[0], number[1],
                                  zeros ? NULL : memory_copy(cursor->at, (size_t)number[1])};
    dump->memory =
        array_reserve(dump->memory, &dump->memory_capacity, dump->memory_count + 1, sizeof memory);
    dump->memory[dump->memory_count++] = memory;
    return true;
}

static bool read_site(struct heap_dump *dump, struct cursor *cursor)
{
    uint64_t number[2];

    if (cursor->left != sizeof number || !take_numbers(cursor, number, 2))
        return false;
    dump->sites =
        array_reserve(dump->sites, &dump->site_capacity, dump->site_count + 1, sizeof *dump->sites);
    dump->sites[dump->site_count++] = (struct heap_site){number[0], number[1]};
    return true;
}

static bool read_payload(struct heap_reader *reader, unsigned type, struct cursor *cursor)
{
    struct heap_dump *dump = &reader->dump;

    switch (type) {
    case HEAP_HEADER:
        return read_header(dump, cursor);
    case HEAP_REGION:
        return read_region(dump, cursor);
    case HEAP_RUN:
        return read_run(dump, cursor);
    case HEAP_THREAD:
        return read_thread(dump, cursor);
    case HEAP_ROOT:
        return read_root(dump, cursor);
    case HEAP_MEMORY:
    case HEAP_ZEROS:
        return read_memory(dump, cursor, type == HEAP_ZEROS);
    case HEAP_SITE:
        return read_site(dump, cursor);
    case HEAP_END:
        dump->ended = cursor->left == 8 && take_number(cursor) + 1 == reader->records;
        return dump->ended;
    default:
        return false;
    }
}

/* ---- the stream ---- */

static void dump_free(struct heap_dump *dump)
{
    for (size_t i = 0; i < dump->run_count; i++)
        free(dump->runs[i].live);
    for (size_t i = 0; i < dump->thread_count; i++)
        free(dump->threads[i].name);
    for (size_t i = 0; i < dump->memory_count; i++)
        free(dump->memory[i].data);
    free(dump->regions);
    free(dump->runs);
    free(dump->threads);
    free(dump->roots);
    free(dump->memory);
    free(dump->sites);
    *dump = (struct heap_dump){0};
}

static void begin(struct heap_reader *reader)
{
    dump_free(&reader->dump);
    buffer_clear(&reader->refusal);
    reader->begun = true;
    reader->records = 0;
}

static void reader_record(void *context, const uint8_t *record, size_t length, uint64_t offset)
{
    struct heap_reader *reader = context;
    unsigned type = record[2];
    struct cursor cursor = {record + HEADER_BYTES, length - HEADER_BYTES,
                            record[0] == LOG_MAGIC >> 8};
    unsigned sequence = (unsigned)number_at(record + 6, 2, cursor.big_endian);

    if (type < HEAP_FIRST)
        return; /* a profile's */
    if (type == HEAP_HEADER)
        begin(reader);
    if (!reader->begun) {
        refuse(reader, "the heap dump's first record is missing before offset %" PRIu64, offset);
        return;
    }
    if (reader->refusal.length > 0)
        return;
    if (reader->dump.ended || sequence != (reader->records & 0xffffu)) {
        refuse(reader, "record %u of the heap dump is missing before offset %" PRIu64,
               (unsigned)reader->records, offset);
        return;
    }
    if (reader->records > 0 && cursor.big_endian != reader->dump.big_endian) {
        refuse(reader, "the heap dump's byte order changes at offset %" PRIu64, offset);
        return;
    }
    reader->records++;
    if (!read_payload(reader, type, &cursor))
        refuse(reader, "a heap dump's record of type %u makes no sense at offset %" PRIu64, type,
               offset);
}

static void reader_text(void *context, const uint8_t *bytes, size_t length)
{
    (void)context;
    (void)bytes;
    (void)length;
}

static void reader_damage(void *context, uint64_t offset, const char *what)
{
    struct heap_reader *reader = context;

    if (reader->begun && !reader->dump.ended)
        refuse(reader, "%s at offset %" PRIu64, what, offset);
}

void heap_reader_init(struct heap_reader *reader)
{
    const struct demux_sink sink = {reader_text, reader_record, reader_damage, reader};

    memset(reader, 0, sizeof *reader);
    demux_init(&reader->demux, &sink);
}

void heap_reader_free(struct heap_reader *reader)
{
    dump_free(&reader->dump);
    buffer_free(&reader->refusal);
}

void heap_reader_feed(struct heap_reader *reader, const uint8_t *bytes, size_t length)
{
    demux_feed(&reader->demux, bytes, length);
}

static int by_address(const void *left, const void *right)
{
    const struct heap_memory *a = left, *b = right;

    return a->address < b->address ? -1 : a->address > b->address;
}

static int by_block(const void *left, const void *right)
{
    const struct heap_site *a = left, *b = right;

    return a->block < b->block ? -1 : a->block > b->block;
}

/* Stacks that lie in .bss or in a block came twice, with the same contents: the front of a piece
 * that the one before covers is cut off. */
static void memory_sort(struct heap_dump *dump)
{
    size_t kept = 0;
    uint64_t end = 0;

    if (dump->memory_count > 0)
        qsort(dump->memory, dump->memory_count, sizeof *dump->memory, by_address);
    for (size_t i = 0; i < dump->memory_count; i++) {
        struct heap_memory piece = dump->memory[i];
        uint64_t covered = end > piece.address ? end - piece.address : 0;

        if (covered >= piece.bytes) {
            free(piece.data);
            continue;
        }
        if (covered > 0 && piece.data != NULL)
            memmove(piece.data, piece.data + covered, (size_t)(piece.bytes - covered));
        piece.address += covered;
        piece.bytes -= covered;
        end = piece.address + piece.bytes;
        dump->memory[kept++] = piece;
    }
    dump->memory_count = kept;
}

bool heap_reader_finish(struct heap_reader *reader)
{
    uint64_t length = reader->demux.offset;

    demux_finish(&reader->demux);
    if (reader->refusal.length == 0 && !reader->begun)
        refuse(reader, "there is no heap dump up to offset %" PRIu64, length);
    if (reader->refusal.length == 0 && !reader->dump.ended)
        refuse(reader, "the heap dump is cut off at offset %" PRIu64 ", after %u records", length,
               (unsigned)reader->records);
    if (reader->refusal.length > 0)
        return false;
    memory_sort(&reader->dump);
    if (reader->dump.site_count > 0)
        qsort(reader->dump.sites, reader->dump.site_count, sizeof *reader->dump.sites, by_block);
    return true;
}

/* ---- what is in it ---- */

/* Runs come in order of address within a region, regions in any order: few enough to look at. */
bool heap_block_at(const struct heap_dump *dump, uint64_t address, const struct heap_run_info **run,
                   uint64_t *start)
{
    for (size_t i = 0; i < dump->run_count; i++) {
        const struct heap_run_info *one = &dump->runs[i];
        uint64_t block;

        if (address - one->address >= one->bytes || one->blocks == 0 || address < one->first)
            continue;
        block = (address - one->first) / one->block_bytes;
        if (block >= one->blocks || !heap_block_lives(one, block))
            return false;
        *run = one;
        *start = one->first + block * one->block_bytes;
        return true;
    }
    return false;
}

static const struct heap_memory *memory_at(const struct heap_dump *dump, uint64_t address)
{
    size_t low = 0, high = dump->memory_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct heap_memory *memory = &dump->memory[middle];

        if (address < memory->address)
            high = middle;
        else if (address - memory->address >= memory->bytes)
            low = middle + 1;
        else
            return memory;
    }
    return NULL;
}

bool heap_word(const struct heap_dump *dump, uint64_t address, uint64_t *word)
{
    uint8_t bytes[8];

    for (uint32_t i = 0; i < dump->word_bytes; i++) {
        const struct heap_memory *memory = memory_at(dump, address + i);

        if (memory == NULL)
            return false;
        bytes[i] = memory->data != NULL ? memory->data[address + i - memory->address] : 0;
    }
    *word = number_at(bytes, dump->word_bytes, dump->big_endian);
    return true;
}

uint64_t heap_block_site(const struct heap_dump *dump, uint64_t block)
{
    const struct heap_site key = {block, 0};
    const struct heap_site *found =
        dump->site_count > 0 ? bsearch(&key, dump->sites, dump->site_count, sizeof key, by_block)
                             : NULL;

    return found != NULL ? found->pc : 0;
}
