/* SPDX-License-Identifier: MIT */
/*
 * An ELF core out of a dump: one note NT_PRSTATUS per thread, the running one first, and a segment
 * per stretch of memory. Small gaps between stretches (free blocks) are filled with zeros, which
 * keeps the segments few.
 *
 * The notes are laid out as Linux lays them out for the same CPU, since that is what debuggers
 * know: struct elf_prstatus with elf_gregset_t of arch/mips/include/asm/elf.h (o32: 45 words, r0 at
 * 6, lo, hi, epc at 38, 39, 40) and of arch/x86/include/asm/user_64.h (27 words).
 */
#include <elf.h>
#include <stdlib.h>

#include "tools/weft/heap_report.h"

#define GAP_MAX 65536u
#define NOTE_NAME_BYTES 8u /* "CORE" and a 0, padded to 4 */

struct layout {
    unsigned note_bytes, id_at, registers_at, register_count;
};

static const struct layout layout_mips = {256, 24, 72, 45};
static const struct layout layout_amd64 = {336, 32, 112, 27};

/* A stretch of memory that becomes a segment. */
struct stretch {
    uint64_t address, bytes;
    size_t first, count; /* pieces of the dump's memory */
};

static bool is_mips(const struct heap_dump *dump)
{
    return dump->machine == EM_MIPS;
}

static void put(struct buffer *out, const struct heap_dump *dump, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buffer_byte(out, (int)(number >> 8 * (dump->big_endian ? bytes - 1 - i : i) & 0xff));
}

static void put_word(struct buffer *out, const struct heap_dump *dump, uint64_t number)
{
    put(out, dump, number, dump->word_bytes);
}

static void put_zeros(struct buffer *out, uint64_t bytes)
{
    static const char zeros[4096];

    for (; bytes > sizeof zeros; bytes -= sizeof zeros)
        buffer_append(out, zeros, sizeof zeros);
    buffer_append(out, zeros, (size_t)bytes);
}

/* ---- notes ---- */

static void registers_mips(uint64_t *out, const struct heap_thread_info *thread)
{
    for (unsigned i = 0; i < 32; i++)
        out[6 + i] = thread->registers[i];
    out[40] = thread->number[HEAP_THREAD_PC];
}

static void registers_amd64(uint64_t *out, const struct heap_thread_info *thread)
{
    /* By DWARF number: rax rdx rcx rbx rsi rdi rbp rsp r8 .. r15. */
    static const unsigned char place[16] = {10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0};

    for (unsigned i = 0; i < 16; i++)
        out[place[i]] = thread->registers[i];
    out[16] = thread->number[HEAP_THREAD_PC];
    out[17] = 0x33; /* user code's segments, so that a debugger sees a 64-bit thread */
    out[20] = 0x2b;
}

static void put_note(struct buffer *out, const struct heap_dump *dump, const struct layout *layout,
                     const struct heap_thread_info *thread)
{
    uint64_t registers[45] = {0};
    size_t start;

    put(out, dump, 5, 4);
    put(out, dump, layout->note_bytes, 4);
    put(out, dump, NT_PRSTATUS, 4);
    buffer_append(out, "CORE\0\0\0", NOTE_NAME_BYTES);
    start = out->length;
    put_zeros(out, layout->id_at);
    put(out, dump, thread->number[HEAP_THREAD_ID], 4);
    put_zeros(out, layout->registers_at - layout->id_at - 4);
    if (is_mips(dump))
        registers_mips(registers, thread);
    else
        registers_amd64(registers, thread);
    for (unsigned i = 0; i < layout->register_count; i++)
        put_word(out, dump, registers[i]);
    put_zeros(out, start + layout->note_bytes - out->length);
}

static void put_notes(struct buffer *out, const struct heap_dump *dump)
{
    const struct layout *layout = is_mips(dump) ? &layout_mips : &layout_amd64;

    for (int others = 0; others < 2; others++)
        for (size_t i = 0; i < dump->thread_count; i++) {
            const struct heap_thread_info *thread = &dump->threads[i];
            bool first = thread->number[HEAP_THREAD_STATE] == 1; /* THREAD_RUNNING */

            if (first == !others)
                put_note(out, dump, layout, thread);
        }
}

/* ---- memory ---- */

static struct stretch *stretches_of(const struct heap_dump *dump, size_t *count)
{
    struct stretch *stretches = memory_zeroed((dump->memory_count + 1) * sizeof *stretches);

    *count = 0;
    for (size_t i = 0; i < dump->memory_count; i++) {
        const struct heap_memory *piece = &dump->memory[i];
        struct stretch *last = *count > 0 ? &stretches[*count - 1] : NULL;

        if (last != NULL && piece->address - (last->address + last->bytes) <= GAP_MAX) {
            last->bytes = piece->address + piece->bytes - last->address;
            last->count++;
        } else {
            stretches[(*count)++] = (struct stretch){piece->address, piece->bytes, i, 1};
        }
    }
    return stretches;
}

static void put_stretch(struct buffer *out, const struct heap_dump *dump,
                        const struct stretch *stretch)
{
    uint64_t at = stretch->address;

    for (size_t i = stretch->first; i < stretch->first + stretch->count; i++) {
        const struct heap_memory *piece = &dump->memory[i];

        put_zeros(out, piece->address - at);
        if (piece->data != NULL)
            buffer_append(out, piece->data, (size_t)piece->bytes);
        else
            put_zeros(out, piece->bytes);
        at = piece->address + piece->bytes;
    }
}

/* ---- headers ---- */

static unsigned header_bytes(const struct heap_dump *dump)
{
    return dump->word_bytes == 8 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
}

static unsigned segment_header_bytes(const struct heap_dump *dump)
{
    return dump->word_bytes == 8 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

static void put_header(struct buffer *out, const struct heap_dump *dump, uint32_t flags,
                       size_t segments)
{
    buffer_append(out, ELFMAG, SELFMAG);
    buffer_byte(out, dump->word_bytes == 8 ? ELFCLASS64 : ELFCLASS32);
    buffer_byte(out, dump->big_endian ? ELFDATA2MSB : ELFDATA2LSB);
    buffer_byte(out, EV_CURRENT);
    put_zeros(out, EI_NIDENT - out->length);
    put(out, dump, ET_CORE, 2);
    put(out, dump, dump->machine, 2);
    put(out, dump, EV_CURRENT, 4);
    put_word(out, dump, 0);
    put_word(out, dump, header_bytes(dump)); /* where the segments' headers are */
    put_word(out, dump, 0);
    put(out, dump, flags, 4);
    put(out, dump, header_bytes(dump), 2);
    put(out, dump, segment_header_bytes(dump), 2);
    put(out, dump, segments, 2);
    put(out, dump, 0, 2);
    put(out, dump, 0, 2);
    put(out, dump, 0, 2);
}

struct segment {
    uint32_t type, flags;
    uint64_t offset, address, bytes;
};

static void put_segment(struct buffer *out, const struct heap_dump *dump, struct segment segment)
{
    put(out, dump, segment.type, 4);
    if (dump->word_bytes == 8)
        put(out, dump, segment.flags, 4);
    put_word(out, dump, segment.offset);
    put_word(out, dump, segment.address);
    put_word(out, dump, segment.address);
    put_word(out, dump, segment.bytes);
    put_word(out, dump, segment.type == PT_NOTE ? 0 : segment.bytes);
    if (dump->word_bytes == 4)
        put(out, dump, segment.flags, 4);
    put_word(out, dump, segment.type == PT_NOTE ? 4 : 1);
}

void heap_core(struct buffer *core, const struct heap_dump *dump, uint32_t flags)
{
    struct buffer notes = {0};
    size_t count;
    struct stretch *stretches = stretches_of(dump, &count);
    uint64_t offset = header_bytes(dump) + (count + 1) * segment_header_bytes(dump);

    put_notes(&notes, dump);
    put_header(core, dump, flags, count + 1);
    put_segment(core, dump, (struct segment){PT_NOTE, PF_R, offset, 0, notes.length});
    offset += notes.length;
    for (size_t i = 0; i < count; i++) {
        put_segment(core, dump,
                    (struct segment){PT_LOAD, PF_R | PF_W, offset, stretches[i].address,
                                     stretches[i].bytes});
        offset += stretches[i].bytes;
    }
    buffer_append(core, notes.data, notes.length);
    for (size_t i = 0; i < count; i++)
        put_stretch(core, dump, &stretches[i]);
    buffer_free(&notes);
    free(stretches);
}
