/* SPDX-License-Identifier: MIT */
#include "boards/firmware/vectors.h"

#include <stdint.h>

/* EBase's alignment (MIPS32 PRA, MD00090). */
#define VECTORS_ALIGNMENT 4096

const char *firmware_vectors_fault(const void *vectors)
{
    return (uintptr_t)vectors % VECTORS_ALIGNMENT != 0 ? "vectors must be a page, aligned to 4096"
                                                       : 0;
}
