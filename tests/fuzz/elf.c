/* SPDX-License-Identifier: MIT */
/* Any bytes as an ELF file, and addresses looked up in it. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    int file = memfd_create("elf", 0);
    struct buffer error = {0};
    struct symbols *symbols;
    char path[64];

    if (file < 0 || write(file, bytes, size) != (ssize_t)size)
        return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    symbols = symbols_open(path, &error);
    if (symbols != NULL) {
        for (uint64_t pc = 0; pc < 64; pc++)
            (void)symbols_find(symbols, pc * 0x41);
        symbols_close(symbols);
    }
    buffer_free(&error);
    close(file);
    return 0;
}
