/* SPDX-License-Identifier: MIT */
/* A build without a heap: whoever asks for memory all the same is told that there is none. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <weft/console.h>
#include <weft/heap.h>
#include <weft/interrupt.h>

static void *volatile block;
static volatile bool asked;

static bool is_refused(void *answer)
{
    return answer == NULL && errno == ENOMEM;
}

static WEFT_HANDLER void asks(void *argument)
{
    block = malloc(16);
    *(bool *)argument = block == NULL;
    asked = true;
}

int main(void)
{
    static const size_t sizes[] = {0, 1, 16, 100, 1000, 5000, 1 << 20, SIZE_MAX};
    bool refused = false;

    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        errno = 0;
        if (!is_refused(malloc(sizes[i])))
            return 1;
        errno = 0;
        if (!is_refused(calloc(1, sizes[i])))
            return 2;
        errno = 0;
        if (!is_refused(realloc(NULL, sizes[i])))
            return 3;
    }
    errno = 0;
    if (!is_refused(aligned_alloc(64, 64)))
        return 4;
    free(NULL);
    if (weft_interrupt_handle(0, asks, &refused) != 0)
        return 5;
    weft_interrupt_raise(0);
    if (!asked || !refused)
        return 6;
    weft_print("heapless: told\n");
    return 0;
}
