/* SPDX-License-Identifier: MIT */
/* Threads of one priority that keep values in the DSP accumulators and its control word while time
 * slices take the core away from them, beside one that computes with doubles and one with neither.
 */
#include <weft/weft.h>

#include "../firmware.h"

#define USERS 4
#define ROUNDS 400
#define SPIN 1500

/* ac1 to ac3 and the condition codes in DSPControl hold the thread's values for a while. */
static void keep(const uint32_t in[7], uint32_t out[7])
{
    unsigned spin = SPIN;

    __asm__ volatile(".set push\n\t.set dsp\n\t.set noreorder\n\t"
                     "lw $8, 0(%1)\n\tmthi $8, $ac1\n\tlw $8, 4(%1)\n\tmtlo $8, $ac1\n\t"
                     "lw $8, 8(%1)\n\tmthi $8, $ac2\n\tlw $8, 12(%1)\n\tmtlo $8, $ac2\n\t"
                     "lw $8, 16(%1)\n\tmthi $8, $ac3\n\tlw $8, 20(%1)\n\tmtlo $8, $ac3\n\t"
                     "lw $8, 24(%1)\n\twrdsp $8\n"
                     "1:\tbnez %0, 1b\n\taddiu %0, %0, -1\n\t"
                     "mfhi $8, $ac1\n\tsw $8, 0(%2)\n\tmflo $8, $ac1\n\tsw $8, 4(%2)\n\t"
                     "mfhi $8, $ac2\n\tsw $8, 8(%2)\n\tmflo $8, $ac2\n\tsw $8, 12(%2)\n\t"
                     "mfhi $8, $ac3\n\tsw $8, 16(%2)\n\tmflo $8, $ac3\n\tsw $8, 20(%2)\n\t"
                     "rddsp $8\n\tsw $8, 24(%2)\n\t.set pop"
                     : "+r"(spin)
                     : "r"(in), "r"(out)
                     : "$8", "memory");
}

static volatile unsigned rounds[USERS];

static void *user(void *argument)
{
    unsigned id = (unsigned)(uintptr_t)argument;

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t in[7], out[7];

        for (unsigned i = 0; i < 6; i++)
            in[i] = (id + 1) << 28 | i << 20 | round;
        in[6] = (round & 15) << 24 | id << 16; /* ccond and ouflag */
        keep(in, out);
        for (unsigned i = 0; i < 7; i++)
            CHECK(in[i] == out[i]);
        rounds[id]++;
    }
    return argument;
}

static void *calculator(void *argument)
{
    volatile double sum = 0;

    for (unsigned i = 0; i < 200000; i++)
        sum += 0.5;
    CHECK(sum == 100000.0);
    return argument;
}

static void *neither(void *argument)
{
    for (volatile unsigned i = 0; i < 500000; i++)
        ;
    return argument;
}

int main(void)
{
    struct weft_thread *threads[USERS + 2];

    for (uintptr_t i = 0; i < USERS; i++)
        CHECK(weft_thread_spawn(&threads[i], NULL, user, (void *)i) == 0);
    CHECK(weft_thread_spawn(&threads[USERS], NULL, calculator, NULL) == 0);
    CHECK(weft_thread_spawn(&threads[USERS + 1], NULL, neither, NULL) == 0);
    for (unsigned i = 0; i < USERS + 2; i++)
        CHECK(weft_thread_join(threads[i], NULL) == 0);
    for (unsigned i = 0; i < USERS; i++)
        CHECK(rounds[i] == ROUNDS);
    puts("accumulators kept");
    return 0;
}
