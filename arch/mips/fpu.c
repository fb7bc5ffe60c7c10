/* SPDX-License-Identifier: MIT */
#include "arch/fpu.h"
#include "arch/mips/frame.h"
#include "arch/mips/mips.h"

_Static_assert(ARCH_FPU_BYTES >= 260 && ARCH_FPU_BYTES % 8 == 0, "32 doubles and FCSR");

void arch_fpu_init(struct core *core)
{
    core->fpu_owner = NULL;
}

static void fpu_enable(void)
{
    uint32_t status;

    __asm__ volatile("mfc0 %0, $12\n\tor %0, %0, %1\n\tmtc0 %0, $12\n\tehb"
                     : "=&r"(status)
                     : "r"(STATUS_CU1)
                     : "memory");
}

void mips_fpu_put_away(struct core *core)
{
    mips_fpu_save(core->fpu_owner); /* the owner is running: the unit is on */
    core->fpu_owner = NULL;
    mips_fpu_disable();
}

bool mips_fpu_take(struct arch_frame *frame)
{
    struct core *core = core_self();

    if (core->current_fpu_area == NULL || core->fpu_owner == core->current_fpu_area)
        return false;
    fpu_enable();
    if (core->fpu_owner != NULL)
        mips_fpu_save(core->fpu_owner);
    mips_fpu_load(core->current_fpu_area);
    core->fpu_owner = core->current_fpu_area;
    frame->status |= STATUS_CU1;
    return true;
}
