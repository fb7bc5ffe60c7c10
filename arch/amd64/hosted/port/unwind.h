/* SPDX-License-Identifier: MIT */
#ifndef PORT_UNWIND_H
#define PORT_UNWIND_H

/* modules.c */
const struct arch_foreign_code *hosted_foreign_code(uintptr_t pc);

static inline const struct arch_foreign_code *arch_foreign_code(uintptr_t pc)
{
    return hosted_foreign_code(pc);
}

#endif
