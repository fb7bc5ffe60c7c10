/* SPDX-License-Identifier: MIT */
/*
 * libweft-malloc.so: weft's heap as any Linux program's malloc.
 *
 *   LD_PRELOAD=build/host/libweft-malloc.so PROGRAM ...
 *   WEFT_HEAP_MIB=n        the heap's size; 1024
 *   WEFT_MALLOC_REPORT=1   at the program's end, on standard error: how often each name was called,
 *                          the raw counters, and what weft_heap_check says
 *   WEFT_MALLOC_TRACE=FILE records every call, for tests/bench/replay.c: "+ block block size",
 *                          "- block", "~ old new size", a line each
 *
 * One thread at a time is in the heap, by a mutex that a fork takes too; everything below it is the
 * bare-metal heap for one core, unchanged. Idle pages go back to the kernel by malloc_trim, and
 * when the heap grows above its goal (a quarter of what is in use).
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/upcall.h"
#include "mem/fast.h"
#include "mem/scavenger.h"

#define EXPORTED __attribute__((visibility("default")))
#define KEEP_PERCENT 25
#define ROUND_CALLS 65536 /* calls that make a round of the scavenger */

static struct {
    pthread_mutex_t mutex;
    size_t allocations, frees, resizes, calls;
    int trace; /* file descriptor; 0: none */
    size_t used;
    char buffer[8192];
} process = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* ---- the record ---- */

static void trace_flush(void)
{
    for (size_t done = 0; done < process.used;) {
        ssize_t count = write(process.trace, process.buffer + done, process.used - done);

        if (count <= 0)
            break;
        done += (size_t)count;
    }
    process.used = 0;
}

static void trace(const char *format, const void *one, const void *other, size_t bytes)
{
    if (process.trace == 0)
        return;
    if (sizeof process.buffer - process.used < 64)
        trace_flush();
    process.used += (size_t)snprintf(process.buffer + process.used, 64, format, one, other, bytes);
}

static void trace_open(void)
{
    const char *path = getenv("WEFT_MALLOC_TRACE");

    if (path)
        process.trace = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (process.trace < 0)
        weft_panic("libweft-malloc: WEFT_MALLOC_TRACE=%s can't be written", path);
}

/* ---- one at a time ---- */

static void fork_before(void)
{
    pthread_mutex_lock(&process.mutex);
    trace_flush();
}

static void fork_parent(void)
{
    pthread_mutex_unlock(&process.mutex);
}

/* The child's own calls are not part of the record. */
static void fork_child(void)
{
    process.trace = 0;
    pthread_mutex_unlock(&process.mutex);
}

static __attribute__((constructor)) void process_begin(void)
{
    pthread_atfork(fork_before, fork_parent, fork_child);
}

static void enter(void)
{
    pthread_mutex_lock(&process.mutex);
    if (heap.regions == 0) {
        upcall_heap_init();
        scavenger_set_goal(true, KEEP_PERCENT);
        trace_open();
    }
    if (++process.calls % ROUND_CALLS == 0)
        while (scavenger_step())
            ;
}

static void leave(void)
{
    pthread_mutex_unlock(&process.mutex);
}

static __attribute__((destructor)) void process_end(void)
{
    if (process.trace)
        trace_flush();
    if (getenv("WEFT_MALLOC_REPORT") == NULL)
        return;
    enter();
    print_console("weft: %zu allocations, %zu frees, %zu resizes, %zu bytes live\n",
                  process.allocations, process.frees, process.resizes, weft_heap_live_bytes());
    weft_heap_trace();
    print_console("weft: heap check %d\n", weft_heap_check());
    leave();
}

/* ---- the names ---- */

static void *answer(void *block)
{
    if (!block)
        errno = ENOMEM;
    return block;
}

EXPORTED void *malloc(size_t size)
{
    void *block;

    enter();
    block = fast_malloc(size);
    if (!block)
        block = heap_malloc_slow(size);
    process.allocations++;
    trace("+ %p %p %zu\n", block, block, size);
    leave();
    return answer(block);
}

EXPORTED void free(void *block)
{
    if (!block)
        return;
    enter();
    process.frees++;
    trace("- %p\n", block, NULL, 0);
    if (!fast_free(block))
        heap_free_slow(block);
    leave();
}

EXPORTED void *calloc(size_t count, size_t size)
{
    size_t bytes;
    void *block;

    if (__builtin_mul_overflow(count, size, &bytes))
        return answer(NULL);
    block = malloc(bytes);
    return block ? memset(block, 0, bytes) : NULL;
}

/* realloc(p, 0) frees and returns NULL, as in glibc. */
EXPORTED void *realloc(void *block, size_t size)
{
    void *other;

    if (!block)
        return malloc(size);
    if (size == 0) {
        free(block);
        return NULL;
    }
    enter();
    other = heap_realloc(block, size);
    process.resizes++;
    if (other)
        trace("~ %p %p %zu\n", block, other, size);
    leave();
    return answer(other);
}

EXPORTED void *memalign(size_t alignment, size_t size)
{
    void *block;

    if (alignment == 0 || alignment & (alignment - 1)) {
        errno = EINVAL;
        return NULL;
    }
    enter();
    block = heap_memalign(alignment, size);
    process.allocations++;
    trace("+ %p %p %zu\n", block, block, size);
    leave();
    return answer(block);
}

EXPORTED void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

EXPORTED int posix_memalign(void **result, size_t alignment, size_t size)
{
    void *block;
    int saved = errno;

    if (alignment < sizeof(void *) || alignment & (alignment - 1))
        return EINVAL;
    block = memalign(alignment, size);
    errno = saved;
    if (!block)
        return ENOMEM;
    *result = block;
    return 0;
}

EXPORTED void *valloc(size_t size)
{
    return memalign(4096, size);
}

EXPORTED void *pvalloc(size_t size)
{
    return size > SIZE_MAX - 4095 ? answer(NULL) : memalign(4096, (size + 4095) & ~(size_t)4095);
}

EXPORTED size_t malloc_usable_size(void *block)
{
    size_t bytes;

    if (!block)
        return 0;
    enter();
    bytes = heap_usable_size(block);
    leave();
    return bytes;
}

EXPORTED int malloc_trim(size_t reserve)
{
    size_t bytes;

    (void)reserve;
    enter();
    bytes = weft_heap_scavenge();
    leave();
    return bytes != 0;
}

EXPORTED int mallopt(int parameter, int value)
{
    (void)parameter;
    (void)value;
    return 1;
}
