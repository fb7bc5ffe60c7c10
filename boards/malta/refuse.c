/* SPDX-License-Identifier: MIT */
/*
 * What is said on a machine that the image can't run on. This file alone is compiled for MIPS32
 * release 1, everything is in line, and nothing returns: such code runs on release 6 too, where a
 * return is encoded otherwise. There may be no .bss. The status is left the way the command line
 * asks for, as in board_exit.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/mips/mips.h"
#include "boards/malta/malta.h"
#include "boards/malta/ports.h"

#include "boards/devices/uart16550.h"

/* UHI's exit, `sdbbp 1`, which release 6 encodes otherwise (MIPS MD00086, MD00087). */
#define SDBBP_1 ".word 0x7000007f"
#define SDBBP_1_RELEASE_6 ".word 0x0000004e"

static inline bool begins(const char *at, const char *word)
{
    while (*word != '\0' && *at == *word) {
        at++;
        word++;
    }
    return *word == '\0';
}

/* Is `word` in one of the loader's arguments? */
static inline bool argument_given(const char *const *arguments, const char *const *end,
                                  const char *word)
{
    for (; arguments < end; arguments++)
        for (const char *at = *arguments; at != NULL && *at != '\0'; at++)
            if (begins(at, word))
                return true;
    return false;
}

static inline void say(const char *text)
{
    for (; *text != '\0'; text++)
        uart_send(text, 1);
}

__attribute__((flatten)) _Noreturn void board_early_refuse(const char *sentence,
                                                           const char *const *arguments,
                                                           const char *const *environment)
{
    register uint32_t operation __asm__("$25") = 1;
    register uint32_t argument __asm__("$4");
    uint32_t config;

    uart_init(MALTA_BAUD);
    say("weft: ");
    say(sentence);
    say("; stopped\n");
    if (argument_given(arguments, environment, "exit=semihosting")) {
        __asm__ volatile("mfc0 %0, $16" : "=r"(config));
        argument = STATUS_UNUSABLE_BOARD;
        if ((config >> 10 & 7) < 2)
            __asm__ volatile(SDBBP_1 ::"r"(operation), "r"(argument) : "memory");
        else
            __asm__ volatile(SDBBP_1_RELEASE_6 ::"r"(operation), "r"(argument) : "memory");
    }
    *(volatile uint32_t *)MALTA_SOFT_RESET = MALTA_GO_RESET;
    for (;;)
        __asm__ volatile("wait");
}
