/* SPDX-License-Identifier: MIT */
/* What the fuzz targets of the host tool share. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "tools/weft/buffer.h"
#include "tools/weft/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Of this program itself. */
static inline struct symbols *fuzz_symbols(void)
{
    struct buffer error = {0};
    struct symbols *symbols = symbols_open("/proc/self/exe", &error);

    if (symbols == NULL)
        abort();
    return symbols;
}

#endif
