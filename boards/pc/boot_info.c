/* SPDX-License-Identifier: MIT */
/*
 * What the boot loader left in memory, copied before anything else may overwrite it: RAM, the
 * command line, the first module (the INPUT file), where ACPI starts. Layouts: Multiboot
 * Specification 0.6.96, section 3.3; Multiboot2 Specification 2.0, section 3.6; Xen,
 * xen/include/public/arch-x86/hvm/start_info.h.
 *
 * The memory maps of firmware overlap at times: where two entries disagree, memory is not RAM.
 */
#include <string.h>

#include "arch/amd64/amd64.h"
#include "boards/devices/command_line.h"
#include "boards/pc/pc.h"
#include "kernel/print.h"

#define MULTIBOOT_MAGIC 0x2badb002u
#define MULTIBOOT2_MAGIC 0x36d76289u
#define PVH_MAGIC 0x336ec578u
#define FIRST_MEGABYTE 0x100000u
#define ADDRESS_END (1ull << 46) /* identity-mapped addresses stay in the lower half */

enum { MEMORY_RAM = 1, MEMORY_ACPI_TABLES = 3, MEMORY_ACPI_STORAGE = 4 };

enum {
    MULTIBOOT_HAS_MEMORY = 1 << 0,
    MULTIBOOT_HAS_COMMAND_LINE = 1 << 2,
    MULTIBOOT_HAS_MODULES = 1 << 3,
    MULTIBOOT_HAS_MAP = 1 << 6,
    MULTIBOOT_HAS_NAME = 1 << 9,
};

struct multiboot_info {
    uint32_t flags, memory_lower_kib, memory_upper_kib, boot_device, command_line;
    uint32_t module_count, modules, symbols[4], map_bytes, map;
    uint32_t drives_bytes, drives, configuration, loader_name;
};

struct multiboot_module {
    uint32_t start, end, text, reserved;
};

struct multiboot_map_entry {
    uint32_t size; /* of what follows */
    uint64_t address, bytes;
    uint32_t type;
} __attribute__((packed));

enum {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_LOADER_NAME = 2,
    TAG_MODULE = 3,
    TAG_MAP = 6,
    TAG_RSDP1 = 14, /* a copy of it: ACPI 1.0's, and the later one */
    TAG_RSDP2 = 15,
};

/* Each begins at a multiple of 8; `bytes` are its own, these two words included. */
struct multiboot2_tag {
    uint32_t type, bytes;
    uint32_t words[];
};

struct multiboot2_map_entry {
    uint64_t address, bytes;
    uint32_t type, reserved;
};

struct pvh_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp;
    uint64_t map; /* from version 1 on */
    uint32_t map_entries, reserved;
};

struct pvh_module {
    uint64_t address, bytes, text, reserved;
};

struct pvh_map_entry {
    uint64_t address, bytes;
    uint32_t type, reserved;
};

struct pc_boot_info pc_boot_info;

static void range_insert(struct pc_range range)
{
    struct pc_boot_info *info = &pc_boot_info;
    unsigned at = info->ram_count;

    if (at == PC_RAM_MAX) {
        print_console("weft: the memory map has more than %d stretches of RAM; one is not used\n",
                      PC_RAM_MAX);
        return;
    }
    for (; at > 0 && info->ram[at - 1].start > range.start; at--)
        info->ram[at] = info->ram[at - 1];
    info->ram[at] = range;
    info->ram_count++;
}

static void ram_remove(uint64_t start, uint64_t end)
{
    struct pc_boot_info *info = &pc_boot_info;
    unsigned count = info->ram_count;
    struct pc_range old[PC_RAM_MAX];

    memcpy(old, info->ram, sizeof old);
    info->ram_count = 0;
    for (unsigned i = 0; i < count; i++) {
        if (end <= old[i].start || start >= old[i].end) {
            range_insert(old[i]);
            continue;
        }
        if (old[i].start < start)
            range_insert((struct pc_range){old[i].start, start});
        if (end < old[i].end)
            range_insert((struct pc_range){end, old[i].end});
    }
}

static uint64_t end_of(uint64_t start, uint64_t bytes)
{
    return bytes > ADDRESS_END || start > ADDRESS_END - bytes ? ADDRESS_END : start + bytes;
}

/* Whole pages inside the entry, above the first megabyte, and not in an entry that came before. */
static void ram_add(uint64_t start, uint64_t bytes)
{
    uint64_t end = end_of(start, bytes) & ~(uint64_t)(PAGE_BYTES - 1);

    start = (start + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
    if (start < FIRST_MEGABYTE)
        start = FIRST_MEGABYTE;
    if (start >= end)
        return;
    ram_remove(start, end);
    range_insert((struct pc_range){start, end});
}

/* All entries of a kind of map, RAM first, then what is not RAM. */
static void map_entry_take(bool ram_pass, uint64_t address, uint64_t bytes, uint32_t type)
{
    if (ram_pass && type == MEMORY_RAM)
        ram_add(address, bytes);
    if (!ram_pass && type != MEMORY_RAM)
        ram_remove(address & ~(uint64_t)(PAGE_BYTES - 1),
                   (end_of(address, bytes) + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1));
}

/* Words of the command line that are the board's own. */
static bool own_word(const char *word, size_t length)
{
    const char *value;

    if ((value = command_line_value(word, "rd_start")) != NULL) {
        pc_boot_info.input.start = command_line_number(value);
        return true;
    }
    if ((value = command_line_value(word, "rd_size")) != NULL) {
        pc_boot_info.input.end = pc_boot_info.input.start + command_line_number(value);
        pc_boot_info.has_input = true;
        return true;
    }
    if (!command_line_is(word, length, "exit=isa"))
        return false;
    pc_boot_info.exit_by_isa = true;
    return true;
}

static void input_take(uint64_t start, uint64_t bytes)
{
    if (start > PC_LOW_END || bytes > PC_LOW_END - start) {
        print_console("weft: the INPUT module lies above 4 GiB and is not used\n");
        return;
    }
    pc_boot_info.input = (struct pc_range){start, start + bytes};
    pc_boot_info.has_input = true;
}

static const void *low_memory(uint64_t address)
{
    return (const void *)(uintptr_t)address;
}

/* ---- Multiboot ------------------------------------------------------------------------------- */

static void multiboot_map_take(const struct multiboot_info *info, bool ram_pass)
{
    uint64_t at = info->map;
    uint64_t end = at + info->map_bytes;

    while (at + sizeof(struct multiboot_map_entry) <= end) {
        const struct multiboot_map_entry *entry = low_memory(at);

        map_entry_take(ram_pass, entry->address, entry->bytes, entry->type);
        at += (uint64_t)entry->size + sizeof entry->size;
    }
}

/* Loaders put the image's name before the arguments; GRUB 2 does not. */
static void multiboot_command_line_take(const char *text, const char *loader)
{
    if (strncmp(loader, "GRUB 2", 6) != 0)
        text += strcspn(text, " ");
    command_line_take(text, own_word);
}

static void multiboot_take(const struct multiboot_info *info)
{
    if (info->flags & MULTIBOOT_HAS_MAP) {
        multiboot_map_take(info, true);
        multiboot_map_take(info, false);
    } else if (info->flags & MULTIBOOT_HAS_MEMORY) {
        ram_add(FIRST_MEGABYTE, info->memory_upper_kib * 1024ull);
    }
    if (info->flags & MULTIBOOT_HAS_COMMAND_LINE)
        multiboot_command_line_take(low_memory(info->command_line),
                                    info->flags & MULTIBOOT_HAS_NAME ? low_memory(info->loader_name)
                                                                     : "");
    if ((info->flags & MULTIBOOT_HAS_MODULES) != 0 && info->module_count > 0) {
        const struct multiboot_module *module = low_memory(info->modules);

        if (module->end >= module->start)
            input_take(module->start, module->end - module->start);
    }
}

/* ---- Multiboot 2 ----------------------------------------------------------------------------- */

/* The first tag of a kind among `information`'s; NULL: none. */
static const struct multiboot2_tag *tag_find(const uint32_t *information, uint32_t type)
{
    const char *at = (const char *)information + 8, *end = (const char *)information + *information;

    while (end - at >= (ptrdiff_t)sizeof(struct multiboot2_tag)) {
        const struct multiboot2_tag *tag = (const void *)at;

        if (tag->type == TAG_END || tag->bytes < sizeof *tag || tag->bytes > end - at)
            return NULL;
        if (tag->type == type)
            return tag;
        at += ((size_t)tag->bytes + 7) & ~(size_t)7;
    }
    return NULL;
}

static void multiboot2_map_take(const struct multiboot2_tag *tag, bool ram_pass)
{
    const char *at = (const char *)&tag->words[2], *end = (const char *)tag + tag->bytes;
    uint32_t entry_bytes = tag->words[0];

    if (entry_bytes < sizeof(struct multiboot2_map_entry))
        return;
    for (; end - at >= (ptrdiff_t)entry_bytes; at += entry_bytes) {
        const struct multiboot2_map_entry *entry = (const void *)at;

        map_entry_take(ram_pass, entry->address, entry->bytes, entry->type);
    }
}

static void multiboot2_take(const uint32_t *information)
{
    const struct multiboot2_tag *map = tag_find(information, TAG_MAP);
    const struct multiboot2_tag *text = tag_find(information, TAG_COMMAND_LINE);
    const struct multiboot2_tag *loader = tag_find(information, TAG_LOADER_NAME);
    const struct multiboot2_tag *module = tag_find(information, TAG_MODULE);
    const struct multiboot2_tag *rsdp = tag_find(information, TAG_RSDP2);

    if (map != NULL) {
        multiboot2_map_take(map, true);
        multiboot2_map_take(map, false);
    }
    if (text != NULL)
        multiboot_command_line_take((const char *)text->words,
                                    loader != NULL ? (const char *)loader->words : "");
    if (module != NULL && module->words[1] >= module->words[0])
        input_take(module->words[0], module->words[1] - module->words[0]);
    if (rsdp == NULL)
        rsdp = tag_find(information, TAG_RSDP1);
    if (rsdp != NULL)
        pc_boot_info.rsdp = (uintptr_t)rsdp->words;
}

/* ---- PVH ---------------------------------------------------------------------------------------
 */

static void pvh_map_take(const struct pvh_info *info, bool ram_pass)
{
    const struct pvh_map_entry *entry = low_memory(info->map);

    for (uint32_t i = 0; i < info->map_entries; i++)
        map_entry_take(ram_pass, entry[i].address, entry[i].bytes, entry[i].type);
}

static bool pvh_take(const struct pvh_info *info)
{
    if (info->magic != PVH_MAGIC)
        return false;
    if (info->version >= 1 && info->map != 0 && info->map < PC_LOW_END) {
        pvh_map_take(info, true);
        pvh_map_take(info, false);
    }
    if (info->command_line != 0 && info->command_line < PC_LOW_END)
        command_line_take(low_memory(info->command_line), own_word);
    if (info->module_count > 0 && info->modules != 0 && info->modules < PC_LOW_END) {
        const struct pvh_module *module = low_memory(info->modules);

        input_take(module->address, module->bytes);
    }
    pc_boot_info.rsdp = info->rsdp;
    return true;
}

bool pc_boot_info_take(uintptr_t magic, uintptr_t information)
{
    if (magic == PVH_MAGIC)
        return pvh_take(low_memory(information));
    if (magic == MULTIBOOT2_MAGIC) {
        multiboot2_take(low_memory(information));
        return true;
    }
    if (magic != MULTIBOOT_MAGIC)
        return false;
    multiboot_take(low_memory(information));
    return true;
}

void pc_ram_reserve(uint64_t start, uint64_t end)
{
    ram_remove(start & ~(uint64_t)(PAGE_BYTES - 1),
               (end + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1));
}
