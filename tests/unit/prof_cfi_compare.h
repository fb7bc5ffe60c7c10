/* SPDX-License-Identifier: MIT */
/*
 * Our reader of call frame information against elfutils', row by row over a whole image; and
 * against damaged tables. Included by one test file per kind of image, which sets the CFI_ macros
 * first: the sources under test are compiled right here with them.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "prof/cfi.c"
#include "prof/cfi_program.c"
#include "prof/cfi_reader.c"
#include "prof_check.h"

/* An ELF file and its tables, in place in libelf's memory. */
struct image {
    int file, copy_file;
    Elf *elf, *copy; /* the copy, when elfutils needs one of its own */
    Dwarf_CFI *theirs;
    struct cfi_tables ours;
};

struct text_range {
    cfi_word start, end;
};

static struct cfi_section image_section(const struct image *image, const char *name)
{
    struct cfi_section section = {0};
    size_t names;
    Elf_Scn *scn = NULL;

    cr_assert(elf_getshdrstrndx(image->elf, &names) == 0);
    while ((scn = elf_nextscn(image->elf, scn)) != NULL) {
        GElf_Shdr header;
        Elf_Data *data = elf_rawdata(scn, NULL);

        gelf_getshdr(scn, &header);
        if (strcmp(elf_strptr(image->elf, names, header.sh_name), name) != 0)
            continue;
        section.start = data->d_buf;
        section.end = section.start + data->d_size;
        section.bias = (cfi_word)header.sh_addr - (cfi_word)(uintptr_t)data->d_buf;
    }
    cr_assert(section.start != NULL, "no section %s", name);
    return section;
}

static void image_open(struct image *image, const char *path)
{
    elf_version(EV_CURRENT);
    image->copy = NULL;
    image->file = open(path, O_RDONLY);
    cr_assert(image->file >= 0, "%s", path);
    image->elf = elf_begin(image->file, ELF_C_READ, NULL);
    image->theirs = dwarf_getcfi_elf(image->elf);
    cr_assert(image->theirs != NULL, "%s: %s", path, dwarf_errmsg(-1));
    image->ours.index = image_section(image, ".eh_frame_hdr");
    image->ours.frames = image_section(image, ".eh_frame");
}

static void image_close(struct image *image)
{
    dwarf_cfi_end(image->theirs);
    elf_end(image->elf);
    close(image->file);
    if (image->copy != NULL) {
        elf_end(image->copy);
        close(image->copy_file);
    }
}

/* Where one register is, by elfutils' answer for it. */
static void compare_rule(Dwarf_Frame *frame, cfi_word pc, unsigned reg, cfi_rule rule)
{
    Dwarf_Op memory[3], *ops;
    size_t count;
    int32_t value = cfi_rule_value(rule);

    CHECK(dwarf_frame_register(frame, (int)reg, memory, &ops, &count) == 0);
    switch (cfi_rule_kind(rule)) {
    case CFI_SAME:
        /* What is not mentioned is "same" or "undefined" by the ABI, which elfutils knows; and the
         * stack pointer is the CFA. */
        if (reg == CFI_STACK_POINTER && count == 2)
            CHECK(ops[0].atom == DW_OP_call_frame_cfa && ops[1].atom == DW_OP_stack_value);
        else
            CHECK(count == 0, "%lx r%u: we say same", (long)pc, reg);
        break;
    case CFI_UNDEFINED:
        CHECK(count == 0 && ops == memory, "%lx r%u: we say undefined", (long)pc, reg);
        break;
    case CFI_OFFSET:
    case CFI_VAL_OFFSET:
        CHECK(count >= 1 && ops[0].atom == DW_OP_call_frame_cfa, "%lx r%u", (long)pc, reg);
        CHECK(value == (count >= 2 && ops[1].atom == DW_OP_plus_uconst ? (int)ops[1].number : 0),
              "%lx r%u: our offset is %d", (long)pc, reg, value);
        CHECK((ops[count - 1].atom == DW_OP_stack_value) ==
              (cfi_rule_kind(rule) == CFI_VAL_OFFSET));
        break;
    case CFI_REGISTER:
        CHECK(count == 1 && ops[0].atom == DW_OP_regx && (int)ops[0].number == value);
        break;
    default:
        CHECK(count >= 1 && ops[0].atom != DW_OP_regx, "%lx r%u: expression", (long)pc, reg);
    }
}

static void compare_row(Dwarf_Frame *frame, cfi_word pc, const struct cfi_row *row)
{
    Dwarf_Op *ops;
    size_t count;
    Dwarf_Addr start, end;
    bool is_signal;
    int column = dwarf_frame_info(frame, &start, &end, &is_signal);

    /* After a restore_state elfutils reports the remembered row's start, so theirs may be lower. */
    CHECK(row->start >= (cfi_word)start && row->end == (cfi_word)end, "%lx: %lx-%lx, not %lx-%lx",
          (long)pc, (long)row->start, (long)row->end, (long)start, (long)end);
    CHECK(row->return_column == column && row->signal_frame == is_signal);
    CHECK(dwarf_frame_cfa(frame, &ops, &count) == 0, "%lx: %s", (long)pc, dwarf_errmsg(-1));
    if (row->state.cfa_expression != 0) {
        CHECK(count > 1 || ops[0].atom != DW_OP_bregx);
    } else {
        CHECK(count == 1 && ops[0].atom == DW_OP_bregx, "%lx", (long)pc);
        CHECK(ops[0].number == row->state.cfa_register, "%lx: CFA register", (long)pc);
        CHECK((int)ops[0].number2 == row->state.cfa_offset, "%lx: CFA offset", (long)pc);
    }
    for (unsigned reg = 0; reg < CFI_REGISTERS; reg++)
        compare_rule(frame, pc, reg, cfi_state_rule(&row->state, reg));
}

/* Every row of one range; pcs without information are stepped over one by one, and must be without
 * it for both. Returns the number of rows. */
static unsigned compare_range(struct image *image, struct text_range range)
{
    unsigned rows = 0;

    for (cfi_word pc = range.start; pc < range.end;) {
        Dwarf_Frame *frame = NULL;
        struct cfi_row row;
        bool theirs = dwarf_cfi_addrframe(image->theirs, pc, &frame) == 0;
        bool found = cfi_find(&image->ours, pc, &row);

        CHECK(found == theirs, "%lx: found %d, elfutils %d: %s", (long)pc, found, theirs,
              theirs ? "" : dwarf_errmsg(-1));
        if (found) {
            compare_row(frame, pc, &row);
            pc = row.end;
            rows++;
        } else {
            pc++;
        }
        free(frame);
    }
    return rows;
}

/* All executable segments. */
static unsigned compare_image(struct image *image)
{
    size_t count;
    unsigned rows = 0;

    cr_assert(elf_getphdrnum(image->elf, &count) == 0);
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr header;

        gelf_getphdr(image->elf, (int)i, &header);
        if (header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0)
            rows += compare_range(image,
                                  (struct text_range){(cfi_word)header.p_vaddr,
                                                      (cfi_word)(header.p_vaddr + header.p_memsz)});
    }
    return rows;
}

/* ---- damaged tables ---- */

/* A copy of a section between two pages that nobody may touch: flush with the upper or the lower
 * one. */
static struct cfi_section guarded_copy(struct cfi_section section, bool upper)
{
    size_t page = 4096, bytes = (size_t)(section.end - section.start);
    size_t room = (bytes + page - 1) / page * page;
    unsigned char *memory =
        mmap(NULL, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *copy = memory + page + (upper ? room - bytes : 0);

    cr_assert(memory != MAP_FAILED);
    cr_assert(mprotect(memory + page, room, PROT_READ | PROT_WRITE) == 0);
    memcpy(copy, section.start, bytes);
    return (struct cfi_section){copy, copy + bytes,
                                section.bias + (cfi_word)(uintptr_t)section.start -
                                    (cfi_word)(uintptr_t)copy};
}

/* The first pcs of up to `most` rows, spread over the image. */
static unsigned sample_pcs(struct image *image, struct text_range range, cfi_word *pcs,
                           unsigned most)
{
    unsigned count = 0;
    cfi_word stride = (range.end - range.start) / most;

    for (cfi_word pc = range.start; pc < range.end && count < most; pc += stride) {
        struct cfi_row row;

        if (cfi_find(&image->ours, pc, &row))
            pcs[count++] = pc;
    }
    return count;
}

/* Flips bits in every byte of one section; a lookup may fail or answer nonsense, but it ends, and
 * it reads nothing outside (a fault would end the test). Answers that name memory stay inside too:
 * an expression's offset lies in the section. */
static void damage_section(struct cfi_tables tables, const struct cfi_section *victim,
                           const cfi_word *pcs, unsigned count)
{
    unsigned char *bytes = (unsigned char *)victim->start;
    static const unsigned char flips[] = {0xff, 0x01, 0x80, 0x0f};

    for (size_t at = 0; at < (size_t)(victim->end - victim->start); at++) {
        for (unsigned flip = 0; flip < sizeof flips; flip++) {
            bytes[at] ^= flips[flip];
            for (unsigned i = 0; i < count; i++) {
                struct cfi_row row;

                if (!cfi_find(&tables, pcs[i], &row))
                    continue;
                CHECK(row.start <= pcs[i] && pcs[i] < row.end);
                CHECK(row.return_column < CFI_REGISTERS);
                CHECK(row.state.cfa_expression != 0 || row.state.cfa_register < CFI_REGISTERS);
            }
            bytes[at] ^= flips[flip];
        }
    }
}

static void damage_image(struct image *image, struct text_range range, unsigned lookups)
{
    cfi_word pcs[64];
    unsigned count = sample_pcs(image, range, pcs, lookups);

    cr_assert(count > 0);
    for (int upper = 0; upper < 2; upper++) {
        struct cfi_tables copy = {guarded_copy(image->ours.index, upper),
                                  guarded_copy(image->ours.frames, upper)};

        damage_section(copy, &copy.index, pcs, count);
        damage_section(copy, &copy.frames, pcs, count);
    }
}

/* Every length of both sections, from nothing to all. */
static void cut_image(struct image *image, struct text_range range)
{
    cfi_word pcs[16];
    unsigned count = sample_pcs(image, range, pcs, 16);
    struct cfi_tables copy = {guarded_copy(image->ours.index, true),
                              guarded_copy(image->ours.frames, true)};
    struct cfi_tables cut = copy;

    /* Cutting at the front keeps the guard page behind the last byte; bytes then mean something
     * else. */
    for (; cut.index.start < copy.index.end; cut.index.start++)
        for (unsigned i = 0; i < count; i++) {
            struct cfi_row row;

            cfi_find(&cut, pcs[i], &row);
        }
    cut.index = copy.index;
    for (; cut.frames.start < copy.frames.end; cut.frames.start++)
        for (unsigned i = 0; i < count; i++) {
            struct cfi_row row;

            cfi_find(&cut, pcs[i], &row);
        }
}
