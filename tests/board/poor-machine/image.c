/* SPDX-License-Identifier: MIT */
/* Wants 8 MiB for itself. */
#include <stdio.h>

static volatile unsigned char large[8 << 20];

int main(void)
{
    large[sizeof large - 1] = 1;
    puts("there was room");
    return large[sizeof large - 1] == 1 ? 0 : 1;
}
