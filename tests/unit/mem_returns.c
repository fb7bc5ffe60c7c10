/* SPDX-License-Identifier: MIT */
/* HEAP_REPORT_RETURNS=1: a broken rule is printed, has no effect, and the heap stays whole. */
#include <criterion/criterion.h>
#include <string.h>

#include "mem_fake.h"
#include "mem_names.h"

static void expect_report(void *pointer, const char *sentence)
{
    size_t live = weft_heap_live_bytes();

    fake_console_clear();
    w_free(pointer);
    cr_assert(strstr(fake_console, sentence), "said: %s", fake_console);
    cr_assert(weft_heap_live_bytes() == live);
    fake_check_quiescent();
}

Test(mem_returns, wrong_frees_are_reported_and_have_no_effect)
{
    static const size_t sizes[] = {8, 100, 1000, 5000};
    int local;

    fake_boot(256 << 10, 0);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint8_t *block = w_malloc(sizes[i]);

        memset(block, 0x77, sizes[i]);
        expect_report(block + 4, "not to its start");
        w_free(block);
        expect_report(block, "double free");
        cr_assert(w_realloc(block, 10000) == NULL);
        cr_assert(w_malloc_usable_size(block) == 0);
    }
    expect_report(&local, "never returned");
}

Test(mem_returns, a_span_with_a_broken_list_is_never_used_again)
{
    enum { COUNT = 64 };
    uintptr_t *block[COUNT];

    fake_boot(256 << 10, 0);
    for (int i = 0; i < COUNT; i++)
        block[i] = w_malloc(32);
    for (int i = 0; i < COUNT; i++)
        w_free(block[i]);
    for (int i = 0; i < COUNT; i++)
        block[i][1] = 0x1234567;
    fake_console_clear();
    for (int i = 0; i < 1000; i++) {
        uintptr_t *again = w_malloc(32);

        cr_assert(again != NULL);
        memset(again, 0, 32);
    }
    cr_assert(strstr(fake_console, "was written to"), "said: %s", fake_console);
}
