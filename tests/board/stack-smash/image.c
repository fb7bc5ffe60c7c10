/* SPDX-License-Identifier: MIT */
/* Writes past the end of an array on the stack; or prints the word that guards it. */
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "../firmware.h"

extern uintptr_t __stack_chk_guard;

static volatile size_t length;

/* Copies `length` bytes into 16. */
__attribute__((noinline)) static int copy_out_of_bounds(const char *text)
{
    char copy[16];

    memcpy(copy, text, length);
    __asm__ volatile("" ::"r"(copy) : "memory");
    return copy[length % 16];
}

int main(int argc, char **argv)
{
    static char text[64];

    memset(text, 'x', sizeof text);
    if (argc > 1 && strcmp(argv[1], "smash") == 0) {
        length = 16 + 2 * sizeof(uintptr_t); /* padding or the word behind; no return address */
        copy_out_of_bounds(text);
        printf("the smashed function returned\n");
        return 1;
    }
    length = 16;
    CHECK(copy_out_of_bounds(text) == 'x');
    printf("guard=%0*" PRIxPTR "\n", (int)(2 * sizeof __stack_chk_guard), __stack_chk_guard);
    return 0;
}
