/* SPDX-License-Identifier: MIT */
/* Lookup in .eh_frame_hdr, and the headers of FDEs and CIEs. See cfi.h. */
#include "prof/cfi.h"

#include "prof/cfi_program.h"

#define CIE_AUGMENTATION_MAX 8

static cfi_word section_address(const struct cfi_section *section)
{
    return (cfi_word)(uintptr_t)section->start + section->bias;
}

/* A cursor at the target's address `address`; failed when that is not inside the section. */
static struct cfi_reader section_reader(const struct cfi_section *section, cfi_word address)
{
    cfi_word offset = address - section_address(section);
    struct cfi_reader reader = {section->start, section->end, false};

    cfi_reader_skip(&reader, offset);
    return reader;
}

/* Bytes of one fixed-size pointer; 0 for the others, which can't be searched by halves. */
static unsigned encoding_bytes(unsigned encoding)
{
    switch (encoding & PE_FORMAT) {
    case PE_ABSPTR:
        return CFI_WORD_BYTES;
    case PE_UDATA2:
    case PE_SDATA2:
        return 2;
    case PE_UDATA4:
    case PE_SDATA4:
        return 4;
    case PE_UDATA8:
    case PE_SDATA8:
        return 8;
    default:
        return 0;
    }
}

/* One pointer of the index, at `at`. */
static cfi_word index_pointer(const struct cfi_section *index, const unsigned char *at,
                              unsigned encoding)
{
    struct cfi_reader reader = {at, index->end, false};

    return cfi_read_pointer(&reader, encoding, index->bias, section_address(index));
}

/* The last of `count` pairs (first pc, FDE) at `table` whose first pc is <= pc: its FDE's address,
 * or 0. The caller has checked that the pairs lie inside the section. */
static cfi_word index_search(const struct cfi_section *index, const unsigned char *table,
                             cfi_word count, unsigned encoding, cfi_word pc)
{
    unsigned half = encoding_bytes(encoding);
    cfi_word low = 0,
             high = count; /* pairs below `low` start at or before pc, from `high` on after it */

    while (low < high) {
        cfi_word middle = low + (high - low) / 2;

        if (index_pointer(index, table + middle * 2 * half, encoding) <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return 0;
    return index_pointer(index, table + (low - 1) * 2 * half + half, encoding);
}

/* The same for the one kind of table that ld writes, signed 32-bit distances from the index: the
 * sampler's own search when its cache has no answer. */
static cfi_word index_search_usual(const struct cfi_section *index, const unsigned char *table,
                                   cfi_word count, cfi_word pc)
{
    cfi_word base = section_address(index);
    cfi_word low = 0, high = count;

    while (low < high) {
        cfi_word middle = low + (high - low) / 2;

        if (base + (cfi_word)(cfi_signed)cfi_load_s32(table + middle * 8) <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return 0;
    return base + (cfi_word)(cfi_signed)cfi_load_s32(table + (low - 1) * 8 + 4);
}

/* The address of the FDE that may cover pc, or 0. */
static cfi_word index_find(const struct cfi_section *index, cfi_word pc)
{
    struct cfi_reader reader = {index->start, index->end, false};
    uint32_t version = cfi_read_u8(&reader);
    unsigned frame_encoding = cfi_read_u8(&reader);
    unsigned count_encoding = cfi_read_u8(&reader);
    unsigned table_encoding = cfi_read_u8(&reader);

    if (version != 1 || count_encoding == PE_OMIT || table_encoding == PE_OMIT)
        return 0;
    if (frame_encoding != PE_OMIT)
        cfi_read_format(&reader, frame_encoding);
    cfi_word count = cfi_read_pointer(&reader, count_encoding, index->bias, 0);
    unsigned half = encoding_bytes(table_encoding);

    if (reader.failed || half == 0 || count > (size_t)(reader.end - reader.at) / (2 * half))
        return 0;
    if (table_encoding == (PE_DATAREL | PE_SDATA4))
        return index_search_usual(index, reader.at, count, pc);
    return index_search(index, reader.at, count, table_encoding, pc);
}

/* The augmentation data of a CIE, as far as the string explains it. 'z' gives the data's length, so
 * that what follows is found also when a letter is unknown; but an unknown letter may change the
 * meaning of the FDEs, so it is refused. */
static bool common_augmentation(struct cfi_common *common, struct cfi_reader *reader,
                                const unsigned char *letters)
{
    if (*letters == 0)
        return true;
    if (*letters != 'z')
        return false;
    common->has_sizes = true;
    cfi_word bytes = cfi_read_uleb(reader);
    struct cfi_reader data = *reader;

    cfi_reader_skip(reader, bytes);
    if (reader->failed)
        return false;
    data.end = reader->at;
    while (*++letters != 0) {
        if (*letters == 'R')
            common->pointer_encoding = (uint8_t)cfi_read_u8(&data);
        else if (*letters == 'L')
            cfi_read_u8(&data);
        else if (*letters == 'P')
            cfi_read_format(&data, cfi_read_u8(&data));
        else if (*letters == 'S')
            common->signal_frame = true;
        else
            return false;
    }
    return !data.failed;
}

/* A cursor over the body of the CIE or FDE at `reader`: behind its length. */
static struct cfi_reader entry_body(struct cfi_reader reader)
{
    uint32_t bytes = cfi_read_u32(&reader);
    struct cfi_reader body = reader;

    /* 0 ends the section; 0xffffffff announces a 64-bit length, which gcc and binutils never write
     * here. */
    if (bytes == 0 || bytes == UINT32_MAX)
        body.failed = true;
    cfi_reader_skip(&reader, bytes);
    body.failed |= reader.failed;
    body.end = reader.at;
    return body;
}

/* The string's bytes must end inside the CIE. */
static const unsigned char *read_string(struct cfi_reader *reader)
{
    const unsigned char *string = reader->at;

    for (unsigned i = 0; i < CIE_AUGMENTATION_MAX; i++)
        if (cfi_read_u8(reader) == 0)
            return string;
    reader->failed = true;
    return string;
}

static bool common_read(struct cfi_common *common, struct cfi_reader at)
{
    struct cfi_reader reader = entry_body(at);
    uint32_t id = cfi_read_u32(&reader);
    uint32_t version = cfi_read_u8(&reader);
    const unsigned char *letters = read_string(&reader);

    if (reader.failed || id != 0 || (version != 1 && version != 3))
        return false;
    common->code_align = cfi_read_uleb(&reader);
    cfi_signed data_align = cfi_read_sleb(&reader);
    cfi_word column = version == 1 ? cfi_read_u8(&reader) : cfi_read_uleb(&reader);

    if (column >= CFI_REGISTERS || data_align < -64 || data_align > 64)
        return false;
    common->data_align = (int32_t)data_align;
    common->return_column = (uint8_t)column;
    common->pointer_encoding = PE_ABSPTR;
    common->has_sizes = false;
    common->signal_frame = false;
    if (!common_augmentation(common, &reader, letters))
        return false;
    common->program = reader;
    return !reader.failed;
}

/* Reads the FDE at `address` into *machine and *common; false unless it covers the pc. *program
 * gets its program. */
static bool frame_read(struct cfi_machine *machine, struct cfi_common *common, cfi_word address,
                       struct cfi_reader *program)
{
    const struct cfi_section *frames = machine->frames;
    struct cfi_reader reader = entry_body(section_reader(frames, address));
    const unsigned char *pointer_at = reader.at;
    uint32_t back = cfi_read_u32(&reader);

    if (reader.failed || back == 0 || back > (size_t)(pointer_at - frames->start))
        return false;
    struct cfi_reader cie = {pointer_at - back, frames->end, false};

    if (!common_read(common, cie))
        return false;
    cfi_word start = cfi_read_pointer(&reader, common->pointer_encoding, frames->bias, 0);
    cfi_word bytes = cfi_read_format(&reader, common->pointer_encoding);

    if (common->has_sizes)
        cfi_reader_skip(&reader, cfi_read_uleb(&reader));
    if (reader.failed || machine->pc - start >= bytes || start + bytes < start)
        return false;
    machine->location = start;
    machine->end = start + bytes;
    *program = reader;
    return true;
}

bool cfi_find(const struct cfi_tables *tables, cfi_word pc, struct cfi_row *row)
{
    struct cfi_common common;
    struct cfi_machine machine;
    struct cfi_reader program;
    cfi_word address = index_find(&tables->index, pc);

    if (address == 0)
        return false;
    machine.frames = &tables->frames;
    machine.common = &common;
    machine.pc = pc;
    machine.state = &row->state;
    if (!frame_read(&machine, &common, address, &program) || !cfi_program_run(&machine, program))
        return false;
    row->start = machine.location;
    row->end = machine.end;
    row->return_column = common.return_column;
    row->signal_frame = common.signal_frame;
    return true;
}
