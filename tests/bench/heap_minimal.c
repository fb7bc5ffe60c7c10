/* SPDX-License-Identifier: MIT */
/* The smallest program with a heap: how much of it is linked (make bench-heap). */
#include <stdlib.h>

int main(void)
{
    void *volatile block = malloc(32);

    free(block);
    return block == NULL;
}
