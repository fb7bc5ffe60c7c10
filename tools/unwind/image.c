/* SPDX-License-Identifier: MIT */
#include "tools/unwind/image.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail(const char *path, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "weft-unwind-table: %s: ", path);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static const struct rows_reader *reader_of(const char *path, Elf *elf)
{
    GElf_Ehdr header;

    if (elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &header) == NULL)
        fail(path, "this is not an ELF file");
    if (header.e_type != ET_EXEC)
        fail(path, "this is not a program linked at fixed addresses");
    bool big = header.e_ident[EI_DATA] == ELFDATA2MSB;

    if (header.e_machine == EM_X86_64)
        return &rows_amd64;
    if (header.e_machine == EM_MIPS && header.e_ident[EI_CLASS] == ELFCLASS32)
        return big ? &rows_mips : &rows_mipsel;
    fail(path, "ELF machine %u is none that weft has a port for (MIPS o32, x86-64)",
         header.e_machine);
}

static void read_sections(struct image *image)
{
    size_t names;
    Elf_Scn *scn = NULL;

    if (elf_getshdrstrndx(image->elf, &names) != 0)
        fail(image->path, "it has no section names: %s", elf_errmsg(-1));
    while ((scn = elf_nextscn(image->elf, scn)) != NULL) {
        GElf_Shdr header;
        Elf_Data *data = elf_rawdata(scn, NULL);

        gelf_getshdr(scn, &header);
        const char *name = elf_strptr(image->elf, names, header.sh_name);
        bool frames = name != NULL && strcmp(name, ".eh_frame") == 0;
        bool table = name != NULL && strcmp(name, IMAGE_TABLE_SECTION) == 0;

        if ((header.sh_flags & SHF_EXECINSTR) != 0)
            image->text_bytes += header.sh_size;
        if ((frames || table) && data != NULL && header.sh_type != SHT_NOBITS)
            *(frames ? &image->frames : &image->table) =
                (struct rows_section){data->d_buf, data->d_size, header.sh_addr};
        if (frames)
            image->frames_loaded = (header.sh_flags & SHF_ALLOC) != 0;
    }
    if (image->frames.size == 0)
        fail(image->path, "it has no call frame information (.eh_frame): compile with "
                          "-fasynchronous-unwind-tables");
}

static int function_order(const void *a, const void *b)
{
    const struct rows_function *left = a, *right = b;

    return left->start != right->start ? (left->start < right->start ? -1 : 1)
                                       : (left->end > right->end) - (left->end < right->end);
}

static void read_functions(struct image *image)
{
    struct rows_function function;
    size_t at = 0, room = 0;

    while (image->reader->next(&image->frames, &at, &function)) {
        if (image->function_count == room) {
            room = room * 2 + 256;
            image->functions = realloc(image->functions, room * sizeof function);
            if (image->functions == NULL)
                fail(image->path, "no memory for its functions");
        }
        image->functions[image->function_count++] = function;
    }
    if (image->function_count == 0)
        fail(image->path, "its call frame information describes no function");
    qsort(image->functions, image->function_count, sizeof function, function_order);
    for (size_t i = 1; i < image->function_count; i++)
        if (image->functions[i].start < image->functions[i - 1].end)
            fail(image->path, "two functions' call frame information overlap, at 0x%llx (%s)",
                 (unsigned long long)image->functions[i].start,
                 image_symbol(image, image->functions[i].start));
}

void image_open(struct image *image, const char *path)
{
    int file = open(path, O_RDONLY);

    memset(image, 0, sizeof *image);
    image->path = path;
    elf_version(EV_CURRENT);
    if (file < 0)
        fail(path, "%m");
    image->elf = elf_begin(file, ELF_C_READ, NULL);
    if (image->elf == NULL)
        fail(path, "%s", elf_errmsg(-1));
    image->reader = reader_of(path, image->elf);
    read_sections(image);
    read_functions(image);
}

const char *image_symbol(const struct image *image, uint64_t pc)
{
    Elf_Scn *scn = NULL;

    while ((scn = elf_nextscn(image->elf, scn)) != NULL) {
        GElf_Shdr header;
        Elf_Data *data;

        if (gelf_getshdr(scn, &header) == NULL || header.sh_type != SHT_SYMTAB ||
            (data = elf_getdata(scn, NULL)) == NULL)
            continue;
        for (int i = 0; (size_t)i < data->d_size / header.sh_entsize; i++) {
            GElf_Sym symbol;

            if (gelf_getsym(data, i, &symbol) != NULL && GELF_ST_TYPE(symbol.st_info) == STT_FUNC &&
                pc - symbol.st_value < symbol.st_size)
                return elf_strptr(image->elf, header.sh_link, symbol.st_name);
        }
    }
    return "?";
}
