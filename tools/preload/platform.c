/* SPDX-License-Identifier: MIT */
/*
 * What the heap needs from outside (mem/prim.h is the list), given by a Linux process: memory that
 * is mapped without being reserved, madvise for released pages, a console that is standard error,
 * and a panic that aborts. It allocates nothing.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>
#include <weft/console.h>
#include <weft/thread.h>
#include <weft/world.h>

#include "kernel/assert.h"
#include "kernel/board.h"
#include "kernel/core.h"
#include "kernel/print.h"
#include "kernel/upcall.h"

#define HEAP_MIB_DEFAULT 1024
#define HEAP_MIB_MAX 1048576u
#define KERNEL_PAGE_BYTES 4096

struct core cores[1];

struct core *arch_core_pointer(void)
{
    return &cores[0];
}

/* WEFT_HEAP_MIB=n: the size of the heap. */
static size_t heap_bytes(void)
{
    const char *text = getenv("WEFT_HEAP_MIB");
    char *end = NULL;
    long mib = text ? strtol(text, &end, 10) : HEAP_MIB_DEFAULT;

    if (mib < 1 || mib > HEAP_MIB_MAX || (text && *end != 0))
        weft_panic("libweft-malloc: WEFT_HEAP_MIB=%s: not a number of MiB from 1 to %u",
                   text ? text : "", HEAP_MIB_MAX);
    return (size_t)mib << 20;
}

bool board_heap_region(unsigned index, struct board_region *region)
{
    size_t bytes = heap_bytes();
    void *memory;

    if (index != 0)
        return false;
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                  -1, 0);
    if (memory == MAP_FAILED)
        weft_panic("libweft-malloc: no %zu bytes of address space for the heap; set WEFT_HEAP_MIB",
                   bytes);
    *region = (struct board_region){memory, bytes};
    return true;
}

bool board_random_seed(uint8_t seed[32])
{
    return getrandom(seed, 32, GRND_NONBLOCK) == 32;
}

void board_pages_release(void *start, size_t bytes)
{
    uintptr_t from = ((uintptr_t)start + KERNEL_PAGE_BYTES - 1) & -(uintptr_t)KERNEL_PAGE_BYTES;
    uintptr_t to = ((uintptr_t)start + bytes) & -(uintptr_t)KERNEL_PAGE_BYTES;

    if (from < to)
        madvise((void *)from, to - from, MADV_DONTNEED);
}

void board_pages_commit(void *start, size_t bytes)
{
    (void)start;
    (void)bytes;
}

static void say(const char *before, const char *format, va_list arguments, const char *after)
{
    char line[512];
    int used = snprintf(line, sizeof line, "%s", before);

    used += vsnprintf(line + used, sizeof line - (size_t)used, format, arguments);
    if (used > (int)sizeof line - 2)
        used = (int)sizeof line - 2;
    used += snprintf(line + used, sizeof line - (size_t)used, "%s", after);
    (void)!write(STDERR_FILENO, line, (size_t)used);
}

void print_console(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say("", format, arguments, "");
    va_end(arguments);
}

void weft_panic(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say("panic: ", format, arguments, "\n");
    va_end(arguments);
    abort();
}

void assert_failed(const char *condition, const char *file, int line)
{
    weft_panic("%s:%d: %s", file, line, condition);
}

/* ---- what a process has not ---- */

void upcall_preempt_pending(void)
{
}

bool upcall_memory_pressure(void)
{
    return false;
}

void weft_world_stop(const char *reason)
{
    (void)reason;
}

void weft_world_start(void)
{
}

uint32_t upcall_thread_number(void)
{
    return 0;
}
