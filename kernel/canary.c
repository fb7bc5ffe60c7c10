/* SPDX-License-Identifier: MIT */
/*
 * The stack protector's word. gcc (-fstack-protector-strong) puts it between a function's arrays
 * and its return address, and compares before returning; both names are gcc's. It is fixed once, in
 * boot code that never returns, from the board's randomness, so that an overflow can't just write
 * the right word. newlib has a constant in this place; these definitions keep it out.
 */
#include "kernel/canary.h"

#include <stdint.h>
#include <string.h>
#include <weft/console.h>

#include "arch/clock.h"
#include "kernel/board.h"

#define GOLDEN_RATIO_32 2654435761u /* spreads a counter's low bits: Knuth, TAOCP 3, 6.4 */

uintptr_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

void canary_init(void)
{
    uint8_t seed[32];
    uintptr_t word;

    if (board_random_seed(seed)) {
        memcpy(&word, seed + 16, sizeof word); /* the heap's secrets are the first half */
        memset(seed, 0, sizeof seed);
    } else {
        word = ((uintptr_t)arch_clock_cycles() ^ (uintptr_t)seed) * GOLDEN_RATIO_32;
    }
    /* Strings stop at a 0: with 64 bits one of the bytes can be spared for that. */
    if (sizeof word == 8)
        word &= ~(uintptr_t)0xff;
    __stack_chk_guard = word;
}

_Noreturn void __stack_chk_fail(void)
{
    weft_panic("stack smashed: the function below wrote past the end of one of its local arrays");
}
