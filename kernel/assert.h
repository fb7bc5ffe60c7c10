/* SPDX-License-Identifier: MIT */
/* Entry contracts. ASSERT is compiled in always where it is cheap and guards memory; DEBUG_ASSERT
 * in debug builds (WEFT_CONFIG_DEBUG). Both print the condition, file and line and panic. */
#ifndef KERNEL_ASSERT_H
#define KERNEL_ASSERT_H

#include <weft/config.h>

_Noreturn void assert_failed(const char *condition, const char *file, int line);

#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            assert_failed(#condition, __FILE__, __LINE__);                                         \
    } while (0)

#define DEBUG_ASSERT(condition)                                                                    \
    do {                                                                                           \
        if (WEFT_CONFIG_DEBUG)                                                                     \
            ASSERT(condition);                                                                     \
    } while (0)

#endif
