/* SPDX-License-Identifier: MIT */
/*
 * A cursor over one section: every read is checked against `end`. A failed read answers 0 and sets
 * `failed`, which sticks; callers look at it once per step instead of once per byte.
 */
#ifndef PROF_CFI_READER_H
#define PROF_CFI_READER_H

#include <stddef.h>

#include "prof/cfi.h"

struct cfi_reader {
    const unsigned char *at, *end;
    bool failed;
};

/* DW_EH_PE_...: the low half says how a pointer is stored, the high half what it is relative to. */
enum {
    PE_ABSPTR = 0x00,
    PE_ULEB128 = 0x01,
    PE_UDATA2 = 0x02,
    PE_UDATA4 = 0x03,
    PE_UDATA8 = 0x04,
    PE_SLEB128 = 0x09,
    PE_SDATA2 = 0x0a,
    PE_SDATA4 = 0x0b,
    PE_SDATA8 = 0x0c,
    PE_FORMAT = 0x0f,
    PE_PCREL = 0x10,
    PE_DATAREL = 0x30,
    PE_RELATIVE = 0x70,
    PE_INDIRECT = 0x80,
    PE_OMIT = 0xff,
};

/* Sections are byte streams: nothing in them is aligned. The compiler picks the CPU's own unaligned
 * load. */
struct __attribute__((packed, may_alias)) cfi_unaligned {
    union {
        uint16_t half;
        uint32_t word;
        uint64_t twice;
    } __attribute__((packed));
};

#define CFI_SWAPPED (CFI_BIG_ENDIAN != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__))

static inline bool cfi_reader_has(struct cfi_reader *reader, size_t bytes)
{
    if (!reader->failed && (size_t)(reader->end - reader->at) >= bytes)
        return true;
    reader->failed = true;
    return false;
}

static inline uint32_t cfi_read_u8(struct cfi_reader *reader)
{
    return cfi_reader_has(reader, 1) ? *reader->at++ : 0;
}

static inline uint32_t cfi_read_u16(struct cfi_reader *reader)
{
    if (!cfi_reader_has(reader, 2))
        return 0;
    uint16_t value = ((const struct cfi_unaligned *)reader->at)->half;

    reader->at += 2;
    return CFI_SWAPPED ? __builtin_bswap16(value) : value;
}

/* Unchecked: the caller knows that the four bytes are inside. */
static inline int32_t cfi_load_s32(const unsigned char *at)
{
    uint32_t value = ((const struct cfi_unaligned *)at)->word;

    return (int32_t)(CFI_SWAPPED ? __builtin_bswap32(value) : value);
}

static inline uint32_t cfi_read_u32(struct cfi_reader *reader)
{
    if (!cfi_reader_has(reader, 4))
        return 0;
    reader->at += 4;
    return (uint32_t)cfi_load_s32(reader->at - 4);
}

static inline uint64_t cfi_read_u64(struct cfi_reader *reader)
{
    if (!cfi_reader_has(reader, 8))
        return 0;
    uint64_t value = ((const struct cfi_unaligned *)reader->at)->twice;

    reader->at += 8;
    return CFI_SWAPPED ? __builtin_bswap64(value) : value;
}

/* Numbers wider than a word lose their upper bits, as in every consumer of these tables. */
static inline cfi_word cfi_read_leb128(struct cfi_reader *reader, bool is_signed)
{
    cfi_word value = 0;
    unsigned shift = 0;
    uint32_t byte;

    do {
        byte = cfi_read_u8(reader);
        if (shift < 8 * sizeof value)
            value |= (cfi_word)(byte & 0x7f) << shift;
        shift += 7;
    } while ((byte & 0x80) != 0 && shift < 70);
    if (byte & 0x80)
        reader->failed = true;
    if (is_signed && (byte & 0x40) != 0 && shift < 8 * sizeof value)
        value |= ~(cfi_word)0 << shift;
    return value;
}

static inline cfi_word cfi_read_uleb(struct cfi_reader *reader)
{
    return cfi_read_leb128(reader, false);
}

static inline cfi_signed cfi_read_sleb(struct cfi_reader *reader)
{
    return (cfi_signed)cfi_read_leb128(reader, true);
}

/* Moves over `bytes` bytes. */
static inline void cfi_reader_skip(struct cfi_reader *reader, cfi_word bytes)
{
    if (bytes > (size_t)(reader->end - reader->at))
        reader->failed = true;
    else
        reader->at += bytes;
}

/* A number in one of the PE_ formats, without what it is relative to. */
cfi_word cfi_read_format(struct cfi_reader *reader, unsigned encoding);

/* A pointer, made absolute. `data` is the base of PE_DATAREL. Refuses PE_INDIRECT, and the bases
 * that no static image uses (text, function, aligned). */
cfi_word cfi_read_pointer(struct cfi_reader *reader, unsigned encoding, cfi_word bias,
                          cfi_word data);

#endif
