/* SPDX-License-Identifier: MIT */
/* What each thread has allocated, with eight accounts: alone, and with the full tier. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "mem/guard.h"
#include "mem_fake.h"
#include "mem_names.h"

#define ARENA ((size_t)1 << 20)

static struct weft_heap_account account(uint32_t thread)
{
    struct weft_heap_account read;

    cr_assert(weft_heap_account_read(thread, &read) == 0 && read.thread_id == thread);
    return read;
}

static void expect(uint32_t thread, size_t allocated_blocks, size_t allocated_bytes,
                   size_t freed_blocks, size_t freed_bytes)
{
    struct weft_heap_account read = account(thread);

    cr_assert(read.allocated_blocks == allocated_blocks && read.allocated_bytes == allocated_bytes,
              "thread %u allocated %zu in %zu", thread, read.allocated_bytes,
              read.allocated_blocks);
    cr_assert(read.freed_blocks == freed_blocks && read.freed_bytes == freed_bytes,
              "thread %u: %zu in %zu freed", thread, read.freed_bytes, read.freed_blocks);
}

Test(mem_account, a_block_that_another_thread_frees_leaves_the_account_of_its_own)
{
    void *block;

    fake_boot(ARENA, 0);
    fake_thread_id = 5;
    block = w_malloc(100);
    fake_thread_id = 6;
    expect(5, 1, 100, 0, 0);
    expect(6, 0, 0, 0, 0);
    w_free(block);
    expect(5, 1, 100, 1, 100);
    expect(6, 0, 0, 0, 0);
}

Test(mem_account, every_name_counts_what_was_asked_for)
{
    void *block, *other;

    fake_boot(ARENA, 0);
    fake_thread_id = 3;
    block = w_calloc(5, 7);
    expect(3, 1, 35, 0, 0);
    fake_thread_id = 4;
    block = w_realloc(block, 5000); /* a free and an allocation */
    expect(3, 1, 35, 1, 35);
    expect(4, 1, 5000, 0, 0);
    block = w_realloc(block, 4900);
    expect(4, 2, 9900, 1, 5000);
    cr_assert(w_realloc(block, 2 * ARENA) == NULL && w_realloc(block, SIZE_MAX - 3) == NULL);
    expect(4, 2, 9900, 1, 5000);
    cr_assert(w_malloc(2 * ARENA) == NULL && w_malloc(SIZE_MAX - 3) == NULL);
    expect(4, 2, 9900, 1, 5000);
    cr_assert(w_realloc(block, 0) == NULL);
    expect(4, 2, 9900, 2, 9900);
    other = w_memalign(256, 10);
    cr_assert((uintptr_t)other % 256 == 0 && w_malloc_usable_size(other) == 10);
    block = weft_heap_alloc(20, 64, WEFT_MEMORY_NORMAL);
    expect(4, 4, 9930, 2, 9900);
    fake_interrupt_enter(true);
    w_free(block);
    w_free(other);
    fake_interrupt_leave(true);
    expect(4, 4, 9930, 4, 9930);
    w_free(w_malloc(0));
    expect(4, 5, 9930, 5, 9930);
}

Test(mem_account, a_handlers_blocks_are_on_no_threads_account)
{
    void *block;

    fake_boot(ARENA, 0);
    fake_thread_id = 2;
    w_free(w_malloc(24)); /* into the cache, where the handler finds it */
    guard_quarantine_flush();
    fake_interrupt_enter(false);
    block = w_malloc(24);
    fake_interrupt_leave(false);
    cr_assert(block);
    expect(0, 1, 24, 0, 0);
    expect(2, 1, 24, 1, 24);
    w_free(block);
    expect(0, 1, 24, 1, 24);
}

/* ---- against an oracle ---- */

#define THREADS 40
#define BLOCKS 300

static struct weft_heap_account oracle[THREADS];
static struct {
    void *block;
    size_t bytes;
    uint32_t owner;
} held[BLOCKS];

static void step(uint64_t *state, unsigned threads)
{
    unsigned i = (unsigned)(fake_random(state) % BLOCKS);

    fake_thread_id = 1 + (uint32_t)(fake_random(state) % threads);
    if (held[i].block) {
        w_free(held[i].block);
        oracle[held[i].owner].freed_blocks++;
        oracle[held[i].owner].freed_bytes += held[i].bytes;
        held[i].block = NULL;
        return;
    }
    held[i].owner = fake_thread_id;
    held[i].bytes = fake_random(state) % (8u << fake_random(state) % 9);
    held[i].block = w_malloc(held[i].bytes);
    cr_assert(held[i].block);
    oracle[held[i].owner].allocated_blocks++;
    oracle[held[i].owner].allocated_bytes += held[i].bytes;
}

static void sum_up(struct weft_heap_account *sum, const struct weft_heap_account *of, size_t count)
{
    memset(sum, 0, sizeof(*sum));
    for (size_t i = 0; i < count; i++) {
        sum->allocated_blocks += of[i].allocated_blocks;
        sum->allocated_bytes += of[i].allocated_bytes;
        sum->freed_blocks += of[i].freed_blocks;
        sum->freed_bytes += of[i].freed_bytes;
    }
}

Test(mem_account, eight_threads_accounts_are_exact)
{
    uint64_t state = 99;

    fake_boot(ARENA, 0);
    for (unsigned i = 0; i < 30000; i++)
        step(&state, 8);
    for (uint32_t thread = 1; thread <= 8; thread++)
        expect(thread, oracle[thread].allocated_blocks, oracle[thread].allocated_bytes,
               oracle[thread].freed_blocks, oracle[thread].freed_bytes);
}

Test(mem_account, with_more_threads_the_accounts_still_add_up)
{
    struct weft_heap_account read[16], sum, expected;
    uint64_t state = 7;
    int count;

    fake_boot(ARENA, 0);
    for (unsigned i = 0; i < 30000; i++)
        step(&state, THREADS - 1);
    count = weft_heap_accounts_read(read, 16);
    cr_assert(count == 9, "%d", count);
    sum_up(&sum, read, (size_t)count);
    sum_up(&expected, oracle, THREADS);
    cr_assert(memcmp(&sum.allocated_blocks, &expected.allocated_blocks, 4 * sizeof(size_t)) == 0);
}

Test(mem_account, a_thread_that_holds_nothing_makes_room)
{
    void *block;

    fake_boot(ARENA, 0);
    fake_thread_id = 1000;
    block = w_malloc(10);
    for (fake_thread_id = 1; fake_thread_id <= 100; fake_thread_id++)
        w_free(w_malloc(fake_thread_id));
    expect(1000, 1, 10, 0, 0);
    expect(100, 1, 100, 1, 100);
    expect(1, 0, 0, 0, 0);
    cr_assert(account(WEFT_HEAP_OTHER_THREADS).allocated_blocks == 101 - 8);
    cr_assert(account(WEFT_HEAP_OTHER_THREADS).freed_blocks == 101 - 8);
    w_free(block);
    expect(1000, 1, 10, 1, 10);
}

/* ---- reading and reports ---- */

Test(mem_account, a_reader_with_little_room_gets_a_part_and_the_number)
{
    struct weft_heap_account read[6];

    fake_boot(ARENA, 0);
    for (fake_thread_id = 1; fake_thread_id <= 3; fake_thread_id++)
        w_free(w_malloc(5));
    for (size_t capacity = 0; capacity <= 4; capacity++) {
        memset(read, 0x77, sizeof read);
        cr_assert(weft_heap_accounts_read(read, capacity) == 3);
        for (size_t i = 0; i < 6; i++)
            cr_assert((read[i].thread_id == 0x77777777) == (i >= capacity || i >= 3));
    }
}

Test(mem_account, the_report_says_what_the_accounts_say)
{
    const char *line;
    unsigned lines = 0;

    fake_boot(ARENA, 0);
    for (fake_thread_id = 1; fake_thread_id <= 30; fake_thread_id++) {
        void *block = w_malloc(fake_thread_id * 10);

        if (fake_thread_id % 3)
            w_free(block);
    }
    fake_console_clear();
    weft_heap_accounts_print();
    for (line = strstr(fake_console, "heap: "); line; line = strstr(line + 1, "heap: "), lines++) {
        uint32_t thread = WEFT_HEAP_OTHER_THREADS;
        size_t live, live_blocks, allocated, allocated_blocks, freed, freed_blocks;
        const char *figures = strstr(line, ": live");

        cr_assert(sscanf(line, "heap: thread %u:", &thread) == 1 ||
                  strncmp(line, "heap: other threads:", 20) == 0);
        cr_assert(sscanf(figures,
                         ": live %zu bytes in %zu blocks; allocated %zu in %zu, "
                         "freed %zu in %zu",
                         &live, &live_blocks, &allocated, &allocated_blocks, &freed,
                         &freed_blocks) == 6);
        expect(thread, allocated_blocks, allocated, freed_blocks, freed);
        cr_assert(live == allocated - freed && live_blocks == allocated_blocks - freed_blocks);
    }
    cr_assert(lines == 9, "%s", fake_console);
}

Test(mem_account, a_fault_names_the_thread_that_allocated)
{
    uint8_t *block;
    size_t blocks, bytes;

    fake_boot(ARENA, 0);
    fake_thread_id = 77;
    block = w_malloc(33);
    fake_thread_id = 1;
    cr_assert(weft_heap_owned(77, &blocks, &bytes) == 0 && blocks == 1 && bytes == 33);
    cr_assert(FAKE_PANICS(w_free(block + 8)));
    cr_assert(strstr(fake_console, "33 bytes asked for, allocated by thread 77"), "%s",
              fake_console);
    if (!WEFT_CONFIG_HEAP_FULL)
        for (volatile size_t usable = heap_usable_size(block), at = usable - 8; at < usable; at++) {
            block[at] ^= 0x21;
            cr_assert(FAKE_PANICS(w_free(block)) && strstr(fake_panic_text, "past its end"));
            cr_assert(FAKE_PANICS((void)w_realloc(block, 5)));
            block[at] ^= 0x21;
        }
    expect(77, 1, 33, 0, 0);
    w_free(block);
    expect(77, 1, 33, 1, 33);
    cr_assert(FAKE_PANICS(w_free(block)) && strstr(fake_panic_text, "double free"));
    expect(77, 1, 33, 1, 33);
}
