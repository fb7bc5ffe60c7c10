/* SPDX-License-Identifier: MIT */
/*
 * Page tables: one address space, every address mapped onto itself, four levels, pages of 2 MiB
 * and, where access changes inside one, of 4 KiB (never 1 GiB: some virtual machines fault on
 * them).
 *
 * The start code maps the first 4 GiB with everything allowed, in the tables below; the board then
 * takes away what is too much with paging_map. Tables that this needs come from a pool which the
 * board hands over; none is ever given back, and paging_pool_bytes is the most that can be needed,
 * so a page can always be split (stack guards, released memory).
 *
 * The board serialises changes. Other cores may go on using a translation that they have cached
 * until they drop it themselves: since every address is mapped onto itself, all that is lost is
 * that a stray access to a page that was just taken away may not be noticed there. Source: Intel
 * SDM volume 3, 4.5 and 4.10.5.
 */
#include "arch/amd64/amd64.h"

#define ENTRIES 512u
#define ENTRY_PRESENT 1ull
#define ENTRY_WRITE 2ull
#define ENTRY_WRITE_THROUGH 8ull
#define ENTRY_NO_CACHE 16ull
#define ENTRY_LARGE 0x80ull
#define ENTRY_NO_EXECUTE (1ull << 63)
#define ENTRY_ADDRESS 0x000ffffffffff000ull
#define BOOT_GIB 4u      /* a directory each */
#define DEVICE_TABLES 6u /* devices' registers in as many different large pages */
#define FLUSH_ONE_BY_ONE 32u

/* Filled by the start code; ordinary tables afterwards. */
uint64_t paging_root[ENTRIES] __attribute__((aligned(4096)));
uint64_t paging_boot_upper[ENTRIES] __attribute__((aligned(4096)));
uint64_t paging_boot_lower[BOOT_GIB][ENTRIES] __attribute__((aligned(4096)));

static uint8_t *pool_next, *pool_end;

void paging_pool(void *start, size_t bytes)
{
    pool_next = start;
    pool_end = pool_next + bytes / PAGE_BYTES * PAGE_BYTES;
}

size_t paging_pool_bytes(uint64_t end)
{
    uint64_t large_pages = (end + LARGE_PAGE_BYTES - 1) / LARGE_PAGE_BYTES;
    uint64_t directories =
        large_pages / ENTRIES > BOOT_GIB ? large_pages / ENTRIES - BOOT_GIB + 1 : 0;

    return (size_t)(large_pages + directories + directories / ENTRIES + DEVICE_TABLES) * PAGE_BYTES;
}

static uint64_t *table_new(void)
{
    uint64_t *table = (uint64_t *)pool_next;

    if (pool_end - pool_next < (ptrdiff_t)PAGE_BYTES)
        return NULL;
    pool_next += PAGE_BYTES;
    for (unsigned i = 0; i < ENTRIES; i++)
        table[i] = 0;
    return table;
}

static uint64_t entry_of(uint64_t address, unsigned access)
{
    uint64_t entry = address | ENTRY_PRESENT;

    if (access == PAGE_NONE)
        return 0;
    if (access & PAGE_WRITE)
        entry |= ENTRY_WRITE;
    if ((access & PAGE_EXECUTE) == 0)
        entry |= ENTRY_NO_EXECUTE;
    if (access & PAGE_UNCACHED)
        entry |= ENTRY_NO_CACHE | ENTRY_WRITE_THROUGH;
    return entry;
}

static unsigned index_at(uint64_t address, unsigned level)
{
    return (unsigned)(address >> (12 + 9 * level)) % ENTRIES;
}

/* The table that `entry` points at, made if there is none; upper levels allow everything. */
static uint64_t *table_below(uint64_t *entry)
{
    uint64_t *table;

    if (*entry & ENTRY_PRESENT)
        return (uint64_t *)(uintptr_t)(*entry & ENTRY_ADDRESS);
    table = table_new();
    if (table != NULL)
        *entry = (uintptr_t)table | ENTRY_PRESENT | ENTRY_WRITE;
    return table;
}

/* A table of 4 KiB pages in place of a large page (or of nothing), with the same access. */
static uint64_t *split(uint64_t *entry, uint64_t address)
{
    uint64_t old = *entry;
    uint64_t *table;

    if ((old & ENTRY_PRESENT) != 0 && (old & ENTRY_LARGE) == 0)
        return (uint64_t *)(uintptr_t)(old & ENTRY_ADDRESS);
    table = table_new();
    if (table == NULL)
        return NULL;
    for (unsigned i = 0; old != 0 && i < ENTRIES; i++)
        table[i] = (old & ~ENTRY_LARGE & ~ENTRY_ADDRESS) | (address + (uint64_t)i * PAGE_BYTES);
    *entry = (uintptr_t)table | ENTRY_PRESENT | ENTRY_WRITE;
    return table;
}

/* One large page's worth, or the part of it that is asked for. */
static bool map_in_large_page(uint64_t start, uint64_t end, unsigned access)
{
    uint64_t base = start & ~(uint64_t)(LARGE_PAGE_BYTES - 1);
    uint64_t *upper = table_below(&paging_root[index_at(start, 3)]);
    uint64_t *directory = upper != NULL ? table_below(&upper[index_at(start, 2)]) : NULL;
    uint64_t *entry = directory != NULL ? &directory[index_at(start, 1)] : NULL;
    uint64_t *table;

    if (entry == NULL)
        return false;
    if (end - start == LARGE_PAGE_BYTES && (*entry == 0 || (*entry & ENTRY_LARGE) != 0)) {
        *entry = entry_of(base, access) | (access != PAGE_NONE ? ENTRY_LARGE : 0);
        return true;
    }
    table = split(entry, base);
    for (uint64_t page = start; table != NULL && page < end; page += PAGE_BYTES)
        table[index_at(page, 0)] = entry_of(page, access);
    return table != NULL;
}

static void flush(uint64_t start, uint64_t end)
{
    if (end - start > FLUSH_ONE_BY_ONE * PAGE_BYTES) {
        amd64_write_cr3(amd64_read_cr3());
        return;
    }
    for (uint64_t page = start; page < end; page += PAGE_BYTES)
        __asm__ volatile("invlpg (%0)" ::"r"((uintptr_t)page) : "memory");
}

bool paging_map(uint64_t start, uint64_t end, unsigned access)
{
    bool done = true;

    for (uint64_t at = start; done && at < end;) {
        uint64_t next = (at | (LARGE_PAGE_BYTES - 1)) + 1;

        if (next > end)
            next = end;
        done = map_in_large_page(at, next, access);
        at = next;
    }
    flush(start, end);
    return done;
}

void paging_protect(void)
{
    amd64_write_cr0(amd64_read_cr0() | CR0_WP);
}
