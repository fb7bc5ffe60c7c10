/* SPDX-License-Identifier: MIT */
/*
 * The heap dump. prof/heap_format.h says what it looks like.
 *
 * With the world stopped: header, regions, every run of pages with a bit per living block, threads
 * with their registers, roots, and then the contents: of .data and .bss, of every stack from its
 * stack pointer up, of every living block. Records are made on the way out, number by number, so
 * nothing is allocated and next to nothing kept.
 *
 * A thread that was preempted is shown where it was interrupted: from its parked registers the
 * unwinder goes up the few frames of the scheduler to the frame that the interrupt left.
 */
#include <weft/heap_dump.h>

#include <string.h>
#include <weft/world.h>

#include "arch/context.h"
#include "kernel/board.h"
#include "kernel/cores.h"
#include "mem/census.h"
#include "mem/gc.h"
#include "prof/frame.h"
#include "prof/heap_format.h"
#include "prof/image.h"
#include "prof/unwind.h"
#include "sched/thread.h"

#define PIECE_BYTES 256
#define SCHEDULER_FRAMES                                                                           \
    8 /* at most so many lie between a preempted thread's parked registers and                     \
         its interrupted ones */

extern char __data_start[], __data_end[], __bss_start[], __bss_end[];

struct writer {
    void (*write)(void *context, const void *bytes, size_t count);
    void *context;
    uint32_t crc;
    uint32_t records;
    unsigned used;
    unsigned char piece[PIECE_BYTES];
    unsigned char copy[HEAP_PIECE_BYTES];
};

/* ---- bytes out ---- */

static void to_console(void *context, const void *bytes, size_t count)
{
    (void)context;
    board_console_write(bytes, count);
}

static void flush(struct writer *writer)
{
    if (writer->used > 0)
        writer->write(writer->context, writer->piece, writer->used);
    writer->used = 0;
}

static void put_raw(struct writer *writer, unsigned byte)
{
    if (writer->used == PIECE_BYTES)
        flush(writer);
    writer->piece[writer->used++] = (unsigned char)byte;
}

static void put_escaped(struct writer *writer, unsigned byte)
{
    if (byte >= FRAME_ESCAPE) {
        put_raw(writer, FRAME_ESCAPE);
        byte ^= FRAME_FLIP;
    }
    put_raw(writer, byte);
}

static void put_bytes(struct writer *writer, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;

    writer->crc = frame_crc32(writer->crc, bytes, count);
    for (size_t i = 0; i < count; i++)
        put_escaped(writer, at[i]);
}

static void put_number(struct writer *writer, uint64_t number)
{
    put_bytes(writer, &number, sizeof number);
}

static void put_padding(struct writer *writer, size_t count)
{
    static const unsigned char zeros[4];

    put_bytes(writer, zeros, -count & 3);
}

/* ---- records ---- */

static void record_begin(struct writer *writer, enum heap_record type, size_t numbers, size_t bytes)
{
    struct log_record record = {.magic = LOG_MAGIC, .type = (uint8_t)type};

    record.length = (uint16_t)(sizeof record + numbers * 8 + ((bytes + 3) & ~(size_t)3));
    record.sequence = (uint16_t)writer->records++;
    writer->crc = 0;
    put_raw(writer, FRAME_BEGIN);
    put_bytes(writer, &record, sizeof record);
}

static void record_end(struct writer *writer)
{
    uint32_t crc = writer->crc;

    for (int shift = 24; shift >= 0; shift -= 8)
        put_escaped(writer, crc >> shift & 0xff);
    put_raw(writer, FRAME_END);
}

static void record_numbers(struct writer *writer, enum heap_record type, const uint64_t *number,
                           size_t count)
{
    record_begin(writer, type, count, 0);
    put_bytes(writer, number, count * sizeof *number);
    record_end(writer);
}

static bool all_zero(const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* By way of a copy: handlers, and this code itself, change some of what is sent. */
static void put_memory(struct writer *writer, uintptr_t lo, uintptr_t hi)
{
    while (lo < hi) {
        size_t bytes = hi - lo < HEAP_PIECE_BYTES ? hi - lo : HEAP_PIECE_BYTES;

        memmove(writer->copy, (const void *)lo, bytes);
        if (all_zero(writer->copy, bytes)) {
            record_numbers(writer, HEAP_ZEROS, (const uint64_t[]){lo, bytes}, 2);
        } else {
            record_begin(writer, HEAP_MEMORY, 2, bytes);
            put_number(writer, lo);
            put_number(writer, bytes);
            put_bytes(writer, writer->copy, bytes);
            put_padding(writer, bytes);
            record_end(writer);
        }
        lo += bytes;
    }
}

static void put_root(struct writer *writer, uintptr_t lo, uintptr_t hi, enum heap_root kind)
{
    record_numbers(writer, HEAP_ROOT, (const uint64_t[]){lo, hi, kind}, 3);
}

/* ---- the header ---- */

static void put_header(struct writer *writer)
{
    uint32_t id_bytes;
    const unsigned char *id = image_build_id(&id_bytes);
    const uint64_t number[HEAP_HEADER_NUMBERS] = {
        [HEAP_HEADER_VERSION] = HEAP_VERSION,
        [HEAP_HEADER_WORD_BYTES] = sizeof(uintptr_t),
        [HEAP_HEADER_MACHINE] = sizeof(uintptr_t) == 4 ? 8 : 62,
        [HEAP_HEADER_CORES] = (uint64_t)__builtin_popcount(cores_online()),
        [HEAP_HEADER_REGISTERS] = ARCH_UNWIND_REGISTERS,
        [HEAP_HEADER_ID_BYTES] = id_bytes,
    };

    record_begin(writer, HEAP_HEADER, HEAP_HEADER_NUMBERS, id_bytes);
    put_bytes(writer, number, sizeof number);
    put_bytes(writer, id, id_bytes);
    put_padding(writer, id_bytes);
    record_end(writer);
}

/* ---- runs of pages ---- */

/* A run as the dump knows it, with its living blocks. */
struct run {
    uint64_t number[HEAP_RUN_NUMBERS];
    const uint32_t *live; /* NULL: one block, alive; and none when there are no blocks */
    uint32_t bits[CENSUS_WORDS];
};

static void run_of_class(struct run *run, const struct region *region, page_index page)
{
    const struct class_info *info = &heap.class[region->kinds[page]];

    run->number[HEAP_RUN_KIND] = RUN_SPAN;
    run->number[HEAP_RUN_BLOCK_BYTES] = info->size;
    run->number[HEAP_RUN_BLOCKS] = info->objects;
    census_span(region, page, run->bits);
    run->live = run->bits;
}

static void run_of_collected(struct run *run, const struct gc_span *span)
{
    run->number[HEAP_RUN_KIND] = span->pointer_free ? RUN_COLLECTED_RAW : RUN_COLLECTED;
    run->number[HEAP_RUN_FIRST] = span->first;
    run->number[HEAP_RUN_BLOCK_BYTES] = span->block_bytes;
    run->number[HEAP_RUN_BLOCKS] = span->blocks;
    for (uint32_t i = 0; i < (span->blocks + 31) / 32; i++)
        run->bits[i] = span->bits[i].allocated & ~(span->unswept ? span->bits[i].white : 0);
    run->live = run->bits;
}

static void run_describe(struct run *run, const struct region *region, page_index page)
{
    int kind = region->kinds[page];
    uintptr_t address = region_page_address(region, page);
    size_t bytes = census_run_pages(region, page) << heap.page_shift;
    static const uint8_t kinds[16] = {
        [-PAGE_FREE] = RUN_FREE,   [-PAGE_RELEASED] = RUN_RELEASED, [-PAGE_LARGE] = RUN_LARGE,
        [-PAGE_STACK] = RUN_STACK, [-PAGE_META] = RUN_META,         [-PAGE_GC] = RUN_COLLECTED,
    };

    *run = (struct run){.number = {address, bytes, 0, address, 0, 0}};
    if (kind > 0) {
        run_of_class(run, region, page);
    } else if (kind == PAGE_GC) {
        run_of_collected(run, (const struct gc_span *)address);
    } else {
        run->number[HEAP_RUN_KIND] = kinds[-kind];
        if (kind == PAGE_LARGE) {
            run->number[HEAP_RUN_BLOCK_BYTES] = bytes;
            run->number[HEAP_RUN_BLOCKS] = 1;
            run->bits[0] = census_large(region, page);
            run->live = run->bits;
        }
    }
}

static void put_run(struct writer *writer, const struct run *run)
{
    size_t blocks = (size_t)run->number[HEAP_RUN_BLOCKS], bytes = (blocks + 7) / 8;

    record_begin(writer, HEAP_RUN, HEAP_RUN_NUMBERS, bytes);
    put_bytes(writer, run->number, sizeof run->number);
    for (size_t i = 0; i < bytes; i++) {
        unsigned char byte = (unsigned char)(run->live[i / 4] >> (i % 4 * 8));

        put_bytes(writer, &byte, 1);
    }
    put_padding(writer, bytes);
    record_end(writer);
}

/* Where each living block was allocated, as far as it is known. */
static void put_run_sites(struct writer *writer, const struct run *run)
{
    unsigned kind = (unsigned)run->number[HEAP_RUN_KIND];

    for (uint32_t i = 0; i < run->number[HEAP_RUN_BLOCKS]; i++) {
        uintptr_t block =
            (uintptr_t)(run->number[HEAP_RUN_FIRST] + i * run->number[HEAP_RUN_BLOCK_BYTES]);
        uintptr_t site;

        if ((kind != RUN_SPAN && kind != RUN_LARGE) || !(run->live[i / 32] >> (i % 32) & 1))
            continue;
        site = census_site(block);
        if (site != 0)
            record_numbers(writer, HEAP_SITE,
                           (const uint64_t[]){block, site - ARCH_UNWIND_CALL_BYTES}, 2);
    }
}

/* Living blocks that follow each other in one piece. */
static void put_run_memory(struct writer *writer, const struct run *run)
{
    uintptr_t first = (uintptr_t)run->number[HEAP_RUN_FIRST];
    size_t size = (size_t)run->number[HEAP_RUN_BLOCK_BYTES];
    uint32_t blocks = (uint32_t)run->number[HEAP_RUN_BLOCKS], from;

    for (uint32_t i = 0; i < blocks; i++) {
        for (from = i; i < blocks && run->live[i / 32] >> (i % 32) & 1; i++)
            ;
        if (i > from)
            put_memory(writer, first + from * size, first + i * size);
    }
}

static void put_runs(struct writer *writer, void (*put)(struct writer *, const struct run *))
{
    static struct run run;

    for (unsigned i = 0; i < heap.regions; i++) {
        const struct region *region = heap.region[i];

        for (size_t page = 0; page < region->pages;
             page += census_run_pages(region, (page_index)page)) {
            run_describe(&run, region, (page_index)page);
            put(writer, &run);
        }
    }
}

static void put_regions(struct writer *writer)
{
    for (unsigned i = 0; i < heap.regions; i++) {
        const struct region *region = heap.region[i];
        const uint64_t number[] = {region->base, region->bytes, region->memory,
                                   (uint64_t)1 << heap.page_shift};

        record_numbers(writer, HEAP_REGION, number, 4);
    }
}

/* ---- threads ---- */

/* A parked thread's registers, or those it was interrupted with. */
static void parked_registers(struct arch_unwind *registers, const struct weft_thread *thread)
{
    struct arch_unwind walk, interrupted;
    unwind_pc pc;

    arch_unwind_from_parked(registers, thread->saved_sp);
    walk = *registers;
    for (unsigned i = 0; i < SCHEDULER_FRAMES; i++) {
        interrupted = walk;
        if (arch_unwind_through_trap(&interrupted, thread->stack_lo, thread->stack_hi)) {
            *registers = interrupted;
            return;
        }
        if (unwind_walk(NULL, &walk, false, thread->stack_lo, thread->stack_hi, &pc, 1).reason !=
            REASON_DEPTH)
            return;
    }
}

static void put_thread(struct writer *writer, const struct weft_thread *thread,
                       const struct arch_unwind *registers)
{
    size_t name_bytes = strlen(thread->name);
    const uint64_t number[HEAP_THREAD_NUMBERS] = {
        [HEAP_THREAD_ID] = thread->id,
        [HEAP_THREAD_STATE] = thread_state(thread),
        [HEAP_THREAD_PRIORITY] = thread->priority,
        [HEAP_THREAD_CORE] = SHARED_LOAD(thread->core), /* a timer may wake it meanwhile */
        [HEAP_THREAD_BLOCK] = (uintptr_t)thread,
        [HEAP_THREAD_STACK_LO] = thread->stack_lo,
        [HEAP_THREAD_STACK_HI] = thread->stack_hi,
        [HEAP_THREAD_CREATED_BY] = thread->created_by,
        [HEAP_THREAD_PC] = registers->pc,
        [HEAP_THREAD_NAME_BYTES] = name_bytes,
    };

    record_begin(writer, HEAP_THREAD, HEAP_THREAD_NUMBERS + ARCH_UNWIND_REGISTERS, name_bytes);
    put_bytes(writer, number, sizeof number);
    for (unsigned i = 0; i < ARCH_UNWIND_REGISTERS; i++)
        put_number(writer, registers->value[i]);
    put_bytes(writer, thread->name, name_bytes);
    put_padding(writer, name_bytes);
    record_end(writer);
}

/* The used part of its stack, and what lies above it up to the end of the control block. */
static void put_stack(struct writer *writer, const struct weft_thread *thread, uintptr_t sp)
{
    uintptr_t above = thread->stack_hi, end = (uintptr_t)(thread + 1);

    if (thread->stack == NULL)
        above = (uintptr_t)thread;
    else if (above > (uintptr_t)thread)
        above -= ARCH_STACK_ALIAS;
    put_root(writer, sp, thread->stack_hi, ROOT_STACK);
    put_root(writer, above, end, ROOT_CONTROL);
    if (thread->stack == NULL)
        return; /* in .bss, with all that is there */
    put_memory(writer, sp, thread->stack_hi);
    put_memory(writer, above, end);
}

static void put_threads(struct writer *writer, const struct arch_unwind *here)
{
    const struct weft_thread *current = thread_current();
    struct arch_unwind registers;

    for (const struct weft_thread *thread = thread_all_first(); thread; thread = thread->all_next) {
        uintptr_t sp = (uintptr_t)thread->saved_sp;

        if (thread == current) {
            registers = *here;
            sp = here->value[ARCH_UNWIND_SP];
        } else {
            parked_registers(&registers, thread);
        }
        put_thread(writer, thread, &registers);
        put_stack(writer, thread, sp);
    }
}

/* ---- the dump ---- */

static void put_all(struct writer *writer, const struct arch_unwind *here)
{
    put_header(writer);
    put_regions(writer);
    put_runs(writer, put_run);
    put_root(writer, (uintptr_t)__data_start, (uintptr_t)__data_end, ROOT_DATA);
    put_root(writer, (uintptr_t)__bss_start, (uintptr_t)__bss_end, ROOT_BSS);
    for (const struct weft_gc_root *root = gc_roots.next; root; root = root->next)
        put_root(writer, root->lo, root->hi, ROOT_RANGE);
    put_threads(writer, here);
    put_memory(writer, (uintptr_t)__data_start, (uintptr_t)__data_end);
    put_memory(writer, (uintptr_t)__bss_start, (uintptr_t)__bss_end);
    put_runs(writer, put_run_memory);
    if (WEFT_CONFIG_HEAP_FULL)
        put_runs(writer, put_run_sites);
    record_numbers(writer, HEAP_END, (const uint64_t[]){writer->records}, 1);
    flush(writer);
}

__attribute__((noinline)) void weft_heap_dump(void (*write)(void *context, const void *bytes,
                                                            size_t count),
                                              void *context)
{
    static struct writer writer; /* the world's stopper's */
    struct arch_unwind here;

    arch_unwind_here(&here);
    weft_world_stop("heap dump");
    writer.write = write != NULL ? write : to_console;
    writer.context = context;
    writer.records = 0;
    writer.used = 0;
    put_all(&writer, &here);
    weft_world_start();
}
