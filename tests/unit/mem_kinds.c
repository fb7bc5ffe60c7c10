/* SPDX-License-Identifier: MIT */
/* Memory of several kinds: small objects in each, and none that stands in for another. */
#include <criterion/criterion.h>
#include <string.h>

#include "mem/guard.h"
#include "mem_fake.h"
#include "mem_names.h"

#define ARENA ((size_t)256 << 10)
#define DMA_BYTES ((size_t)64 << 10)
#define FAST_BYTES ((size_t)16 << 10)

static uint8_t *start_of[3];
static const size_t bytes_of[3] = {ARENA, DMA_BYTES, FAST_BYTES};

static void boot(void)
{
    fake_boot(ARENA, 0);
    start_of[WEFT_MEMORY_NORMAL] = fake_region_start[0];
    start_of[WEFT_MEMORY_DMA] = fake_memory(DMA_BYTES);
    start_of[WEFT_MEMORY_FAST] = fake_memory(FAST_BYTES);
    for (int kind = WEFT_MEMORY_DMA; kind <= WEFT_MEMORY_FAST; kind++)
        cr_assert(weft_heap_add_region(start_of[kind], bytes_of[kind], (enum weft_memory)kind) ==
                  0);
}

static bool is_in(const void *block, enum weft_memory kind)
{
    return (uintptr_t)block - (uintptr_t)start_of[kind] < bytes_of[kind];
}

static size_t inuse(enum weft_memory kind)
{
    struct weft_mstats stats;

    weft_heap_stats_of(kind, &stats);
    cr_assert(stats.sys_pages ==
              stats.inuse_pages + stats.idle_pages + stats.stack_pages + stats.meta_pages);
    return stats.inuse_pages;
}

static void nothing_is_left(void)
{
    guard_quarantine_flush();
    cr_assert(inuse(WEFT_MEMORY_DMA) == 0 && inuse(WEFT_MEMORY_FAST) == 0);
    cr_assert(weft_heap_live_bytes() == 0);
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
}

Test(mem_kinds, small_objects_share_pages)
{
    void *block[100];

    boot();
    for (int kind = WEFT_MEMORY_DMA; kind <= WEFT_MEMORY_FAST; kind++) {
        size_t whole = 100 * (size_t)(48 + GUARD_BYTES + 16);

        for (int i = 0; i < 100; i++) {
            block[i] = weft_heap_alloc(48, 0, (enum weft_memory)kind);
            cr_assert(is_in(block[i], (enum weft_memory)kind));
            memset(block[i], i, 48);
        }
        cr_assert(inuse((enum weft_memory)kind) <= whole / 512 + 2);
        cr_assert(weft_heap_check() == 0, "%s", fake_console);
        for (int i = 0; i < 100; i++) {
            for (int byte = 0; byte < 48; byte++)
                cr_assert(((uint8_t *)block[i])[byte] == i);
            w_free(block[i]);
        }
        nothing_is_left();
    }
}

/* The list is kept in the blocks. */
static unsigned take_all(void **list, enum weft_memory kind, size_t bytes)
{
    unsigned count = 0;

    for (void **block; (block = weft_heap_alloc(bytes, 0, kind)) != NULL; count++) {
        cr_assert(is_in(block, kind));
        *block = *list;
        *list = block;
    }
    return count;
}

static void give_all(void *list)
{
    while (list) {
        void *next = *(void **)list;

        w_free(list);
        list = next;
    }
}

Test(mem_kinds, one_that_is_exhausted_takes_nothing_from_the_others)
{
    struct weft_mstats before, after;
    void *list[3] = {NULL};

    boot();
    for (int kind = 0; kind < 3; kind++) {
        unsigned count;
        size_t others[3];

        for (int other = 0; other < 3; other++)
            others[other] = inuse((enum weft_memory)other);
        weft_heap_stats(&before);
        count = take_all(&list[kind], (enum weft_memory)kind, 100);
        count += take_all(&list[kind], (enum weft_memory)kind, 10);
        cr_assert(count * (100 + GUARD_BYTES) > bytes_of[kind] / 2, "%u of kind %d", count, kind);
        weft_heap_stats(&after);
        cr_assert(after.failures == before.failures + 2);
        for (int other = 0; other < 3; other++)
            cr_assert(other == kind || inuse((enum weft_memory)other) == others[other]);
        cr_assert(weft_heap_check() == 0, "%s", fake_console);
    }
    cr_assert(w_malloc(1) == NULL);
    give_all(list[WEFT_MEMORY_DMA]);
    guard_quarantine_flush();
    cr_assert(w_malloc(1) == NULL && weft_heap_alloc(1, 0, WEFT_MEMORY_FAST) == NULL);
    w_free(weft_heap_alloc(1, 0, WEFT_MEMORY_DMA));
    give_all(list[WEFT_MEMORY_FAST]);
    give_all(list[WEFT_MEMORY_NORMAL]);
    nothing_is_left();
}

Test(mem_kinds, the_parts_add_up_to_the_whole)
{
    struct weft_mstats all, part, sum = {0};
    void *block[60];

    boot();
    for (int i = 0; i < 60; i++)
        block[i] = weft_heap_alloc((size_t)i * 11 + 1, 0, (enum weft_memory)(i % 3));
    w_free(block[59]);
    weft_heap_scavenge();
    weft_heap_stats(&all);
    for (int kind = 0; kind < 3; kind++) {
        weft_heap_stats_of((enum weft_memory)kind, &part);
        cr_assert(part.page_bytes == all.page_bytes && part.inuse_pages > 0);
        sum.sys_pages += part.sys_pages;
        sum.inuse_pages += part.inuse_pages;
        sum.idle_pages += part.idle_pages;
        sum.meta_pages += part.meta_pages;
        sum.released_pages += part.released_pages;
    }
    cr_assert(sum.sys_pages == all.sys_pages && sum.inuse_pages == all.inuse_pages);
    cr_assert(sum.idle_pages == all.idle_pages && sum.meta_pages == all.meta_pages);
    cr_assert(sum.released_pages == all.released_pages && all.released_pages > 0);
}

Test(mem_kinds, an_aligned_object_has_its_cache_lines_for_itself)
{
    uintptr_t line[64];

    boot();
    for (int i = 0; i < 64; i++) {
        uint8_t *block = weft_heap_alloc(5 + (size_t)i % 60, 64, WEFT_MEMORY_DMA);

        cr_assert((uintptr_t)block % 64 == 0 && is_in(block, WEFT_MEMORY_DMA));
        line[i] = (uintptr_t)block / 64;
        for (int other = 0; other < i; other++)
            cr_assert(line[other] != line[i]);
    }
    for (int i = 0; i < 64; i++)
        cr_assert(heap_usable_size((void *)(line[i] * 64)) % 64 == 0);
}

Test(mem_kinds, realloc_keeps_the_kind)
{
    uint8_t *block;

    boot();
    block = weft_heap_alloc(20, 0, WEFT_MEMORY_DMA);
    for (size_t bytes = 20; bytes < 5000; bytes = bytes * 2 + 3) {
        block = w_realloc(block, bytes);
        cr_assert(block && is_in(block, WEFT_MEMORY_DMA));
    }
    block = w_realloc(block, 9);
    cr_assert(is_in(block, WEFT_MEMORY_DMA));
    cr_assert(w_realloc(block, ARENA / 2) == NULL, "there is as much, but of another kind");
    w_free(block);
    nothing_is_left();
}

Test(mem_kinds, a_handler_frees_and_gets_none)
{
    void *block, *other;

    boot();
    for (int busy = 0; busy < 2; busy++) {
        block = weft_heap_alloc(30, 0, WEFT_MEMORY_FAST);
        fake_interrupt_enter(busy != 0);
        w_free(block);
        other = weft_heap_alloc(30, 0, WEFT_MEMORY_FAST);
        cr_assert((other != NULL) == WEFT_CONFIG_HEAP_DETERMINISTIC);
        w_free(other);
        fake_interrupt_leave(busy != 0);
        cr_assert(FAKE_PANICS(w_free(block)));
        guard_quarantine_flush();
        w_free(w_malloc(9000)); /* the next slow call frees what was left */
        nothing_is_left();
    }
}

static void misuse(enum weft_memory kind)
{
    uint8_t *block = weft_heap_alloc(40, 0, kind), *other = weft_heap_alloc(40, 0, kind);

    cr_assert(FAKE_PANICS(w_free(block + 8)) && strstr(fake_panic_text, "into a block"));
    w_free(block);
    cr_assert(FAKE_PANICS(w_free(block)) && strstr(fake_panic_text, "double free"));
    block[0] ^= 1;
    cr_assert(weft_heap_check() != 0);
    block[0] ^= 1;
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
    w_free(other);
    nothing_is_left();
}

Test(mem_kinds, misuse_is_caught_as_in_normal_memory)
{
    boot();
    misuse(WEFT_MEMORY_DMA);
    misuse(WEFT_MEMORY_FAST);
    cr_assert(weft_heap_alloc(10, 48, WEFT_MEMORY_DMA) == NULL);
    cr_assert(weft_heap_alloc(SIZE_MAX - 3, 0, WEFT_MEMORY_DMA) == NULL);
    cr_assert(weft_heap_alloc(10, 0, (enum weft_memory)3) == NULL);
}

struct held {
    uint8_t *block;
    size_t bytes;
    enum weft_memory kind;
};

static void step(struct held *held, uint64_t *state)
{
    if (WEFT_CONFIG_CORES > 1)
        fake_core_id = (unsigned)(fake_random(state) % WEFT_CONFIG_CORES);
    if (!held->block) {
        held->kind = (enum weft_memory)(fake_random(state) % 3);
        held->bytes = fake_random(state) % (8u << fake_random(state) % 9) + 1;
        held->block = weft_heap_alloc(held->bytes, 0, held->kind);
        if (held->block)
            memset(held->block, (uint8_t)held->bytes, held->bytes);
        return;
    }
    cr_assert(is_in(held->block, held->kind));
    for (size_t i = 0; i < held->bytes; i++)
        cr_assert(held->block[i] == (uint8_t)held->bytes);
    w_free(held->block);
    held->block = NULL;
}

Test(mem_kinds, random_operations_on_three_kinds)
{
    static struct held held[600];
    uint64_t state = 4711;

    boot();
    for (unsigned i = 0; i < 60000; i++) {
        step(&held[fake_random(&state) % 600], &state);
        if (i % 5000 == 0)
            fake_check_quiescent();
    }
    for (unsigned i = 0; i < 600; i++)
        if (held[i].block)
            step(&held[i], &state);
    nothing_is_left();
}
