/* SPDX-License-Identifier: MIT */
/*
 * Thread-local variables in a process. FS belongs to glibc: behind it are the core's pthread, its
 * errno, its malloc cache. So FS stays, and what moves is the contents: of the program's own
 * thread-local variables, which lie right below FS's base, a copy is kept for each thread, and a
 * switch puts one away and fetches the other. A variable has then the same address in all threads
 * of a core: giving another thread a pointer to one is not possible here. And code that has
 * computed an address must not go on with it on another core, where it is that of somebody's
 * variables; so in an image that has any, a thread stays on the core that first ran it
 * (ARCH_TLS_OF_CORES). The libraries' variables stay the pthread's.
 */
#include "arch/tls.h"

#include <elf.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

static struct {
    const void *image;
    size_t image_bytes, block_bytes;
    size_t distance; /* of the block from FS's base, which is above it */
} tls;

static char *core_block(void)
{
    char *base;

    __asm__ volatile("movq %%fs:0, %0" : "=r"(base));
    return base - tls.distance;
}

enum arch_tls arch_tls_init(void)
{
    const Elf64_Phdr *header = (const Elf64_Phdr *)getauxval(AT_PHDR);

    for (unsigned long n = getauxval(AT_PHNUM); n > 0 && tls.block_bytes == 0; n--, header++) {
        if (header->p_type != PT_TLS)
            continue;
        tls.image = (const void *)header->p_vaddr; /* linked without PIE */
        tls.image_bytes = header->p_filesz;
        tls.block_bytes = header->p_memsz;
        tls.distance = (header->p_memsz + header->p_align - 1) & ~(header->p_align - 1);
    }
    return tls.block_bytes != 0 ? ARCH_TLS_OF_CORES : ARCH_TLS_NONE;
}

size_t arch_tls_bytes(void)
{
    return tls.block_bytes == 0 ? 0 : tls.block_bytes + 16;
}

/* Only a copy's place: no alignment but our own. */
static char *copy_of(uintptr_t top)
{
    return (char *)((top - tls.block_bytes) & ~(uintptr_t)15);
}

uintptr_t arch_tls_make(uintptr_t top)
{
    char *copy = copy_of(top);

    memcpy(copy, tls.image, tls.image_bytes);
    memset(copy + tls.image_bytes, 0, tls.block_bytes - tls.image_bytes);
    return (uintptr_t)copy;
}

void arch_tls_switch(uintptr_t from, uintptr_t to)
{
    if (from != 0)
        memcpy(copy_of(from), core_block(), tls.block_bytes);
    if (to != 0)
        memcpy(core_block(), copy_of(to), tls.block_bytes);
}
