/* SPDX-License-Identifier: MIT */
/* Finalizers: once each, referrers first, resurrection, rings. */
#include <criterion/criterion.h>
#include <string.h>

#include "gc_fake.h"
#include "mem/gc.h"
#include "mem_fake.h"

static char log_text[256];

/* Writes the block's letter; the block must be as it was. */
static void note(void *block, void *argument)
{
    char letter[2] = {*(const char *)argument, 0};
    uintptr_t *words = block;

    cr_assert_eq(words[3], 0xabcdu);
    cr_assert(!fake_stopped);
    strcat(log_text, letter);
}

static uintptr_t *make(const char *letter)
{
    uintptr_t *block = weft_gc_alloc(4 * sizeof(uintptr_t), 0);

    block[3] = 0xabcdu;
    cr_assert_eq(weft_gc_finalizer_set(block, note, (void *)letter), 0);
    return block;
}

static const char *collect(void)
{
    log_text[0] = 0;
    weft_gc();
    fake_finalizers_run();
    return log_text;
}

Test(gc_finalizers, run_once_after_the_block_died_in_the_order_of_setting)
{
    struct weft_gc_stats stats;

    fake_boot(1 << 20, 0);
    fake_roots[0] = (uintptr_t)make("a");
    make("b");
    make("c");
    cr_assert_str_eq(collect(), "bc");
    cr_assert_eq(fake_blocks(), 3, "they are there until the next collection");
    cr_assert_str_eq(collect(), "");
    cr_assert_eq(fake_blocks(), 1);
    fake_roots[0] = 0;
    cr_assert_str_eq(collect(), "a");
    cr_assert_str_eq(collect(), "");
    cr_assert_eq(fake_blocks(), 0);
    weft_gc_stats(&stats);
    cr_assert(stats.finalizers == 0 && stats.finalizers_run == 3);
    fake_check_quiescent();
}

/* c is set first, and waits for both that lead to it: a by way of a block without a finalizer. */
Test(gc_finalizers, a_block_waits_for_those_that_lead_to_it)
{
    uintptr_t *a, *b, *c, *between;

    fake_boot(1 << 20, 0);
    c = make("c");
    between = weft_gc_alloc(sizeof(uintptr_t), 0);
    b = make("b");
    a = make("a");
    a[0] = (uintptr_t)between;
    between[0] = (uintptr_t)c + 5;
    b[1] = (uintptr_t)c;
    cr_assert_str_eq(collect(), "ba");
    cr_assert_str_eq(collect(), "c");
    cr_assert_str_eq(collect(), "");
    cr_assert_eq(fake_blocks(), 0);
}

Test(gc_finalizers, a_pointer_to_itself_does_not_count_but_a_ring_is_never_finalized)
{
    uintptr_t *self, *a, *b;

    fake_boot(1 << 20, 0);
    self = make("s");
    self[0] = (uintptr_t)self;
    self[1] = (uintptr_t)&self[2];
    a = make("a");
    b = weft_gc_alloc(32, 0);
    a[0] = (uintptr_t)b;
    b[0] = (uintptr_t)a;
    cr_assert_str_eq(collect(), "s");
    cr_assert_str_eq(collect(), "");
    cr_assert_eq(fake_blocks(), 2);
    b[0] = 0; /* whoever still knows it breaks the ring */
    cr_assert_str_eq(collect(), "a");
    cr_assert_str_eq(collect(), "");
    cr_assert_eq(fake_blocks(), 0);
}

static void resurrect(void *block, void *argument)
{
    *(uintptr_t *)argument = (uintptr_t)block;
    strcat(log_text, "r");
}

Test(gc_finalizers, a_finalizer_may_keep_its_block_and_set_another)
{
    uintptr_t *block, *inner;

    fake_boot(1 << 20, 0);
    block = weft_gc_alloc(4 * sizeof(uintptr_t), 0);
    inner = weft_gc_alloc(8, 0);
    *inner = 4711;
    block[3] = 0xabcdu;
    block[0] = (uintptr_t)inner;
    cr_assert_eq(weft_gc_finalizer_set(block, resurrect, &fake_roots[9]), 0);
    cr_assert_str_eq(collect(), "r");
    cr_assert_str_eq(collect(), "");
    cr_assert_eq(fake_blocks(), 2);
    cr_assert_eq(*inner, 4711);
    cr_assert_eq(weft_gc_finalizer_set(block, note, (void *)"n"), 0);
    fake_roots[9] = 0;
    cr_assert_str_eq(collect(), "n");
    cr_assert_str_eq(collect(), "");
    cr_assert_eq(fake_blocks(), 0);
}

/* Until the thread gets round to it, collections leave it, and what it leads to, alone. */
Test(gc_finalizers, a_block_whose_finalizer_has_not_run_yet_stays)
{
    uintptr_t *block;

    fake_boot(1 << 20, 0);
    block = make("x");
    block[0] = (uintptr_t)weft_gc_alloc(100, 0);
    weft_gc();
    weft_gc();
    weft_gc();
    cr_assert_eq(fake_blocks(), 2);
    log_text[0] = 0;
    fake_finalizers_run();
    cr_assert_str_eq(log_text, "x");
    weft_gc();
    cr_assert_eq(fake_blocks(), 0);
}

Test(gc_finalizers, can_be_replaced_and_taken_away_and_are_refused_for_what_is_no_block)
{
    uintptr_t *block, *argument;
    int local;

    fake_boot(1 << 20, 0);
    block = make("x");
    make("z");
    cr_assert_eq(weft_gc_finalizer_set(block, note, (void *)"y"), 0);
    cr_assert_eq(weft_gc_finalizer_set(block + 1, note, NULL), WEFT_EINVAL);
    cr_assert_eq(weft_gc_finalizer_set(NULL, note, NULL), WEFT_EINVAL);
    cr_assert_eq(weft_gc_finalizer_set(&local, note, NULL), WEFT_EINVAL);
    cr_assert_str_eq(collect(), "zy"); /* the order of the last setting */
    block = make("x");
    cr_assert_eq(weft_gc_finalizer_set(block, NULL, NULL), 0);
    cr_assert_eq(weft_gc_finalizer_set(block, NULL, NULL), 0);
    cr_assert_str_eq(collect(), "");
    cr_assert_eq(fake_blocks(), 0);
    argument = weft_gc_alloc(8, 0);
    *argument = 'q';
    fake_roots[1] = (uintptr_t)make("k");
    cr_assert_eq(weft_gc_finalizer_set((void *)fake_roots[1], note, argument), 0);
    weft_gc();
    cr_assert_eq(fake_blocks(), 2, "an argument is a root");
    fake_roots[1] = 0;
    cr_assert_str_eq(collect(), "q");
}

static void count(void *block, void *argument)
{
    cr_assert_eq(((uintptr_t *)block)[1], 99);
    ++*(unsigned char *)argument;
}

Test(gc_finalizers, thousands_each_run_once)
{
    static unsigned char ran[4000];
    struct weft_gc_stats stats;

    fake_boot(4 << 20, 0);
    for (unsigned i = 0; i < 4000; i++) {
        uintptr_t *block = weft_gc_alloc(2 * sizeof(uintptr_t), 0);

        fake_roots[i % 500] = (uintptr_t)block;
        block[0] = fake_roots[(i + 1) % 500];
        block[1] = 99;
        cr_assert_eq(weft_gc_finalizer_set(block, count, &ran[i]), 0);
    }
    weft_gc_stats(&stats);
    cr_assert_eq(stats.finalizers, 4000);
    memset(fake_roots, 0, sizeof fake_roots);
    for (unsigned i = 0; i < 4000; i++) {
        weft_gc();
        fake_finalizers_run();
        weft_gc_stats(&stats);
        if (stats.finalizers == 0)
            break;
    }
    cr_assert_eq(stats.finalizers_run, 4000);
    for (unsigned i = 0; i < 4000; i++)
        cr_assert_eq(ran[i], 1);
}
