/* SPDX-License-Identifier: MIT */
/*
 * The heap dump: what the target writes and `weft heap` reads. Shared by both.
 *
 * A dump is a sequence of records in the frames of prof/log_format.h (FRAME_BEGIN, escaped record,
 * CRC, FRAME_END), so that it can share a serial line with text and profiles. A record starts with
 * struct log_record; types from HEAP_FIRST are the dump's. `sequence` counts the dump's records
 * modulo 65536. There is no check word at the end: the frame's CRC is enough for what is never
 * kept in memory.
 *
 * The payload is numbers of 64 bits in the target's byte order, as many as the type says, then,
 * for some types, bytes, padded with zeros to 4. The byte order is known from the record's magic.
 * Order: HEAP_HEADER first, HEAP_END last, the others in between.
 */
#ifndef PROF_HEAP_FORMAT_H
#define PROF_HEAP_FORMAT_H

#include "prof/log_format.h"

#define HEAP_VERSION 1u
#define HEAP_FIRST 64u
#define HEAP_PIECE_BYTES 4096u /* most bytes of one HEAP_MEMORY */

enum heap_record {
    HEAP_HEADER = HEAP_FIRST, /* HEAP_HEADER_..., then the build id */
    HEAP_REGION,              /* base, bytes, kind of memory, page bytes */
    HEAP_RUN,                 /* HEAP_RUN_..., then a bit per block: alive; the lowest bit first */
    HEAP_THREAD,              /* HEAP_THREAD_..., registers by DWARF number, then the name */
    HEAP_ROOT,                /* lo, hi, enum heap_root: words that may be pointers */
    HEAP_MEMORY,              /* address, byte count, then the bytes */
    HEAP_ZEROS,               /* address, byte count: all of them 0 */
    HEAP_SITE,                /* block, the pc that allocated it */
    HEAP_END,                 /* records before this one */
    HEAP_LIMIT
};

enum {
    HEAP_HEADER_VERSION,
    HEAP_HEADER_WORD_BYTES,
    HEAP_HEADER_MACHINE, /* of the ELF header: EM_MIPS 8, EM_X86_64 62 */
    HEAP_HEADER_CORES,
    HEAP_HEADER_REGISTERS, /* of each thread */
    HEAP_HEADER_ID_BYTES,
    HEAP_HEADER_NUMBERS
};

enum {
    HEAP_RUN_ADDRESS,
    HEAP_RUN_BYTES,
    HEAP_RUN_KIND,  /* enum heap_run */
    HEAP_RUN_FIRST, /* address of the first block */
    HEAP_RUN_BLOCK_BYTES,
    HEAP_RUN_BLOCKS,
    HEAP_RUN_NUMBERS
};

enum heap_run {
    RUN_FREE,
    RUN_RELEASED, /* free, and the board has it */
    RUN_SPAN,     /* small blocks of malloc */
    RUN_LARGE,    /* one block of malloc */
    RUN_STACK,
    RUN_META,          /* the heap's records */
    RUN_COLLECTED,     /* blocks of weft_gc_alloc */
    RUN_COLLECTED_RAW, /* likewise, pointer-free */
    RUN_KINDS
};

enum {
    HEAP_THREAD_ID,
    HEAP_THREAD_STATE, /* enum thread_state */
    HEAP_THREAD_PRIORITY,
    HEAP_THREAD_CORE,
    HEAP_THREAD_BLOCK, /* address of its control block */
    HEAP_THREAD_STACK_LO,
    HEAP_THREAD_STACK_HI,
    HEAP_THREAD_CREATED_BY,
    HEAP_THREAD_PC,
    HEAP_THREAD_NAME_BYTES,
    HEAP_THREAD_NUMBERS
};

enum heap_root {
    ROOT_DATA,
    ROOT_BSS,
    ROOT_STACK,   /* a thread's, from its stack pointer up */
    ROOT_CONTROL, /* its control block */
    ROOT_RANGE,   /* weft_gc_root_add */
    ROOT_KINDS
};

#endif
