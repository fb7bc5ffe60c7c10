/* SPDX-License-Identifier: MIT */
/*
 * MIPS: the thread pointer is what `rdhwr $3, $29` reads: CP0 UserLocal (MIPS MD00090), 0x7000
 * above the block (MIPS TLS ABI, variant I), so that 16-bit offsets reach 64 KiB of it.
 *
 * CPUs without UserLocal (24K) raise a reserved-instruction exception for it instead, and QEMU's
 * reads a register that nothing can write. For these CPUs the image is changed while it boots:
 * every `rdhwr rt, $29` in its text becomes `mfc0 rt, ErrorEPC`, a register that every MIPS has, 32
 * bits wide, which means something only after a reset, an NMI or a cache error, and there is no way
 * back from these. That costs 1 instruction a time, a trap about 150. Code that can't be
 * changed (in flash), or was not there (copied to RAM later), is caught by the exception:
 * mips_tls_emulate.
 */
#include "arch/tls.h"

#include <string.h>

#include "arch/mips/frame.h"
#include "arch/mips/mips.h"
#include "arch/trap.h"
#include "kernel/core.h"

#define POINTER_OFFSET 0x7000

/* rdhwr rt, $29, and mfc0 rt, $30: MD00086, instruction formats. rt is bits 20..16. */
#define RDHWR_29 0x7c00e83bu
#define MFC0_ERROREPC 0x4000f000u
#define RT_MASK 0x001f0000u

#define CONFIG3_ULRI (1u << 13)

extern uint32_t __text_start[], __text_end[]; /* linker script */

static bool has_user_local;

static uint32_t config3(void)
{
    uint32_t config;

    __asm__ volatile("mfc0 %0, $16, 3" : "=r"(config));
    return config;
}

/* Out of the data cache, out of the instruction cache: the line that holds `word`. */
static void line_sync(const uint32_t *word)
{
    __asm__ volatile("synci 0(%0)\n\tsync" ::"r"(word) : "memory");
}

static void text_change(void)
{
    uintptr_t next;

    for (volatile uint32_t *word = __text_start; word < __text_end; word++) {
        if ((*word & ~RT_MASK) != RDHWR_29)
            continue;
        *word = MFC0_ERROREPC | (*word & RT_MASK);
        line_sync((const uint32_t *)word);
    }
    /* What was fetched ahead is forgotten. */
    __asm__ volatile("la %0, 1f\n\tjr.hb %0\n\tnop\n1:" : "=r"(next) : : "memory");
}

enum arch_tls arch_tls_init(void)
{
    if (tls_number(__tls_block_bytes) == 0)
        return ARCH_TLS_NONE;
    has_user_local = (config3() & CONFIG3_ULRI) != 0;
    if (!has_user_local)
        text_change();
    return ARCH_TLS_OF_THREADS;
}

/* At least 16: everything below stays aligned. */
static size_t alignment(void)
{
    return tls_number(__tls_align) > 16 ? tls_number(__tls_align) : 16;
}

static uintptr_t block_of(uintptr_t top)
{
    return (top - tls_number(__tls_block_bytes)) & ~(uintptr_t)(alignment() - 1);
}

size_t arch_tls_bytes(void)
{
    size_t bytes = tls_number(__tls_block_bytes);

    return bytes == 0 ? 0 : bytes + alignment();
}

uintptr_t arch_tls_make(uintptr_t top)
{
    uintptr_t block = block_of(top);
    size_t image = tls_number(__tls_image_bytes);

    memcpy((void *)block, __tls_image, image);
    memset((void *)(block + image), 0, tls_number(__tls_block_bytes) - image);
    return block;
}

void arch_tls_switch(uintptr_t from, uintptr_t to)
{
    uintptr_t pointer = block_of(to) + POINTER_OFFSET;

    (void)from;
    if (to == 0)
        return;
    if (has_user_local)
        __asm__ volatile("mtc0 %0, $4, 2\n\tehb" ::"r"(pointer) : "memory");
    else
        __asm__ volatile("mtc0 %0, $30\n\tehb" ::"r"(pointer) : "memory");
}

/* A load may fault: the pc of a thread that jumped astray. That is reported as what it is. */
bool mips_tls_emulate(struct arch_frame *frame)
{
    const uint32_t *pc = (const uint32_t *)(uintptr_t)frame->epc;
    uintptr_t pointer, *target;
    uint32_t instruction;

    if (tls_number(__tls_block_bytes) == 0)
        return false;
    instruction = pc[(frame->cause & CAUSE_BD) != 0];
    if ((instruction & ~RT_MASK) != RDHWR_29)
        return false;
    target = arch_frame_register(frame, (instruction & RT_MASK) >> 16);
    if (has_user_local)
        __asm__ volatile("mfc0 %0, $4, 2" : "=r"(pointer));
    else
        __asm__ volatile("mfc0 %0, $30" : "=r"(pointer));
    if (!arch_frame_skip(frame))
        return false;
    if (target != NULL)
        *target = pointer;
    return true;
}
