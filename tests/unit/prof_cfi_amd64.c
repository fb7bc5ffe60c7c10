/* SPDX-License-Identifier: MIT */
/*
 * Call frame information of amd64, 64-bit and little-endian: this program and the host's libc,
 * every row, as elfutils reads them.
 */
#define CFI_WORD_BYTES 8
#define CFI_BIG_ENDIAN 0
#define CFI_REGISTERS 17
#define CFI_STACK_POINTER 7
#include "prof_cfi_compare.h"

#include <link.h>

/* Never run: information that compilers rarely write, for every_row_of_this_program. Each row is 4
 * bytes but for those that need a longer advance. */
__asm__(".text\n .cfi_startproc\n"
        ".fill 4\n .cfi_escape 0x12, 7, 0x7e\n"          /* def_cfa_sf rsp + 16 */
        ".fill 4\n .cfi_escape 0x13, 0x7d\n"             /* def_cfa_offset_sf 24 */
        ".fill 4\n .cfi_escape 0x14, 12, 1\n"            /* val_offset r12, CFA - 8 */
        ".fill 4\n .cfi_escape 0x15, 13, 0x7f\n"         /* val_offset_sf r13, CFA + 8 */
        ".fill 4\n .cfi_escape 0x05, 14, 3\n"            /* offset_extended r14, -24 */
        ".fill 4\n .cfi_escape 0x11, 15, 0x7e\n"         /* offset_extended_sf r15, +16 */
        ".fill 4\n .cfi_escape 0x2f, 12, 2\n"            /* GNU_negative_offset_extended r12 */
        ".fill 4\n .cfi_escape 0x0a, 0x0a, 0x0a\n"       /* remember_state, three deep */
        ".fill 4\n .cfi_escape 0x06, 14\n"               /* restore_extended r14 */
        ".fill 4\n .cfi_escape 0x09, 3, 12\n"            /* register rbx in r12 */
        ".fill 4\n .cfi_escape 0x07, 6\n"                /* undefined rbp */
        ".fill 4\n .cfi_escape 0x08, 3\n"                /* same_value rbx */
        ".fill 4\n .cfi_escape 0x2e, 16\n"               /* GNU_args_size */
        ".fill 4\n .cfi_escape 0x0f, 3, 0x77, 8, 0x06\n" /* def_cfa_expression *(rsp + 8) */
        ".fill 4\n .cfi_escape 0x10, 3, 2, 0x77, 0x70\n" /* expression rbx at rsp - 16 */
        ".fill 4\n .cfi_escape 0x16, 6, 2, 0x77, 4\n"    /* val_expression rbp */
        ".fill 4\n .cfi_escape 0x0b\n"                   /* restore_state */
        ".fill 100\n .cfi_escape 0x0b\n"                 /* advance_loc1 */
        ".fill 400\n .cfi_escape 0x0d, 6\n"              /* advance_loc2; def_cfa_register rbp */
        ".fill 70000\n .cfi_escape 0x0b\n"               /* advance_loc4 */
        ".fill 4\n .cfi_escape 0x1d, 8, 0, 0, 0, 0, 0, 0, 0, 0x0e, 64\n" /* MIPS_advance_loc8 */
        ".fill 12\n .cfi_endproc\n");

static char libc_path[256];

static int find_libc(struct dl_phdr_info *info, size_t size, void *argument)
{
    (void)size;
    (void)argument;
    if (strstr(info->dlpi_name, "libc.so") != NULL)
        strncpy(libc_path, info->dlpi_name, sizeof libc_path - 1);
    return 0;
}

Test(prof_cfi_amd64, every_row_of_this_program_is_as_elfutils_reads_it)
{
    struct image image;

    image_open(&image, "/proc/self/exe");
    cr_assert(compare_image(&image) > 100);
    image_close(&image);
}

/* Hand-written assembly, signal frames, expressions, realigned stacks. */
Test(prof_cfi_amd64, every_row_of_libc_is_as_elfutils_reads_it)
{
    struct image image;

    dl_iterate_phdr(find_libc, NULL);
    image_open(&image, libc_path);
    cr_assert(compare_image(&image) > 10000);
    image_close(&image);
}

static struct text_range own_text(struct image *image)
{
    struct text_range range = {0};
    size_t count;

    elf_getphdrnum(image->elf, &count);
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr header;

        gelf_getphdr(image->elf, (int)i, &header);
        if (header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0)
            range = (struct text_range){header.p_vaddr, header.p_vaddr + header.p_memsz};
    }
    return range;
}

Test(prof_cfi_amd64, no_flipped_bits_make_a_lookup_fault_or_hang, .timeout = 300)
{
    struct image image;

    image_open(&image, "/proc/self/exe");
    damage_image(&image, own_text(&image), 24);
    image_close(&image);
}

Test(prof_cfi_amd64, no_cut_table_makes_a_lookup_fault, .timeout = 300)
{
    struct image image;

    image_open(&image, "/proc/self/exe");
    cut_image(&image, own_text(&image));
    image_close(&image);
}
