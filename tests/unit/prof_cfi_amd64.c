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
