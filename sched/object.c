/* SPDX-License-Identifier: MIT */
#include "sched/object.h"

#include <weft/console.h>

_Noreturn void object_bad(const void *object, const char *function, const char *noun)
{
    if (object == NULL)
        weft_panic("%s: the %s is NULL", function, noun);
    if (*(const uint32_t *)object == OBJECT_DESTROYED)
        weft_panic("%s: %s %p was destroyed", function, noun, object);
    weft_panic("%s: %p is not an initialised %s", function, object, noun);
}

_Noreturn void object_in_interrupt(const char *function)
{
    sched_may_not_block(function);
    __builtin_unreachable();
}
