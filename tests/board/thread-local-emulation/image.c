/* SPDX-License-Identifier: MIT */
/*
 * A CPU without UserLocal raises an exception where the thread pointer is read; QEMU's don't. So
 * the handler is called as the vector would call it, with frames that stand before such a read.
 */
#include "emulate.h"

#include <stdio.h>

int main(void)
{
    emulate();
    puts("emulated");
    return 0;
}
