/* SPDX-License-Identifier: MIT */
/*
 * A thread sleeps so shortly that its deadline's interrupt lands on the way into the idle thread's
 * wait: before interrupts are on, between `ei` and `wait`, in the wait. If one were slept through,
 * the thread would run at the next tick, 100 ms later. Sleeps grow by one step of the clock, and
 * between two of them some more instructions are run, so that (one instruction taking 1 ns of
 * virtual time) the interrupt comes at every instruction.
 */
#include <stdint.h>
#include <weft/weft.h>

#include "../firmware.h"

#define PHASES 16u
#define STEP_NS 10u
#define LONGEST_NS 3000u
#define LATE_NS 10000000u

static void some_instructions(unsigned count)
{
    while (count-- != 0)
        __asm__ volatile("nop");
}

int main(void)
{
    unsigned sleeps = 0;

    for (unsigned phase = 0; phase < PHASES; phase++) {
        for (uint32_t length = STEP_NS; length <= LONGEST_NS; length += STEP_NS) {
            uint64_t start, late;

            some_instructions(phase);
            start = weft_time_ns();
            weft_thread_sleep_until_ns(start + length);
            late = weft_time_ns() - start - length;
            if (late >= LATE_NS)
                printf("a sleep of %lu ns, phase %u: %lu ns late\n", (unsigned long)length, phase,
                       (unsigned long)late);
            CHECK(late < LATE_NS);
            sleeps++;
        }
    }
    printf("%u sleeps, none slept through its end\n", sleeps);
    return 0;
}
