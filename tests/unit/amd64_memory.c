/* SPDX-License-Identifier: MIT */
/* The amd64 port's memcpy and memset, run on the host: every short length, both ends misaligned. */
#include <criterion/criterion.h>
#include <string.h>

/* The assembly, under names of its own (amd64_memory.mk). */
void *weft_memcpy(void *to, const void *from, size_t bytes);
void *weft_memset(void *to, int byte, size_t bytes);

#define LONGEST 300
#define MARGIN 16
#define ROOM (LONGEST + 2 * MARGIN)

static unsigned char from[ROOM], to[ROOM], expected[ROOM];

static void fill(void)
{
    for (unsigned i = 0; i < ROOM; i++) {
        from[i] = (unsigned char)(i * 7 + 1);
        to[i] = expected[i] = (unsigned char)(i * 13 + 5);
    }
}

Test(amd64_memory, memcpy_copies_exactly_what_it_is_told)
{
    for (unsigned bytes = 0; bytes <= LONGEST; bytes++)
        for (unsigned shift = 0; shift < 8; shift++) {
            fill();
            for (unsigned i = 0; i < bytes; i++)
                expected[MARGIN + shift + i] = from[(shift * 3) % 8 + i];
            cr_assert_eq(weft_memcpy(to + MARGIN + shift, from + (shift * 3) % 8, bytes),
                         to + MARGIN + shift);
            cr_assert(memcmp(to, expected, ROOM) == 0, "%u bytes, shifted by %u", bytes, shift);
        }
}

Test(amd64_memory, memset_sets_exactly_what_it_is_told)
{
    for (unsigned bytes = 0; bytes <= LONGEST; bytes++)
        for (unsigned shift = 0; shift < 8; shift++) {
            fill();
            for (unsigned i = 0; i < bytes; i++)
                expected[MARGIN + shift + i] = 0xa5;
            cr_assert_eq(weft_memset(to + MARGIN + shift, 0x1a5, bytes), to + MARGIN + shift);
            cr_assert(memcmp(to, expected, ROOM) == 0, "%u bytes, shifted by %u", bytes, shift);
        }
}
