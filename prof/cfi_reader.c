/* SPDX-License-Identifier: MIT */
/* Numbers and pointers in the formats of .eh_frame; apart from the interpreter, because expressions
 * need them without it. */
#include "prof/cfi_reader.h"

cfi_word cfi_read_format(struct cfi_reader *reader, unsigned encoding)
{
    switch (encoding & PE_FORMAT) {
    case PE_ABSPTR:
        return CFI_WORD_BYTES == 4 ? cfi_read_u32(reader) : (cfi_word)cfi_read_u64(reader);
    case PE_ULEB128:
        return cfi_read_uleb(reader);
    case PE_SLEB128:
        return (cfi_word)cfi_read_sleb(reader);
    case PE_UDATA2:
        return cfi_read_u16(reader);
    case PE_SDATA2:
        return (cfi_word)(cfi_signed)(int16_t)cfi_read_u16(reader);
    case PE_UDATA4:
        return cfi_read_u32(reader);
    case PE_SDATA4:
        return (cfi_word)(cfi_signed)(int32_t)cfi_read_u32(reader);
    case PE_UDATA8:
    case PE_SDATA8:
        return (cfi_word)cfi_read_u64(reader);
    default:
        reader->failed = true;
        return 0;
    }
}

cfi_word cfi_read_pointer(struct cfi_reader *reader, unsigned encoding, cfi_word bias,
                          cfi_word data)
{
    cfi_word here = (cfi_word)(uintptr_t)reader->at + bias;
    cfi_word value = cfi_read_format(reader, encoding);

    switch (encoding & (PE_RELATIVE | PE_INDIRECT)) {
    case 0:
        return value;
    case PE_PCREL:
        return value + here;
    case PE_DATAREL:
        return value + data;
    default:
        reader->failed = true;
        return 0;
    }
}
