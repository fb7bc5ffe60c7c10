/* SPDX-License-Identifier: MIT */
/*
 * Where does the time go? Ten lines around one's own code: start the sampler, work, stop it, send
 * what it has seen. `weft run` takes the samples off the serial line and prints the functions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <weft/weft.h>

#define ROUNDS 60
#define NUMBERS 2000

static unsigned numbers[NUMBERS];

static void numbers_shuffle(unsigned seed)
{
    for (unsigned i = 0; i < NUMBERS; i++) {
        seed = seed * 1103515245 + 12345;
        numbers[i] = seed >> 8;
    }
}

/* The heavy one, on purpose. */
static __attribute__((noinline)) void numbers_sort(void)
{
    for (unsigned i = 1; i < NUMBERS; i++) {
        unsigned number = numbers[i], at = i;

        for (; at > 0 && numbers[at - 1] > number; at--)
            numbers[at] = numbers[at - 1];
        numbers[at] = number;
    }
}

int main(void)
{
    if (weft_profile_start(1000) != 0) /* samples a second */
        return EXIT_FAILURE;
    for (unsigned round = 0; round < ROUNDS; round++) {
        numbers_shuffle(round);
        numbers_sort();
    }
    if (weft_profile_stop() != 0)
        return EXIT_FAILURE;
    puts("profile: sorted");
    fflush(stdout);
    return weft_profile_send() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
