/* SPDX-License-Identifier: MIT */
/*
 * Mapped stacks (WEFT_CONFIG_STACK_MAPPED). kseg0 reaches memory without the TLB, so nothing there
 * can be made inaccessible. Stacks are therefore used through a window in kseg2, 0xc0000000 up, in
 * which an address is 0x40000000 above the same memory's in kseg0: cache colours agree, so no
 * alias goes stale, and the page table needs no frame numbers. What it holds is a byte per page of
 * 4 KiB: EntryLo's flags of pages that belong to a stack, 0 for all others, a stack's guard among
 * them. The refill handler (arch_vector_tlb_refill) reads it with k0 and k1 alone.
 *
 * A miss may come wherever a thread's stack is touched, with the exception level off and neither k0
 * nor k1 in use: what vectors.S does otherwise, it does on the system stack, in kseg0.
 *
 * Other cores. A TLB may hold pages as they were before the table changed. A page that is a stack's
 * by now, and traps, is noticed by mips_stack_map_missed, which throws the old entry out. A page
 * that has become a guard would go unnoticed, so the board tells the other cores to empty their
 * TLBs (boards/malta/cores.c).
 *
 * Source: MIPS32 PRA (MD00090), chapters 4 (TLB) and 9 (CP0).
 */
#include <weft/config.h>

#include "arch/irq.h"
#include "arch/mips/frame.h"
#include "arch/mips/mips.h"

#define WINDOW 0xc0000000u
#define WINDOW_BYTES 0x10000000u
#define KSEG0 0x80000000u
#define PAGE_BYTES 4096u

#define ENTRY_VALID 2u
#define ENTRY_DIRTY 4u
#define ENTRY_CACHE_SHIFT 3

#define CONFIG_MT_TLB 1u

/* By page; the refill handler takes them in pairs, as a TLB entry does. */
uint8_t mips_stack_pages[WEFT_CONFIG_STACK_MAPPED ? WINDOW_BYTES / PAGE_BYTES : 2]
    __attribute__((aligned(2)));

static uint32_t config_read(void)
{
    uint32_t config;

    __asm__ volatile("mfc0 %0, $16" : "=r"(config));
    return config;
}

size_t mips_guard_bytes(void)
{
    return WEFT_CONFIG_STACK_MAPPED && (config_read() >> 7 & 7) == CONFIG_MT_TLB ? PAGE_BYTES : 0;
}

/* Every entry becomes one that matches nothing: addresses in kseg0 don't ask the TLB. No memory is
 * touched from the first register's write to the last instruction, so no miss comes between. */
void mips_tlb_empty_irqoff(void)
{
    uint32_t config1;

    __asm__ volatile("mfc0 %0, $16, 1" : "=r"(config1));
    for (uint32_t index = 0; index <= (config1 >> 25 & 63); index++)
        __asm__ volatile("mtc0 %0, $0\n\tmtc0 %1, $10\n\tmtc0 $0, $2\n\tmtc0 $0, $3\n\t"
                         "ehb\n\ttlbwi\n\tehb" ::"r"(index),
                         "r"(KSEG0 + (index << 13))
                         : "memory");
}

void mips_stack_map_init(void)
{
    if (mips_guard_bytes() == 0)
        return;
    __asm__ volatile("mtc0 $0, $5\n\tmtc0 $0, $6\n\tehb"); /* PageMask: 4 KiB; Wired: none */
    mips_tlb_empty_irqoff();
}

/* What this core's TLB holds about `address`, if anything, is thrown out. One asm statement, for
 * the reason above. */
static void tlb_forget(uintptr_t address)
{
    arch_irq_state state = arch_irq_save();
    uint32_t index;

    __asm__ volatile(".set push\n\t.set noreorder\n\t"
                     "mtc0 %1, $10\n\tehb\n\ttlbp\n\tehb\n\tmfc0 %0, $0\n\t"
                     "bltz %0, 1f\n\tsll $8, %0, 13\n\taddu $8, $8, %2\n\t"
                     "mtc0 $8, $10\n\tmtc0 $0, $2\n\tmtc0 $0, $3\n\tehb\n\ttlbwi\n\tehb\n1:\n\t"
                     ".set pop"
                     : "=&r"(index)
                     : "r"(address & ~(2 * PAGE_BYTES - 1)), "r"(KSEG0)
                     : "$8", "memory");
    arch_irq_restore(state);
}

static void pages_set(uintptr_t start, uintptr_t end, uint32_t flags)
{
    for (uintptr_t page = start; page < end; page += PAGE_BYTES) {
        mips_stack_pages[(page - KSEG0) / PAGE_BYTES] = (uint8_t)flags;
        tlb_forget(WINDOW + (page - KSEG0));
    }
}

bool mips_guard_set(void *page, const void *end)
{
    uintptr_t guard = (uintptr_t)page;

    if (guard - KSEG0 >= WINDOW_BYTES || (uintptr_t)end - KSEG0 > WINDOW_BYTES)
        return false;
    pages_set(guard, guard + PAGE_BYTES, 0);
    pages_set(guard + PAGE_BYTES, (uintptr_t)end,
              ENTRY_VALID | ENTRY_DIRTY | (config_read() & 7) << ENTRY_CACHE_SHIFT); /* as kseg0 */
    return true;
}

void mips_guard_clear(void *page, const void *end)
{
    pages_set((uintptr_t)page, (uintptr_t)end, 0);
}

bool mips_stack_map_missed(uintptr_t address)
{
    uintptr_t offset = address - WINDOW;

    if (!WEFT_CONFIG_STACK_MAPPED || offset >= WINDOW_BYTES ||
        mips_stack_pages[offset / PAGE_BYTES] == 0)
        return false;
    tlb_forget(address);
    return true;
}
