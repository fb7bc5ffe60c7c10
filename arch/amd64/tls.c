/* SPDX-License-Identifier: MIT */
/*
 * amd64: the thread pointer is the base of FS. The block ends where it points, aligned, and there
 * lies the pointer itself, which code reads as %fs:0 (System V ABI, "ELF Handling For Thread-Local
 * Storage", variant II).
 */
#include "arch/tls.h"

#include <string.h>

#include "arch/amd64/amd64.h"

#define CR4_FSGSBASE (1u << 16)

static bool has_wrfsbase;

enum arch_tls arch_tls_init(void)
{
    uint64_t cr4;

    if (tls_number(__tls_block_bytes) == 0)
        return ARCH_TLS_NONE;
    has_wrfsbase = (amd64_cpuid_checked(7, 0).b & 1) != 0; /* FSGSBASE */
    if (has_wrfsbase) {
        __asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
        __asm__ volatile("movq %0, %%cr4" ::"r"(cr4 | CR4_FSGSBASE) : "memory");
    }
    return ARCH_TLS_OF_THREADS;
}

/* At least 16: everything below stays aligned. */
static size_t alignment(void)
{
    return tls_number(__tls_align) > 16 ? tls_number(__tls_align) : 16;
}

static uintptr_t pointer_of(uintptr_t top)
{
    return (top - sizeof(uintptr_t)) & ~(uintptr_t)(alignment() - 1);
}

/* The linker counts from the pointer down, in whole alignments of its own. */
static size_t block_bytes(void)
{
    size_t align = tls_number(__tls_align);

    return (tls_number(__tls_block_bytes) + align - 1) & ~(align - 1);
}

size_t arch_tls_bytes(void)
{
    size_t bytes = tls_number(__tls_block_bytes);

    return bytes == 0 ? 0 : bytes + 2 * alignment() + 16;
}

uintptr_t arch_tls_make(uintptr_t top)
{
    uintptr_t pointer = pointer_of(top), block = pointer - block_bytes();
    size_t image = tls_number(__tls_image_bytes);

    memcpy((void *)pointer, &pointer, sizeof pointer);
    memcpy((void *)block, __tls_image, image);
    memset((void *)(block + image), 0, pointer - block - image);
    return block & ~(uintptr_t)15;
}

void arch_tls_switch(uintptr_t from, uintptr_t to)
{
    (void)from;
    if (to == 0)
        return;
    if (has_wrfsbase)
        __asm__ volatile("wrfsbase %0" ::"r"(pointer_of(to)) : "memory");
    else
        amd64_wrmsr(MSR_FS_BASE, pointer_of(to));
}
