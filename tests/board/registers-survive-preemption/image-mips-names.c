/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "image-mips.h"
#include "patterns.h"

const char *pattern_name(unsigned number)
{
    static char name[24];

    if (number < PATTERN_HI)
        snprintf(name, sizeof name, "$%u", number);
    else if (number < PATTERN_FPU)
        snprintf(name, sizeof name, "%s", number == PATTERN_HI ? "HI" : "LO");
    else if (number < PATTERN_FPU_HIGH)
        snprintf(name, sizeof name, "$f%u", number - PATTERN_FPU);
    else if (number < PATTERN_FCSR)
        snprintf(name, sizeof name, "the upper half of $f%u", number - PATTERN_FPU_HIGH);
    else
        snprintf(name, sizeof name, "FCSR");
    return name;
}
