/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>

#include "arch/context.h"
#include "arch/mips/frame.h"
#include "arch/mips/mips.h"

/* o32: every caller leaves room for its callee's four register arguments. */
#define ARGUMENT_HOME_BYTES 16

/* As arch_switch leaves it. A structure, so that the compiler writes ten words without a loop. */
struct parked {
    uint32_t s[9]; /* s0 to s8 */
    uint32_t ra;
};

_Static_assert(sizeof(struct parked) == PARKED_BYTES && offsetof(struct parked, s) == PARKED_S0 &&
                   offsetof(struct parked, ra) == PARKED_RA,
               "what switch.S saves");

void *arch_context_init(void *stack_top, void (*entry)(void *argument), void *argument)
{
    uintptr_t top = (uintptr_t)stack_top & ~(uintptr_t)(ARCH_STACK_ALIGN - 1);
    struct parked *parked = (struct parked *)(top - ARGUMENT_HOME_BYTES - sizeof *parked);

    *parked = (struct parked){.s = {(uintptr_t)entry, (uintptr_t)argument},
                              .ra = (uintptr_t)arch_thread_resume};
    return parked;
}
