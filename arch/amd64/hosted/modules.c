/* SPDX-License-Identifier: MIT */
/*
 * What else is mapped: libc, the dynamic linker, the kernel's vdso, a sanitizer's runtime. Each has
 * unwind tables of its own, found once at boot through the dynamic linker and only read afterwards,
 * so that a tick that lands there is a sample with its whole stack. What a program loads later
 * (dlopen) is not in the list: samples there end with "no unwind info".
 */
#include <elf.h>
#include <link.h>
#include <stddef.h>

#include "arch/amd64/hosted/hosted.h"
#include "arch/unwind.h"

#define MODULES_MAX 16

/* .eh_frame_hdr: version, three encodings, the distance to .eh_frame (LSB Core, 10.6.2). */
#define INDEX_FRAMES_ENCODING 1
#define INDEX_FRAMES 4
#define ENCODING_PCREL_SDATA4 0x1b

static struct arch_foreign_code modules[MODULES_MAX];
static unsigned module_count;

const struct arch_foreign_code *hosted_foreign_code(uintptr_t pc)
{
    for (unsigned i = 0; i < module_count; i++)
        if (pc - modules[i].start < modules[i].end - modules[i].start)
            return &modules[i];
    return NULL;
}

/* The tables' end is that of the segment they are in: the reader stops at their own end marks. */
static void frames_find(struct arch_foreign_code *module, const struct dl_phdr_info *info)
{
    const unsigned char *index = module->index_start;
    int32_t distance;

    if (index[INDEX_FRAMES_ENCODING] != ENCODING_PCREL_SDATA4)
        return;
    __builtin_memcpy(&distance, index + INDEX_FRAMES, sizeof distance);
    module->frames_start = index + INDEX_FRAMES + distance;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + header->p_vaddr;

        if (header->p_type == PT_LOAD && (uintptr_t)module->frames_start - start < header->p_memsz)
            module->frames_end = (const unsigned char *)(start + header->p_memsz);
    }
}

static int module_take(struct dl_phdr_info *info, size_t bytes, void *count)
{
    struct arch_foreign_code module = {0};

    (void)bytes;
    if ((*(unsigned *)count)++ == 0 || module_count == MODULES_MAX)
        return 0; /* the first is the image itself */
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + header->p_vaddr;

        if (header->p_type == PT_LOAD && (header->p_flags & PF_X) != 0) {
            module.start = start;
            module.end = start + header->p_memsz;
        } else if (header->p_type == PT_GNU_EH_FRAME) {
            module.index_start = (const unsigned char *)start;
            module.index_end = module.index_start + header->p_memsz;
        }
    }
    if (module.index_start != NULL)
        frames_find(&module, info);
    if (module.frames_end != NULL)
        modules[module_count++] = module;
    return 0;
}

void hosted_modules_init(void)
{
    unsigned count = 0;

    dl_iterate_phdr(module_take, &count);
}
