/* SPDX-License-Identifier: MIT */
#include "tools/weft/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void image_read_segments(struct image *image)
{
    size_t count = 0;

    if (elf_getphdrnum(image->elf, &count) != 0)
        return;
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr header;

        if (gelf_getphdr(image->elf, (int)i, &header) == NULL || header.p_type != PT_LOAD ||
            (header.p_flags & PF_X) == 0)
            continue;
        image->segments = array_reserve(image->segments, &image->segment_capacity,
                                        image->segment_count + 1, sizeof image->segments[0]);
        image->segments[image->segment_count++] = (struct image_segment){
            header.p_vaddr, header.p_vaddr + header.p_memsz, header.p_offset};
    }
}

/* Finds the GNU build id in one note section. */
static void image_read_notes(struct image *image, Elf_Data *data)
{
    size_t at = 0, name_at, text_at;
    GElf_Nhdr note;

    while (data != NULL && (at = gelf_getnote(data, at, &note, &name_at, &text_at)) > 0) {
        const char *name = (const char *)data->d_buf + name_at;

        if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof "GNU" ||
            memcmp(name, "GNU", sizeof "GNU") != 0)
            continue;
        image->build_id = (const uint8_t *)data->d_buf + text_at;
        image->build_id_bytes = note.n_descsz;
        return;
    }
}

static bool image_is_text_section(const struct image *image, size_t index)
{
    Elf_Scn *section = elf_getscn(image->elf, index);
    GElf_Shdr header;

    return section != NULL && gelf_getshdr(section, &header) != NULL &&
           (header.sh_flags & SHF_EXECINSTR) != 0;
}

static void image_add_symbol(struct image *image, const GElf_Sym *symbol, const char *name)
{
    unsigned type = GELF_ST_TYPE(symbol->st_info);
    bool is_typed = type == STT_FUNC || type == STT_GNU_IFUNC;

    if (name == NULL || name[0] == '\0' || (!is_typed && (name[0] == '$' || name[0] == '.')))
        return; /* the assembler's own labels */
    if ((!is_typed && type != STT_NOTYPE) || symbol->st_shndx == SHN_UNDEF ||
        symbol->st_shndx >= SHN_LORESERVE || !image_is_text_section(image, symbol->st_shndx))
        return;
    image->functions = array_reserve(image->functions, &image->function_capacity,
                                     image->function_count + 1, sizeof image->functions[0]);
    image->functions[image->function_count++] =
        (struct image_function){.start = symbol->st_value,
                                .limit = symbol->st_value + symbol->st_size,
                                .name = name,
                                .is_typed = is_typed,
                                .is_global = GELF_ST_BIND(symbol->st_info) != STB_LOCAL};
}

static void image_read_symbols(struct image *image, Elf_Scn *section, const GElf_Shdr *header)
{
    Elf_Data *data = elf_getdata(section, NULL);
    size_t count = header->sh_entsize > 0 ? header->sh_size / header->sh_entsize : 0;
    GElf_Sym symbol;

    for (size_t i = 0; data != NULL && i < count; i++)
        if (gelf_getsym(data, (int)i, &symbol) != NULL)
            image_add_symbol(image, &symbol,
                             elf_strptr(image->elf, header->sh_link, symbol.st_name));
}

/* By address; where several names share one, the one to show comes first. */
static int image_compare(const void *left, const void *right)
{
    const struct image_function *a = left, *b = right;

    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->is_typed != b->is_typed)
        return a->is_typed ? -1 : 1;
    if ((a->limit > a->start) != (b->limit > b->start))
        return a->limit > a->start ? -1 : 1;
    if (a->is_global != b->is_global)
        return a->is_global ? -1 : 1;
    return strcmp(a->name, b->name);
}

/*
 * Keeps one name per address, drops labels inside functions of known size, and gives what has no
 * size (labels of hand-written assembly) all up to the next function.
 */
static void image_sort_functions(struct image *image)
{
    struct image_function *functions = image->functions;
    size_t kept = 0;

    if (image->function_count == 0)
        return;
    qsort(functions, image->function_count, sizeof functions[0], image_compare);
    for (size_t i = 0; i < image->function_count; i++) {
        const struct image_function *last = kept > 0 ? &functions[kept - 1] : NULL;

        if (last != NULL && functions[i].start == last->start)
            continue;
        if (last != NULL && !functions[i].is_typed && functions[i].start < last->limit)
            continue;
        functions[kept++] = functions[i];
    }
    image->function_count = kept;
    for (size_t i = 0; i < kept; i++)
        if (functions[i].limit == functions[i].start)
            functions[i].limit = i + 1 < kept ? functions[i + 1].start : UINT64_MAX;
}

static void image_read_sections(struct image *image)
{
    Elf_Scn *section = NULL;

    while ((section = elf_nextscn(image->elf, section)) != NULL) {
        GElf_Shdr header;

        if (gelf_getshdr(section, &header) == NULL)
            continue;
        if (header.sh_type == SHT_NOTE && image->build_id == NULL)
            image_read_notes(image, elf_getdata(section, NULL));
        else if (header.sh_type == SHT_SYMTAB)
            image_read_symbols(image, section, &header);
    }
    image_sort_functions(image);
}

static bool image_read(struct image *image, struct buffer *error)
{
    GElf_Ehdr header;

    image->fd = open(image->path, O_RDONLY | O_CLOEXEC);
    if (image->fd < 0) {
        buffer_printf(error, "%s: %s", image->path, strerror(errno));
        return false;
    }
    elf_version(EV_CURRENT);
    image->elf = elf_begin(image->fd, ELF_C_READ, NULL);
    if (image->elf == NULL || elf_kind(image->elf) != ELF_K_ELF ||
        gelf_getehdr(image->elf, &header) == NULL) {
        buffer_printf(error, "%s: not an ELF file", image->path);
        return false;
    }
    image->big_endian = header.e_ident[EI_DATA] == ELFDATA2MSB;
    image->word_bytes = header.e_ident[EI_CLASS] == ELFCLASS64 ? 8 : 4;
    image_read_segments(image);
    image_read_sections(image);
    if (image->segment_count == 0) {
        buffer_printf(error, "%s: an ELF file without a loadable text segment", image->path);
        return false;
    }
    return true;
}

struct image *image_open(const char *path, struct buffer *error)
{
    struct image *image = memory_zeroed(sizeof *image);

    image->path = memory_string(path);
    image->fd = -1;
    if (image_read(image, error))
        return image;
    image_close(image);
    return NULL;
}

void image_close(struct image *image)
{
    if (image == NULL)
        return;
    if (image->elf != NULL)
        elf_end(image->elf);
    if (image->fd >= 0)
        close(image->fd);
    free(image->segments);
    free(image->functions);
    free(image->path);
    free(image);
}

bool image_is_text(const struct image *image, uint64_t pc)
{
    for (size_t i = 0; i < image->segment_count; i++)
        if (pc >= image->segments[i].start && pc < image->segments[i].limit)
            return true;
    return false;
}

const struct image_function *image_function_at(const struct image *image, uint64_t pc)
{
    size_t low = 0, high = image->function_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (image->functions[middle].start <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || pc >= image->functions[low - 1].limit)
        return NULL;
    return &image->functions[low - 1];
}
